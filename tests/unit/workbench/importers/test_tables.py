"""Tables as shops export them: what can be read is read, what cannot is one row with its line."""

import gzip
import os
import random
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from hemline.model.errors import BadInput
from tests.builders.importing import wire
from workbench.importers import items
from workbench.importers.reading import opened
from workbench.importers.wire import ReadEvent, Unreadable

TIME = 1_700_000_000_000


def read(
    folder: Path, text: str | bytes, name: str = "feed.csv", delimiter: str = ""
) -> list[ReadEvent]:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with opened(path) as source:
        return list(items.read(source, items.CatalogueReading({}, TIME), delimiter))


def good(made: list[ReadEvent]) -> dict[str, dict[str, Any]]:
    events = [wire(one) for one in made if not isinstance(one, Unreadable)]
    return {event["item"]: event.get("properties", {}) for event in events}


def bad(made: list[ReadEvent]) -> list[tuple[str, str]]:
    return [(one.where, one.reason) for one in made if isinstance(one, Unreadable)]


@pytest.mark.parametrize(
    "header",
    ["SKU,Name,Price,Stock,Image Link,Tags", " Sku , name,PRICE, stock ,image-link, TAGS"],
)
def test_columns_are_found_in_capitals_and_with_blanks(tmp_path: Path, header: str) -> None:
    made = read(tmp_path, f"{header}\nhc-1,Bowl,12.50,0,/b.svg,wool|winter\n")
    assert good(made) == {
        "hc-1": {
            "title": "Bowl", "price": 12.5, "stock": 0, "image": "/b.svg",
            "tags": ["wool", "winter"],
        }
    }  # fmt: skip


def test_an_objects_fields_are_found_in_capitals_too(tmp_path: Path) -> None:
    made = read(tmp_path, '{"ID":"a","Title":"T","PRICE":5,"Brand":"Orla"}\n', "feed.jsonl")
    assert good(made) == {"a": {"title": "T", "price": 5, "attributes": {"Brand": "Orla"}}}


def test_a_row_with_a_cell_too_many_or_too_few_is_refused_and_shifts_nothing(
    tmp_path: Path,
) -> None:
    made = read(
        tmp_path,
        "id,title,stock,brand\na,Bowl, 5, blue,Orla\nb,Cup,3,Orla\nc,Jug\nd,Mug,1,Orla,,\n",
    )
    assert list(good(made)) == ["b", "d"]
    assert [(where, reason[:31]) for where, reason in bad(made)] == [
        ("line 2", "has 5 cells, the header has 4: "),
        ("line 4", "has 2 cells, the header has 4: "),
    ]


@pytest.mark.parametrize("header", ["id,price,title,price", "id,Image Link,title,image_link"])
def test_a_doubled_column_is_refused_by_name(tmp_path: Path, header: str) -> None:
    with pytest.raises(BadInput, match="in columns 2 and 4"):
        read(tmp_path, f"{header}\na,1,T,2\n")


def test_a_doubled_key_is_refused_by_name_and_the_other_rows_are_not(tmp_path: Path) -> None:
    made = read(
        tmp_path,
        '{"id":"a","price":1,"price":2}\n{"id":"b","attributes":{"x":1,"x":2}}\n'
        '{"id":"c","Title":"A","title":"B"}\n{"id":"d"}\n',
        "feed.jsonl",
    )
    assert list(good(made)) == ["d"]
    assert [where for where, _ in bad(made)] == ["line 1", "line 2", "line 3"]
    reasons = [reason for _, reason in bad(made)]
    assert "'price'" in reasons[0]
    assert "'x'" in reasons[1]
    assert "'Title'" in reasons[2]


@pytest.mark.parametrize("name", ["FEED.CSV", "feed.Csv.GZ", "feed.csv", "feed.csv.gz"])
def test_a_table_is_told_by_its_ending_in_any_case(tmp_path: Path, name: str) -> None:
    text = b"id,title\na,Bowl\n"
    made = read(tmp_path, gzip.compress(text) if name.lower().endswith("gz") else text, name)
    assert good(made) == {"a": {"title": "Bowl"}}


def test_one_row_that_cannot_be_read_is_one_row(tmp_path: Path) -> None:
    rows = [f"pt-{n},Bowl,{n}" for n in range(100)]
    rows[50] = 'pt-50,"6" bowl",10'
    made = read(tmp_path, "\n".join(["id,title,price", *rows]) + "\n")
    assert len(good(made)) == 99
    ((where, reason),) = bad(made)
    assert where == "line 52"
    assert "quote" in reason


def test_a_quote_that_is_never_closed_takes_no_row_with_it(tmp_path: Path) -> None:
    rows = [f"q-{n},Bowl,{n}" for n in range(100)]
    rows[10] = 'q-10,"Bowl,10'
    rows[60] = 'q-60,Bowl",60'
    made = read(tmp_path, "\n".join(["id,title,price", *rows]))
    assert len(good(made)) == 99
    assert bad(made) == [("line 12", "opens a quote that is never closed")]
    rows[60] = "q-60,Bowl,60"
    made = read(tmp_path, "\n".join(["id,title,price", *rows]))
    assert len(good(made)) == 99
    assert bad(made) == [("line 12", "opens a quote that is never closed")]


def test_a_row_in_another_encoding_is_one_row(tmp_path: Path) -> None:
    made = read(tmp_path, b"id,title\na,Caf\xe9\nb,Tea\n")
    assert list(good(made)) == ["b"]
    assert bad(made)[0][0] == "line 2"
    assert "UTF-8" in bad(made)[0][1]


def test_lines_are_numbered_as_in_the_file(tmp_path: Path) -> None:
    made = read(tmp_path, 'id,title,stock\n\na,"two\nlines",1\n\nb,B,x\n"c","C",x\n')
    assert [where for where, _ in bad(made)] == ["line 6", "line 7"]
    assert good(made)["a"]["title"] == "two\nlines"
    made = read(tmp_path, '{"id":"1"}\nno json\n\n{"id":"4","price":"x"}\n', "feed.jsonl")
    assert [where for where, _ in bad(made)] == ["line 2", "line 4"]
    places = [one.where for one in made if not isinstance(one, Unreadable | bytes)]
    assert places == ["line 1"]


@pytest.mark.parametrize("name", ["feed.csv", "feed.jsonl"])
def test_a_byte_order_mark_is_no_part_of_the_first_row(tmp_path: Path, name: str) -> None:
    text = "id,title\na,Bowl\n" if name.endswith("csv") else '{"id":"a","title":"Bowl"}\n'
    assert good(read(tmp_path, b"\xef\xbb\xbf" + text.encode(), name)) == {"a": {"title": "Bowl"}}


@pytest.mark.parametrize("name", ["feed.csv", "feed.jsonl"])
def test_a_file_in_utf_16_is_told_so(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match=r"UTF-16.*UTF-8"):
        read(tmp_path, "id,title\na,b\n".encode("utf-16"), name)


@pytest.mark.parametrize(("delimiter", "named"), [(";", ""), ("\t", ""), ("|", ""), (";", ";")])
def test_the_delimiter_is_found_or_named(tmp_path: Path, delimiter: str, named: str) -> None:
    text = f"id{delimiter}title{delimiter}brand\na{delimiter}Bowl, blue{delimiter}Orla\n"
    made = read(tmp_path, text, "feed.csv", named)
    assert good(made) == {"a": {"title": "Bowl, blue", "attributes": {"brand": "Orla"}}}


def test_a_tsv_is_parted_by_tabs_whatever_its_header_says(tmp_path: Path) -> None:
    made = read(tmp_path, "id\ttitle, short, plain\na\tBowl\n", "feed.TSV")
    assert good(made) == {"a": {"attributes": {"title, short, plain": "Bowl"}}}


def test_a_delimiter_that_may_be_two_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="--delimiter"):
        read(tmp_path, "id;title,price\na;b,1\n")


@pytest.mark.parametrize(
    ("cell", "price"),
    [("12,50", 12.5), ("9", 9.0), ("1.250,00", 1250.0), ("12.50", 12.5), ("12,50 EUR", 12.5)],
)
def test_commas_are_decimal_where_semicolons_part_the_cells(
    tmp_path: Path, cell: str, price: float
) -> None:
    made = read(tmp_path, f"id;price;rating\na;{cell};4,5\n")
    assert good(made)["a"]["price"] == price
    assert good(made)["a"]["attributes"] == {"rating": 4.5}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('id,price\na,"12,50"\n', "decimal comma"),
        ('id,price\na,"1,250.00"\n', "is no price"),
        ("id;price\na;1.250\n", "a thousand or one"),
    ],
)
def test_a_price_that_may_be_another_is_refused_and_never_guessed(
    tmp_path: Path, text: str, words: str
) -> None:
    made = read(tmp_path, text)
    assert not good(made)
    assert words in bad(made)[0][1]


def test_a_column_of_numbers_holds_numbers_and_a_mixed_one_texts(tmp_path: Path) -> None:
    made = read(
        tmp_path,
        "id,rating,size,gtin,code,empty,big\n"
        "a,4.5,38,4006381333931,007,,1\nb,3,M,4006381333948,12,,12345678901234567890\nc,,,,,,\n",
    )
    assert good(made)["a"]["attributes"] == {
        "rating": 4.5, "size": "38", "gtin": "4006381333931", "code": "007", "big": "1",
    }  # fmt: skip
    assert good(made)["b"]["attributes"]["rating"] == 3
    assert "attributes" not in good(made)["c"]


def test_tags_are_split_by_bars_alone(tmp_path: Path) -> None:
    made = read(tmp_path, "id,tags,categories\na,age>3|wool,Home > Bowls\n")
    assert good(made)["a"] == {"tags": ["age>3", "wool"], "categories": ["Home", "Bowls"]}


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("1772360100", "looks like seconds"),
        ("1772360100.5", "looks like seconds"),
        ("1772360100000000", "looks like microseconds"),
        ("20260301", "looks like a date without dashes"),
        ("01/03/2026", "is no RFC 3339 time"),
    ],
)
def test_a_time_that_is_no_time_is_told_what_it_looks_like(
    tmp_path: Path, cell: str, words: str
) -> None:
    made = read(tmp_path, f"id,published_at\na,{cell}\nb,2026-03-01T10:00:00Z\nc,1772360100000\n")
    assert list(good(made)) == ["b", "c"]
    assert words in bad(made)[0][1]


def test_a_table_from_a_pipe_is_read_as_a_file_is(tmp_path: Path) -> None:
    pipe, data = tmp_path / "feed.csv", b"id,rating\na,4.5\nb,3\n"
    os.mkfifo(pipe)
    writer = Thread(target=pipe.write_bytes, args=(data,), daemon=True)
    writer.start()
    with opened(pipe) as source:
        made = list(items.read(source, items.CatalogueReading({}, TIME)))
    assert [item["attributes"]["rating"] for item in good(made).values()] == [4.5, 3]


@pytest.mark.parametrize("seed", range(20))
def test_however_rows_are_broken_every_line_is_told_of_once(tmp_path: Path, seed: int) -> None:
    """Any bytes: no crash, and rows that were whole before stay whole when no quote is open."""
    draw = random.Random(seed)
    rows = [f"r-{n},Bowl {n},{n}".encode() for n in range(200)]
    broken = draw.sample(range(200), 12)
    for n in broken:
        cut = draw.randrange(len(rows[n]))
        rows[n] = (
            rows[n][:cut] + draw.choice([b"\xff", b",,,", b'"x"y', b"\x00,\x00,"]) + rows[n][cut:]
        )
    made = read(tmp_path, b"\n".join([b"id,title,price", *rows]))
    assert len(made) == 200
    whole = {f"r-{n}" for n in range(200)} - {f"r-{n}" for n in broken}
    met = {one.where for one in made if isinstance(one, Unreadable)}
    assert met <= {f"line {n + 2}" for n in broken}
    texts = [bytes(one.data) for one in made if not isinstance(one, Unreadable | bytes)]
    assert whole <= {t.split(b'"item":"')[1].split(b'"')[0].decode() for t in texts}
