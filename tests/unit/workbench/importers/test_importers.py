"""Files are read to their end or refused, and what is made of them leaves in batches that the door takes."""

import gzip
import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemline.model.errors import BadInput
from workbench.importers import events
from workbench.importers.reading import opened
from workbench.importers.wire import MOST_BYTES, MOST_EVENTS, Placed, Unreadable, batches, encode


def test_lines_of_events_pass_as_they_are() -> None:
    lines = [
        b'{"id":"1","type":"view","item":"a","visitor":"v"}',
        b"",
        b"[1]",
        b"{",
        b"[" * 100_000,
    ]
    made = list(events.events(lines))
    assert made[0] == Placed(lines[0], "line 1")
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
    path = write(tmp_path, "latin.csv", "id,title\na,Café\nb,Tea\n".encode("latin-1"))
    with opened(path) as source, pytest.raises(BadInput, match=r"line 2.*Save the file as UTF-8"):
        list(source.rows())
    with opened(path) as source:
        wrong: list[Unreadable] = []
        assert [row["id"] for row in source.rows(wrong.append)] == ["b"]
        assert [one.where for one in wrong] == ["line 2"]


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
