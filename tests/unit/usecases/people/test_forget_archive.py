"""The sweep: the forgotten leave every version of every object, and nobody else loses an event.

Whenever it is killed, a later run completes it.
"""

import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemline.adapters.memory import MemoryObjects
from hemline.model.errors import Unavailable
from hemline.model.keys import forgotten_prefix, sweep_object
from hemline.usecases.ingest.archive import append, line, read_archive, watermarks
from hemline.usecases.people import forget_archive
from hemline.usecases.people.forget_archive import SweepDeps, Swept, sweep
from hemline.usecases.people.forget_lines import names_forgotten
from hemline.usecases.people.forget_register import Forgetting, enter, entries
from hemline.usecases.ports import ObjectVersion
from tests.builders.forgotten_bucket import (
    DAY,
    GONE,
    SETTLED,
    STAYS,
    Bucket,
    Fragile,
    Killed,
    poison,
    unpacked,
)
from tests.harness.streams import NOW, SITE, record


def test_before_the_sweep_it_is_all_there() -> None:
    """So that the tests below look in the right places."""
    bucket = Bucket()
    assert bucket.everything().count(GONE.encode()) >= 20


@pytest.mark.parametrize("most", [1, 3, 10**6])
def test_the_forgotten_leave_every_version_and_nobody_else_loses_anything(most: int) -> None:
    bucket = Bucket()
    theirs = [one for one in read_archive(bucket.data, SITE) if one.record.subject == STAYS]
    stays = bucket.everything().count(STAYS.encode())
    marks = watermarks(bucket.data, SITE)
    bucket.forget()
    runs = list(bucket.runs(NOW, most))
    assert GONE.encode() not in bucket.everything()
    assert list(read_archive(bucket.data, SITE)) == theirs
    assert watermarks(bucket.data, SITE) == marks
    # Old versions with a line of hers are gone, with what stood beside it: it is in the latest one.
    assert bucket.everything().count(STAYS.encode()) == stays - 2
    assert (runs[-1].settled, runs[-1].waiting, runs[-1].unreadable) == (0, 1, ())
    assert sweep(bucket.deps, NOW + 1).deleted == 0


def test_objects_in_which_nothing_else_was_are_gone_but_for_the_last_of_a_shard() -> None:
    bucket = Bucket()
    before = set(bucket.data.keys(""))
    bucket.forget()
    list(bucket.runs(NOW))
    gone = before - set(bucket.data.keys(""))
    assert len([key for key in gone if key.startswith("archive/")]) == 1
    assert len([key for key in gone if key.startswith("quarantine/")]) == len(poison(GONE))
    (last,) = [key for key in bucket.data.keys("archive/") if "/s1/" in key]
    assert gzip.decompress(bucket.data.get(last) or b"") == b""
    assert [key.rpartition("/")[2] for key in bucket.failed.keys("")] == ["mixed", "others"]


def test_a_user_keeps_what_they_did_afterwards() -> None:
    bucket = Bucket()
    for time in (NOW, NOW + 1):
        bucket.number += 1
        one = record("u:back", f"e{time}", received=time, time=time)
        append(bucket.data, [line("s0", str(bucket.number), one)])
    bucket.forget("u:back")
    list(bucket.runs(NOW))
    texts = [unpacked(data) for data in bucket.data.everything()]
    assert sum(b"u:back" in text for text in texts) == 1
    left = [one.record for one in read_archive(bucket.data, SITE) if one.record.subject == "u:back"]
    assert [one.received for one in left] == [NOW + 1]


def test_whoever_is_settled_leaves_the_register_after_a_sweep_that_began_afterwards() -> None:
    bucket = Bucket()
    bucket.forget()
    for now, waiting in ((NOW, 1), (SETTLED, 1), (SETTLED + 1, 0)):
        *_, last = bucket.runs(now, most=4)
        assert (last.waiting, last.settled) == (waiting, 1 - waiting)
    assert list(bucket.data.keys(forgotten_prefix(SITE))) == []
    assert bucket.data.get(sweep_object(SITE)) is None
    assert sweep(bucket.deps, SETTLED + 2) == Swept()


def test_what_the_stream_brings_meanwhile_goes_too() -> None:
    bucket = Bucket()
    bucket.forget()
    list(bucket.runs(NOW))
    bucket.batch([GONE, STAYS], NOW + DAY)
    list(bucket.runs(NOW + DAY))
    assert GONE.encode() not in bucket.everything()


def test_a_second_sweep_reads_only_what_the_stream_may_have_brought() -> None:
    bucket = Bucket()
    for day in range(10, 60):
        bucket.batch([STAYS], NOW - day * DAY)
    bucket.forget()
    first, second = (sum(one.looked for one in bucket.runs(now)) for now in (NOW, NOW + 1))
    assert first - second >= 50


def test_who_is_forgotten_while_a_sweep_goes_on_waits_for_a_whole_one() -> None:
    bucket = Bucket()
    bucket.forget()
    assert not sweep(bucket.deps, SETTLED + 1, most=5).done
    bucket.forget(STAYS)
    *_, last = bucket.runs(SETTLED + 1)
    assert (last.settled, last.waiting) == (1, 1)
    (entry,) = entries(bucket.data, SITE)
    assert entry.swept == 0
    list(bucket.runs(SETTLED + 1))
    assert STAYS.encode() not in bucket.everything()


def test_forgotten_once_more_while_a_sweep_goes_on_the_later_time_stays() -> None:
    bucket = Bucket()
    bucket.forget("u:again", NOW)
    assert not sweep(bucket.deps, SETTLED + 1, most=5).done
    bucket.forget("u:again", NOW + 5)
    list(bucket.runs(SETTLED + 1))
    assert [(one.at, one.swept) for one in entries(bucket.data, SITE)] == [(NOW + 5, 0)]


@pytest.mark.parametrize("after", [False, True])
def test_killed_at_any_write_nobody_else_loses_and_the_next_run_completes_it(after: bool) -> None:
    for name in ("data", "failed"):
        for number in range(200):
            bucket = Bucket()
            bucket.forget()
            store: Fragile = getattr(bucket, name)
            store.writes, store.dies_at, store.after = 0, number, after
            theirs = [one for one in read_archive(bucket.data, SITE) if one.record.subject == STAYS]
            try:
                list(bucket.runs(NOW, most=4))
            except Killed:
                assert list(read_archive(bucket.data, SITE)) == theirs
                list(bucket.runs(NOW, most=4))
                assert GONE.encode() not in bucket.everything()
                assert list(read_archive(bucket.data, SITE)) == theirs
            else:
                assert number, "nothing was ever killed"
                break


def test_ingest_writes_the_same_batch_while_it_is_cleaned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its bytes win, and are cleaned in turn."""
    bucket = Bucket()
    bucket.forget()
    key = next(iter(bucket.data.keys("archive/")))
    more = [line("s0", str(n), record(who, f"x{n}")) for n, who in enumerate((STAYS, GONE), 900)]
    fresh = MemoryObjects()
    append(fresh, more)
    (again,) = [fresh.get(name) for name in fresh.keys("")]
    replace, raced = bucket.data.replace, list[str]()

    def race(one: ObjectVersion, data: bytes) -> None:
        if one.key == key and not raced:
            raced.append(key)
            bucket.data.put(key, again or b"")
        replace(one, data)

    monkeypatch.setattr(bucket.data, "replace", race)
    list(bucket.runs(NOW))
    assert raced
    assert b"x900" in unpacked(bucket.data.get(key) or b"")
    assert GONE.encode() not in bucket.everything()


def test_what_nobody_can_read_is_told_and_settles_nobody() -> None:
    bucket = Bucket()
    key = f"archive/{SITE}/2026-01-01/s9/1-1-0.jsonl.gz"
    bucket.data.put(key, b"no archive")
    bucket.data.put("quarantine/2026-01-01/s9/1.json", b"[]")
    bucket.failed.put("aws/lambda/m/s0/odd", b"{}")
    bucket.forget()
    for most in (3, 10**6):
        *_, last = bucket.runs(SETTLED + 1, most)
        told = (key, "quarantine/2026-01-01/s9/1.json", "aws/lambda/m/s0/odd")
        assert (last.unreadable, last.waiting) == (told, 1)
    bucket.data.delete(key)
    for version in [one for one in bucket.data.versions(key) if not one.marker]:
        bucket.data.delete_version(version)
    bucket.data.delete("quarantine/2026-01-01/s9/1.json")
    list(map(bucket.data.delete_version, bucket.data.versions("quarantine/2026-01-01/s9/")))
    list(map(bucket.failed.delete_version, bucket.failed.versions("aws/lambda/m/s0/odd")))
    *_, last = bucket.runs(SETTLED + 1)
    assert (last.unreadable, last.waiting, last.settled) == ((), 0, 1)


def test_without_anybody_on_the_register_nothing_is_read() -> None:
    bucket = Bucket()
    bucket.data.writes = 0
    assert sweep(bucket.deps, NOW) == Swept()
    assert bucket.data.writes == 0, "not even a delete marker"


def test_a_store_that_keeps_no_versions_is_swept_too() -> None:
    data, failed = MemoryObjects(), MemoryObjects()
    append(data, [line("s0", str(n), record(who, f"e{n}")) for n, who in enumerate((GONE, STAYS))])
    enter(data, SITE, GONE, NOW, SETTLED)
    assert sweep(SweepDeps(SITE, data, failed), NOW).cleaned == 1
    (key,) = data.keys("archive/")
    assert gzip.decompress(data.get(key) or b"").count(b"\n") == 1


@given(
    st.binary(max_size=40),
    st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=128),
    st.sampled_from(["v:", "u:"]),
    st.binary(max_size=40),
)
def test_in_what_cannot_be_read_a_whole_subject_is_found_wherever_it_stands(
    before: bytes, name: str, kind: str, after: bytes
) -> None:
    objects = MemoryObjects()
    enter(objects, SITE, kind + name, NOW, NOW)
    forgetting = Forgetting(objects, SITE)
    plain = before + (kind + name).encode() + after
    quoted = before + json.dumps(kind + name).encode() + after
    assert names_forgotten(plain, forgetting)
    assert names_forgotten(quoted, forgetting)


def test_too_many_places_to_look_at_are_told() -> None:
    bucket = Bucket()
    bucket.quarantine(99, b"v:" * 2000)
    bucket.forget()
    *_, last = bucket.runs(NOW)
    assert [key.rpartition("/")[2] for key in last.unreadable] == ["99.json"]


@pytest.mark.parametrize(
    "seeded",
    [
        ("_of", lambda _store, _key: []),
        ("_judged", lambda *_: b""),
        ("_judged", lambda *_: None),
    ],
)
def test_the_tests_see_a_version_that_is_left_and_an_event_that_is_lost(
    seeded: tuple[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forget_archive, *seeded)
    with pytest.raises((AssertionError, Unavailable)):
        test_the_forgotten_leave_every_version_and_nobody_else_loses_anything(10**6)
