"""The stream into archive and profiles, one thing at a time: what each record comes to, and why."""

import base64
import json
import random

import pytest

from hemline.learn.profile import fold as profiles
from hemline.learn.profile.fold import FoldCounts, Profile, decode, fold, state_bytes
from hemline.model.errors import Conflict
from hemline.model.events.event import Record, encode_record
from hemline.usecases.ingest.archive import read_archive
from tests.harness.streams import NOW, SITE, Faults, calm, counts, delivered, record, run


def test_a_client_repeat_and_a_stream_repeat_are_told_apart() -> None:
    bench = calm()
    first = delivered(1, record("v:a", "e1"))
    assert counts(run(bench, first)) == {"applied": 1}
    assert counts(run(bench, first)) == {"redelivered": 1}
    assert counts(run(bench, delivered(2, record("v:a", "e1")))) == {"duplicates": 1}


def test_an_old_record_that_is_replayed_by_hand_is_applied_in_spite_of_the_mark() -> None:
    bench = calm()
    run(bench, delivered(9, record("v:a", "e9")))
    assert counts(run(bench, delivered(3, record("v:a", "e3")))) == {"applied": 1}
    assert len(bench.profile("v:a").actions(profiles.ENGAGED)) == 2


def test_what_changes_nothing_costs_no_write() -> None:
    bench = calm()
    run(bench, delivered(1, record("v:a", "e1")))
    before = bench.table.read_profiles(SITE, ["v:a"])
    run(bench, delivered(2, record("v:a", "e1")))
    assert bench.table.read_profiles(SITE, ["v:a"]) == before


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\xff\xfe", "malformed"),
        (b"", "truncated"),
        (b'{"event":{"properties":' + b'{"a":' * 50_000, "recursion"),
        (b'{"site":"demo"}', "missing required field"),
        (b'{"site":"demo","subject":"v:a","received":1,"event":{"id":7}}', "$.event.id"),
        (encode_record(record("v:a", "e\n")), "event.id"),
        (encode_record(record("v:a", "e", item="\xe9")), "event.item"),
        (encode_record(record("v:a", "e", type="buy")), "event.type"),
        (encode_record(record("who", "e")), "subject"),
        (encode_record(Record("other", "v:a", NOW, record("v:a", "e").event)), "site"),
        (encode_record(record("v:a", "e", time=-(10**15))), "event.time"),
        (b'{"site":"demo","subject":"v:a","received":1e400,"event":{}}', "out of range"),
    ],
)
def test_what_cannot_be_read_is_kept_aside_with_its_reason_and_blocks_nobody(
    data: bytes, reason: str
) -> None:
    bench = calm()
    good = delivered(1, record("v:a", "e1")), delivered(3, record("v:a", "e3"))
    result = run(bench, good[0], delivered(2, data), good[1])
    assert result.failures == ()
    assert counts(result) == {"applied": 2, "quarantined": 1}
    (key,) = bench.objects.keys("quarantine/")
    kept = json.loads(bench.objects.get(key) or b"")
    assert base64.b64decode(kept["payload"]) == data
    assert reason in kept["reason"]
    assert (kept["shard"], kept["sequence"]) == ("shardId-0", "00000002")


def test_a_record_on_several_lines_is_archived_on_one() -> None:
    bench = calm()
    spread = json.dumps(json.loads(encode_record(record("v:a", "e1"))), indent=2).encode()
    assert counts(run(bench, delivered(1, spread))) == {"applied": 1}
    assert [a.record for a in read_archive(bench.objects, SITE)] == [record("v:a", "e1")]


def test_a_record_that_the_fold_cannot_take_is_kept_aside_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    original = profiles.fold_counted

    def brittle(profile: Profile, records: list[Record]) -> tuple[Profile, FoldCounts]:
        if any(one.event.id == "poison" for one in records):
            raise OverflowError("too large")
        return original(profile, records)

    monkeypatch.setattr(profiles, "fold_counted", brittle)
    bench = calm()
    names = ["e1", "poison", "e3"]
    result = run(bench, *(delivered(n, record("v:a", name)) for n, name in enumerate(names)))
    assert counts(result) == {"applied": 2, "quarantined": 1}
    assert len(bench.profile("v:a").actions(profiles.ENGAGED)) == 2


def test_a_profile_that_cannot_be_read_is_left_alone_and_its_events_are_kept() -> None:
    bench = calm()
    bench.table.write_profile(SITE, "v:a", b"of another version", expected=0)
    result = run(bench, delivered(1, record("v:a", "e1")), delivered(2, record("v:b", "e2")))
    assert counts(result) == {"applied": 1, "quarantined": 1}
    assert bench.table.read_profiles(SITE, ["v:a"])["v:a"].blob == b"of another version"


def test_without_consent_nothing_is_written() -> None:
    bench = calm()
    assert counts(run(bench, delivered(1, record("v:a", "e1", purposes=())))) == {"withheld": 1}
    assert list(bench.objects.keys("")) == []
    assert bench.table.read_profiles(SITE, ["v:a"]) == {}


def test_items_go_to_the_archive_alone() -> None:
    bench = calm()
    assert counts(run(bench, delivered(1, record("i:p1", "e1", type="item")))) == {"catalogue": 1}
    assert len(list(read_archive(bench.objects, SITE))) == 1
    assert bench.table.read_profiles(SITE, ["i:p1"]) == {}


def test_nothing_is_applied_before_it_is_archived() -> None:
    bench = calm()
    bench.objects.faults = Faults(random.Random(1), 1, share=1.0)
    result = run(bench, delivered(5, record("v:a", "e1")), delivered(6, record("v:b", "e2")))
    assert result.failures == ("00000005",)
    assert result.faults == ("bucket: no answer",)
    assert counts(result) == {"left": 2}
    assert bench.table.read_profiles(SITE, ["v:a", "v:b"]) == {}


def test_each_shard_of_a_batch_has_its_own_checkpoint() -> None:
    bench = calm(budget=1)
    one, other = delivered(5, record("v:a", "a")), delivered(4, record("v:b", "b"), "shardId-1")
    result = run(bench, one, other)
    assert result.failures == ("00000005",)
    assert counts(result) == {"applied": 1, "left": 1}


def test_a_rival_writer_is_folded_in_not_overwritten(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = calm()
    run(bench, delivered(1, record("v:a", "e1")))
    rival = profiles.encode(fold(bench.profile("v:a"), [record("v:a", "rival")]))
    original = bench.table.read_profiles
    stale = [original(SITE, ["v:a"])]
    bench.table.write_profile(SITE, "v:a", rival, expected=1)
    monkeypatch.setattr(
        bench.table,
        "read_profiles",
        lambda site, subjects: stale.pop() if stale else original(site, subjects),
    )
    run(bench, delivered(2, record("v:a", "e2")))
    everything = [record("v:a", name) for name in ("e1", "e2", "rival")]
    assert state_bytes(bench.profile("v:a")) == state_bytes(fold(Profile(), everything))


def test_a_rival_that_never_rests_is_a_failure_not_a_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = calm()
    tries = []

    def always(*_args: object, **_kwargs: object) -> None:
        tries.append(1)
        raise Conflict("v:a was changed")

    monkeypatch.setattr(bench.table, "write_profile", always)
    result = run(bench, delivered(1, record("v:a", "e1")))
    assert result.failures == ("00000001",)
    assert len(tries) == 5
    assert "v:a" not in result.faults[0]


def test_marks_travel_with_the_profile() -> None:
    bench = calm()
    run(bench, delivered(7, record("v:a", "e1")), delivered(8, record("v:a", "e2")))
    blob = bench.table.read_profiles(SITE, ["v:a"])["v:a"].blob
    assert decode(blob).watermarks == {"shardId-0": "8"}


def test_an_empty_batch_is_nothing() -> None:
    assert run(calm()).failures == ()


def test_the_checkpoint_is_the_lowest_number_not_the_first_text() -> None:
    numbers = [one._replace(sequence=str(n)) for n in (10, 9) for one in [delivered(n, b"")]]
    assert run(calm(budget=1), *numbers).failures == ("9",)
