"""Files become events of the wire: everything is accounted for, and a second import is the same one."""

import csv
import gzip
import io
import json
import os
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemline.model.errors import BadInput
from hemline.model.event_input import item_of, parse_event
from workbench.importers import events, items, online_retail, ranklens
from workbench.importers.reading import Source, opened
from workbench.importers.wire import (
    MOST_BYTES,
    MOST_EVENTS,
    Made,
    Unreadable,
    batches,
    encode,
)

READING = items.Reading({}, 1_700_000_000_000)


def wire(made: Made) -> dict[str, Any]:
    """What was made, once the door's own reader has taken it."""
    assert isinstance(made, bytes), made
    event = parse_event(made)
    if event.type == "item":
        item_of(event)
    found: dict[str, Any] = json.loads(made)
    return found


# ── RankLens ────────────────────────────────────────────────────────────────────────────────

FILM = {
    "event": "item", "id": "e1", "item": "3", "timestamp": "1636907100000",
    "fields": [
        {"name": "title", "value": "Grumpier Old Men"},
        {"name": "vote_cnt", "value": 269.0},
        {"name": "release_date", "value": 8.195904e8},
        {"name": "genres", "value": ["romance", "comedy"]},
        {"name": "tags", "value": ["fishing"] * 90},
        {"name": "director", "value": "howard deutch"},
    ],
}  # fmt: skip
RANKING = {
    "event": "ranking", "id": "r1", "user": "ann", "session": "s", "timestamp": "1636993834000",
    "fields": [], "items": [{"id": "7", "fields": []}, {"id": "3", "fields": []}],
}  # fmt: skip
CLICK = {
    "event": "interaction", "id": "c1", "item": "3", "ranking": "r1", "type": "click",
    "user": "ann", "session": "s", "timestamp": "1636993839000", "fields": [],
}  # fmt: skip


def lens(*lines: object, who: str = "visitor") -> list[Made]:
    return list(ranklens.events((json.dumps(line).encode() for line in lines), who=who))


def test_a_film_becomes_an_item_with_its_main_genre_first() -> None:
    event = wire(lens(FILM)[0])
    assert (event["id"], event["item"], event["time"]) == ("e1", "3", 1636907100000)
    assert event["properties"]["categories"] == ["romance", "comedy"]
    assert event["properties"]["published_at"] == 819590400000
    assert event["properties"]["attributes"] == {"director": "howard deutch", "vote_cnt": 269.0}


def test_a_ranking_is_an_exposure_in_shown_order_and_its_click_carries_its_token() -> None:
    shown, click = map(wire, lens(RANKING, CLICK))
    assert shown["type"] == "exposure"
    assert [line["item"] for line in shown["lines"]] == ["7", "3"]
    assert shown["token"] == click["token"] == "r1"
    assert shown["visitor"] == click["visitor"] == "ann"


def test_people_may_become_users_instead() -> None:
    assert wire(lens(CLICK, who="user")[0])["user"] == "ann"


def test_lines_that_are_no_ranklens_are_named() -> None:
    made = lens({"event": "rating", "id": "x", "timestamp": "1"}, CLICK | {"timestamp": "soon"}, 5)
    assert [one.where for one in made if isinstance(one, Unreadable)] == [
        "line 1",
        "line 2",
        "line 3",
    ]


# ── Online Retail ───────────────────────────────────────────────────────────────────────────


def row(**changed: str) -> dict[str, str]:
    return {
        "InvoiceNo": "536365", "StockCode": "85123A", "Description": "WHITE  HANGING HOLDER",
        "Quantity": "6", "InvoiceDate": "2010-12-01 08:26:00", "UnitPrice": "2.55",
        "CustomerID": "17850.0", "Country": "United Kingdom", **changed,
    }  # fmt: skip


def retail(*rows: dict[str, str]) -> list[dict[str, Any]]:
    return [wire(made) for made in online_retail.events(online_retail.read(rows)).events]


def test_an_invoice_is_one_purchase_of_its_customer() -> None:
    item, other, purchase = retail(row(), row(StockCode="22633", Quantity="2", UnitPrice="1.5"))
    assert (item["item"], other["item"]) == ("85123A", "22633")
    assert (purchase["visitor"], purchase["country"]) == ("17850", "GB")
    assert (purchase["currency"], purchase["value"]) == ("GBP", 18.3)
    assert purchase["lines"][1] == {"item": "22633", "quantity": 2, "price": 1.5}
    assert purchase["time"] == 1291191960000


def test_an_item_has_its_commonest_description_and_its_last_price() -> None:
    (item, *_) = retail(
        row(Description="HEART HOLDER"), row(Description="A HOLDER"),
        row(Description="HEART HOLDER", UnitPrice="2.95", InvoiceNo="9"),
    )  # fmt: skip
    assert item["properties"]["title"] == "Heart holder"
    assert item["properties"]["price"] == 2.95


@pytest.mark.parametrize(
    "change",
    [{"CustomerID": ""}, {"Quantity": "-1"}, {"UnitPrice": "0.0"}, {"InvoiceNo": "C536365"},
     {"StockCode": "POST"}, {"StockCode": "851234"}, {"UnitPrice": "free"}],
)  # fmt: skip
def test_what_the_protocol_does_not_count_is_left_out_and_counted(change: dict[str, str]) -> None:
    sales = online_retail.read([row(), row(**change)])
    assert sales.left_out == 1
    assert len(sales.invoices["536365"].lines) == 1


def test_a_long_invoice_is_cut_into_pieces_of_different_ids() -> None:
    made = retail(*[row(StockCode=f"{n:05d}") for n in range(1100)])
    purchases = [event for event in made if event["type"] == "purchase"]
    assert [len(event["lines"]) for event in purchases] == [500, 500, 100]
    assert len({event["id"] for event in purchases}) == 3


def test_the_head_noun_of_a_description_is_its_category() -> None:
    titles = {f"bag{n}": f"LUNCH BAG NUMBER{'X' * n} BAGS" for n in range(12)}
    titles |= {"jumbo": "JUMBO BAG RED RETROSPOT", "lone": "FELTCRAFT HAIRBAND"}
    found = online_retail.categories(titles)
    assert (found["jumbo"], found["bag3"], found["lone"]) == ("bag", "bag", "other")


# ── Catalogues ──────────────────────────────────────────────────────────────────────────────


def catalogue(text: str, mapping: dict[str, str] | None = None) -> list[Made]:
    return list(
        items.from_rows(csv.DictReader(io.StringIO(text)), READING._replace(mapping=mapping or {}))
    )


def test_a_shop_export_in_csv_is_understood() -> None:
    (made,) = catalogue(
        "sku,name,price,product_type,image_link,inventory,created_at,brand\n"
        "mug-1,Mug,12.50 EUR,Home > Mugs,/m.svg,7,2026-01-02T03:04:05Z,Tarn\n"
    )
    event = wire(made)
    assert event["item"] == "mug-1"
    assert event["properties"] == {
        "title": "Mug", "price": 12.5, "currency": "EUR", "categories": ["Home", "Mugs"],
        "image": "/m.svg", "stock": 7, "published_at": 1767323045000, "attributes": {"brand": "Tarn"},
    }  # fmt: skip


def test_a_mapping_names_columns_that_no_one_could_guess() -> None:
    (made,) = catalogue("ref,titel\nm,Becher\n", {"ref": "id", "titel": "title"})
    assert wire(made)["item"] == "m"


def test_json_lines_keep_types_and_a_number_may_be_an_id() -> None:
    line = b'{"id": 7, "title": "Mug", "price": 3, "tags": ["a"], "attributes": {"glazed": true}}'
    event = wire(next(items.from_lines([line], READING)))
    assert event["item"] == "7"
    assert event["properties"]["attributes"] == {"glazed": True}


def test_what_is_no_item_says_which_row_and_why() -> None:
    made = catalogue("id,price,stock\na,cheap,1\n,1,1\nb,1,many\nc,1,1\n")
    reasons = [(one.where, one.reason.split(":")[0]) for one in made if isinstance(one, Unreadable)]
    assert reasons[0] == ("row 2", "price")
    assert reasons[1][1].startswith("has no id")
    assert reasons[2] == ("row 4", "stock")
    assert isinstance(made[3], bytes)


def test_an_items_event_id_is_of_its_content_and_its_time() -> None:
    def ids(text: str, time: int) -> list[str]:
        rows = [{"id": "a", "title": text}]
        made = items.from_rows(rows, items.Reading({}, time))
        return [wire(one)["id"] for one in made]

    assert ids("Mug", 1) == ids("Mug", 1)
    assert len({*ids("Mug", 1), *ids("Mug", 2), *ids("Jug", 1)}) == 3


def test_the_guide_tells_every_name_that_is_understood() -> None:
    guide = (Path(__file__).resolve().parents[2] / "docs/importing.md").read_text()
    told = {}
    for ours, theirs in re.findall(r"^\| `([a-z_]+)` \| ([a-z_, ]*) \|", guide, re.MULTILINE):
        told |= dict.fromkeys(filter(None, theirs.replace(" ", "").split(",")), ours)
        assert ours in items.FIELDS
    assert told == items.OTHER_NAMES


# ── Events, files, batches ──────────────────────────────────────────────────────────────────


def test_lines_of_events_pass_as_they_are() -> None:
    lines = [
        b'{"id":"1","type":"view","item":"a","visitor":"v"}',
        b"",
        b"[1]",
        b"{",
        b"[" * 100_000,
    ]
    made = list(events.events(lines))
    assert made[0] == lines[0]
    assert [one.where for one in made if isinstance(one, Unreadable)] == [
        "line 3",
        "line 4",
        "line 5",
    ]


def write(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def test_gzip_is_told_by_its_bytes_and_not_by_its_name(tmp_path: Path) -> None:
    plain = write(tmp_path, "a.gz", b"x\ny\r\n")
    zipped = write(tmp_path, "b.jsonl", gzip.compress(b"x\ny\r\n"))
    for path in (plain, zipped):
        with opened(path) as source:
            assert list(source.lines()) == [b"x", b"y"]
            assert source.position == source.size == path.stat().st_size


def test_a_file_that_is_cut_short_is_bad_input_and_not_a_crash(tmp_path: Path) -> None:
    whole = gzip.compress(os.urandom(5000))
    path = write(tmp_path, "cut.gz", whole[:-100])
    with opened(path) as source, pytest.raises(BadInput, match="cannot be read to its end"):
        list(source.lines())


def test_a_table_in_another_encoding_says_so(tmp_path: Path) -> None:
    path = write(tmp_path, "latin.csv", "id,title\na,Café\n".encode("latin-1"))
    with opened(path) as source, pytest.raises(BadInput, match="Save it as UTF-8"):
        list(source.rows())


def test_a_byte_order_mark_is_no_part_of_a_column(tmp_path: Path) -> None:
    with opened(write(tmp_path, "bom.csv", b"\xef\xbb\xbfid,title\na,A\n")) as source:
        assert next(source.rows())["id"] == "a"


@given(st.lists(st.integers(1, 120_000), max_size=60).map(lambda sizes: [b"x" * n for n in sizes]))
def test_batches_keep_every_event_in_order_and_their_limits(made: list[bytes]) -> None:
    found = list(batches(made))
    assert [event for batch in found for event in batch.events] == made
    starts = [batch.start for batch in found]
    assert starts == [sum(len(b.events) for b in found[:n]) for n in range(len(found))]
    for batch in found:
        assert len(batch.events) <= MOST_EVENTS
        assert len(batch.body) <= MOST_BYTES + 100


def test_many_small_events_fill_calls_of_five_hundred() -> None:
    sizes = Counter(len(batch.events) for batch in batches([b"{}"] * 1200))
    assert sizes == {500: 2, 200: 1}


def test_the_same_event_gives_the_same_bytes_without_what_is_empty() -> None:
    assert encode({"b": 1, "a": None, "c": [], "d": 0}) == b'{"b":1,"d":0}'


DATA = Path(__file__).resolve().parents[3] / "shared/data"


@pytest.mark.data
@pytest.mark.skipif(not (DATA / "ranklens").exists(), reason="RankLens is not beside the project")
def test_the_real_ranklens_passes_the_door_whole() -> None:
    with opened(DATA / "ranklens/events.jsonl.gz") as source:
        counts = Counter(wire(made)["type"] for made in ranklens.events(source.lines()))
    assert counts == {"item": 2512, "exposure": 9800, "click": 46125}


@pytest.mark.data
@pytest.mark.skipif(
    not (DATA / "online-retail").exists(), reason="Online Retail is not beside the project"
)
def test_the_real_online_retail_is_cleaned_as_its_protocol_says() -> None:
    with opened(DATA / "online-retail/online_retail.csv.gz") as source:
        assert isinstance(source, Source)
        sales = online_retail.read(source.rows())
    assert len(sales.products) == 3659
    assert len(sales.invoices) == 18_402
    assert sum(len(invoice.lines) for invoice in sales.invoices.values()) == 396_337
    assert len({invoice.customer for invoice in sales.invoices.values()}) == 4334
    assert sales.left_out == 541_909 - 396_337
