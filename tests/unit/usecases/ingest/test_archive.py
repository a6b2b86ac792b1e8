"""The archive: nothing lost, nothing twice, in the order of reception."""

import gzip
import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemline.adapters.memory import MemoryObjects
from hemline.model.errors import Refused
from hemline.model.events.event import Record
from hemline.model.keys import alias, archive_object
from hemline.usecases.ingest.archive import append, day_of, line, read_archive, watermarks
from tests.harness.streams import NOW, SITE, record

DAY = 86_400_000


def stored(*batches: list[tuple[int, Record]], shard: str = "s0") -> MemoryObjects:
    objects = MemoryObjects()
    for batch in batches:
        append(objects, [line(shard, str(number), one) for number, one in batch])
    return objects


def names(objects: MemoryObjects, **options: Any) -> list[str]:
    return [a.record.event.id for a in read_archive(objects, SITE, **options)]


def test_a_line_says_where_it_comes_from() -> None:
    objects = stored([(7, record("v:a", "e1"))])
    (key,) = objects.keys("")
    seven = "7".zfill(56)
    assert key == archive_object("demo", day_of(NOW), "s0", [seven])
    assert key.startswith(f"archive/demo/{day_of(NOW)}/s0/{seven}-{seven}-")
    row = json.loads(gzip.decompress(objects.get(key) or b""))
    assert (row["shard"], row["sequence"], row["record"]["event"]["id"]) == ("s0", "7", "e1")


def test_the_same_batch_again_writes_the_same_bytes_under_the_same_key() -> None:
    batch = [(n, record("v:a", f"e{n}")) for n in (9, 10, 11)]
    once, twice = stored(batch), stored(batch, list(reversed(batch)))
    assert list(once.keys("")) == list(twice.keys(""))
    assert [once.get(k) for k in once.keys("")] == [twice.get(k) for k in once.keys("")]


def test_another_cut_with_the_same_ends_overwrites_nothing() -> None:
    whole = [(n, record("v:a", f"e{n}")) for n in (1, 2, 3)]
    assert names(stored(whole, [whole[0], whole[2]])) == ["e1", "e2", "e3"]


def test_a_batch_over_midnight_lies_on_both_days() -> None:
    objects = stored(
        [(1, record("v:a", "e1", received=DAY - 1)), (2, record("v:a", "e2", received=DAY))]
    )
    assert [key.split("/")[2] for key in objects.keys("")] == ["1970-01-01", "1970-01-02"]
    assert [a.record.event.id for a in read_archive(objects, SITE, days=["1970-01-02"])] == ["e2"]


def test_numbers_sort_as_numbers() -> None:
    objects = stored(*([(n, record("v:a", f"e{n}"))] for n in (100, 9, 20)))
    assert names(objects) == ["e9", "e20", "e100"]


def test_of_a_client_repeat_the_first_received_stays() -> None:
    first, again = (
        record("v:a", "e1", item="p1"),
        record("v:a", "e1", item="p2", received=NOW + DAY),
    )
    objects = stored([(5, again)], [(9, first)])
    assert [a.record for a in read_archive(objects, SITE)] == [first]
    assert [a.record for a in read_archive(objects, SITE, repeats=True)] == [first, again]


def test_the_same_id_of_another_visitor_is_another_event() -> None:
    assert names(stored([(1, record("v:a", "e1")), (2, record("v:b", "e1"))])) == ["e1", "e1"]


def test_sites_do_not_see_each_other() -> None:
    other = Record("other", "v:a", NOW, record("v:a", "theirs").event)
    objects = stored([(1, record("v:a", "ours")), (2, other)])
    assert names(objects) == ["ours"]
    assert [a.record.event.id for a in read_archive(objects, "other")] == ["theirs"]


def test_watermarks_are_the_highest_numbers_of_each_shard() -> None:
    objects = stored([(9, record("v:a", "a"))], [(10, record("v:a", "b"))])
    append(objects, [line("s1", "00004", record("v:b", "c"))])
    assert watermarks(objects, SITE) == {"s0": "10", "s1": "4"}
    assert watermarks(objects, "other") == {}


@given(st.integers(0, 2**32))
def test_however_batches_were_cut_and_repeated_the_archive_reads_the_same(seed: int) -> None:
    rng = random.Random(seed)
    events = [
        (n, record(f"v:{rng.randrange(3)}", f"e{rng.randrange(15)}", received=NOW + n * DAY // 5))
        for n in range(1, 21)
    ]
    cuts = []
    for _ in range(4):
        at = rng.randrange(20)
        cuts.append(events[at : at + rng.randint(1, 9)])
    whole, cut = stored(events), stored(events[:11], *cuts, events[11:])
    assert list(read_archive(whole, SITE)) == list(read_archive(cut, SITE))
    assert [a.sequence for a in read_archive(cut, SITE, repeats=True)] == [
        str(n) for n, _ in events
    ]


def test_the_property_above_would_see_a_repeat() -> None:
    batch = [(1, record("v:a", "e1")), (2, record("v:a", "e2"))]
    objects = stored(batch, batch[1:])
    rows = [gzip.decompress(objects.get(key) or b"").count(b"\n") for key in objects.keys("")]
    assert sum(rows) == 3
    assert names(objects, repeats=True) == ["e1", "e2"]


@pytest.mark.parametrize("damage", [b"", b"not gzip", gzip.compress(b'{"shard":1}\n', mtime=0)])
def test_a_damaged_part_is_loud(damage: bytes) -> None:
    objects = stored([(1, record("v:a", "e1"))])
    (key,) = objects.keys("")
    objects.put(key, damage or (objects.get(key) or b"")[:-9])
    with pytest.raises(Refused, match="s0"):
        names(objects)


def told(user: str, visitor: str, **properties: object) -> Record:
    """What an account call puts on the stream about a device and a user."""
    about = {"visitor": alias(SITE, visitor), **properties}
    name = "unlink" if properties else "identify"
    return record(user, f"{name}-{visitor}", type="identify", item=None, properties=about)


def archived(*records: Record) -> list[tuple[str, str]]:
    objects = MemoryObjects()
    append(objects, [line("s", str(at), one) for at, one in enumerate(records, 1)])
    return [
        (one.record.subject, one.record.event.id)
        for one in read_archive(objects, SITE)
        if one.record.event.type != "identify"
    ]


def test_what_was_sent_before_signing_in_and_again_after_is_one_event() -> None:
    bought = record("v:phone", "b1", type="purchase")
    again = record("u:ann", "b1", type="purchase")
    link = told("u:ann", "v:phone")
    assert archived(bought, link, again) == [("v:phone", "b1")]
    assert archived(again, link, bought) == [("u:ann", "b1")], "signed out again"
    assert archived(bought, again) == [("v:phone", "b1"), ("u:ann", "b1")], "two people"
    assert archived(bought, told("u:bob", "v:phone"), again)[1:] == [("u:ann", "b1")]
    other = record("u:ann", "b2", type="purchase")
    assert archived(bought, link, other) == [("v:phone", "b1"), ("u:ann", "b2")]


def test_from_an_unmerge_on_they_are_two_people_again() -> None:
    bought, again = record("v:phone", "b1"), record("u:ann", "b1")
    apart = told("u:ann", "v:phone", linked=False)
    assert len(archived(bought, told("u:ann", "v:phone"), apart, again)) == 2
