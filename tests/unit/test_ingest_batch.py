"""The stream into archive and profiles: exact under failures, repeats, bisection and junk."""

import base64
import json
import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hemline.learn import profile as profiles
from hemline.learn.profile import Counted, Profile, decode, fold, state_bytes
from hemline.model.consent import Consent
from hemline.model.errors import Conflict, HemlineError, Unavailable
from hemline.model.event import Record, encode_record
from hemline.model.standing import Standing
from hemline.usecases import ingest_batch as module
from hemline.usecases.archive import read_archive
from hemline.usecases.ingest_apply import TOGETHER
from hemline.usecases.ingest_batch import IngestDeps, IngestResult, StreamRecord, ingest_batch
from hemline.usecases.ports import Part, Stored, Write, Written
from tests.support.streams import (
    NOW,
    SITE,
    Bench,
    Faults,
    Ingest,
    delivered,
    history,
    record,
)


def calm(budget: int = 0) -> Bench:
    return Bench(Faults(random.Random(0), budget, share=1.0), random.Random(0))


def storm(seed: int, ingest: Ingest = ingest_batch, threads: int = 0) -> None:
    """A history through failing stores; raises AssertionError when anything is lost or doubled."""
    rng = random.Random(seed)
    records = history(rng, 120)
    bench = Bench(Faults(rng, budget=40), rng, ingest=ingest)
    if threads:
        with ThreadPoolExecutor(threads) as pool:
            bench.deps = bench.deps._replace(pool=pool)
            bench.drain(records)
    else:
        bench.drain(records)
    bench.check_all(records)


@given(st.integers(0, 2**32))
@settings(max_examples=60)
def test_whatever_fails_and_comes_again_every_event_is_applied_once(seed: int) -> None:
    storm(seed)


@given(st.integers(0, 2**32))
@settings(max_examples=15)
def test_the_same_holds_with_writes_in_parallel(seed: int) -> None:
    storm(seed, threads=8)


def survives(ingest: Ingest = ingest_batch) -> bool:
    try:
        for seed in range(20):
            storm(seed, ingest)
    except AssertionError:
        return False
    return True


def test_the_storm_finds_a_checkpoint_that_is_too_high(monkeypatch: pytest.MonkeyPatch) -> None:
    def highest(failed: Sequence[StreamRecord]) -> StreamRecord | None:
        return max(failed, key=lambda one: int(one.sequence), default=None)

    monkeypatch.setattr(module, "_checkpoint", highest)
    assert not survives()


def test_the_storm_finds_a_failure_that_is_not_reported() -> None:
    def silent(records: Sequence[StreamRecord], deps: IngestDeps, now: int) -> IngestResult:
        return ingest_batch(records, deps, now)._replace(failures=())

    assert not survives(silent)


def test_the_storm_finds_a_lost_write_that_is_taken_for_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # As if a conflict could only be our own write, sent again.
    original = Bench.__post_init__

    def trusting(bench: Bench) -> None:
        original(bench)
        write = bench.table.write_profiles
        bench.table.write_profiles = lambda *args: [  # type: ignore[method-assign] # the seeded bug
            None if isinstance(one, Conflict) else one for one in write(*args)
        ]

    monkeypatch.setattr(Bench, "__post_init__", trusting)
    assert not survives()


def test_the_storm_finds_a_member_whose_failure_is_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    original = Bench.__post_init__

    def silent(bench: Bench) -> None:
        original(bench)
        write = bench.table.write_profiles
        bench.table.write_profiles = lambda *args: [None for _ in write(*args)]  # type: ignore[method-assign] # the seeded bug

    monkeypatch.setattr(Bench, "__post_init__", silent)
    assert not survives()


def test_the_storm_finds_a_fold_that_counts_repeats(monkeypatch: pytest.MonkeyPatch) -> None:
    original = profiles.fold_counted
    drift = iter(range(1, 10**9))

    def counting(profile: Profile, records: list[Record]) -> tuple[Profile, Counted]:
        folded, counted = original(profile, records)
        late = folded.last_seen + next(drift)
        return Profile(folded.first_seen, late, folded.rings, folded.marks), counted

    monkeypatch.setattr(profiles, "fold_counted", counting)
    assert not survives()


def test_the_storm_finds_marks_that_skip_what_was_not_applied(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The mark is the batch's end, and decides: a profile that failed is passed over the next time.
    reached: dict[str, int] = {}

    def skipping(records: Sequence[StreamRecord], deps: IngestDeps, now: int) -> IngestResult:
        new = [one for one in records if int(one.sequence) > reached.get(one.shard, 0)]
        result = ingest_batch(new, deps, now)
        if new:
            reached[new[-1].shard] = int(new[-1].sequence)
        counts = {
            **result.counts,
            "redelivered": len(records) - len(new) + result.counts["redelivered"],
        }
        return result._replace(counts=counts)

    assert not survives(skipping)


# --- one thing at a time --------------------------------------------------------------------


def run(bench: Bench, *records: StreamRecord) -> IngestResult:
    return ingest_batch(records, bench.deps, NOW)


def counts(result: IngestResult) -> dict[str, int]:
    return {name: count for name, count in result.counts.items() if count}


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

    def brittle(profile: Profile, records: list[Record]) -> tuple[Profile, Counted]:
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


def fails_for(bench: Bench, subject: str, error: HemlineError, patch: pytest.MonkeyPatch) -> None:
    original = bench.table.write_profile

    def broken(site: str, name: str, blob: bytes, *, expected: int) -> None:
        if name == subject:
            raise error
        original(site, name, blob, expected=expected)

    patch.setattr(bench.table, "write_profile", broken)


def test_a_profile_that_fails_is_reported_and_those_of_the_same_call_are_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = calm()
    fails_for(bench, "v:b", Unavailable("table", "throttled"), monkeypatch)
    subjects = ["v:a", "v:b", "v:c", "v:a"]
    result = run(bench, *(delivered(n, record(s, f"e{n}")) for n, s in enumerate(subjects)))
    assert result.failures == ("00000001",)
    assert result.faults == ("table: throttled",)
    assert counts(result) == {"applied": 3, "left": 1}
    assert sorted(bench.table.read_profiles(SITE, subjects)) == ["v:a", "v:c"]


def test_after_a_failure_no_further_profile_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = calm()
    fails_for(bench, "v:1", Unavailable("table", "throttled"), monkeypatch)
    subjects = [f"v:{n}" for n in range(2 * TOGETHER + 3)]
    result = run(bench, *(delivered(n, record(s, f"e{n}")) for n, s in enumerate(subjects)))
    assert result.failures == ("00000001",)
    assert counts(result) == {"applied": TOGETHER - 1, "left": TOGETHER + 4}
    written = bench.table.read_profiles(SITE, subjects)
    assert sorted(written) == sorted({*subjects[:TOGETHER]} - {"v:1"})


def test_after_a_failure_whoever_lost_to_a_rival_is_left_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = calm()
    fails_for(bench, "v:a", Conflict("v:a was changed"), monkeypatch)
    fails_for(bench, "v:b", Unavailable("table", "throttled"), monkeypatch)
    result = run(bench, delivered(1, record("v:a", "e1")), delivered(2, record("v:b", "e2")))
    assert result.failures == ("00000001",)
    assert counts(result) == {"left": 2}


def test_whoever_has_a_standing_goes_alone_in_the_order_of_the_stream() -> None:
    bench = calm()
    standing = Standing(Consent(granted=1, at=NOW))
    bench.table.write_part(SITE, "v:1", Part.PROFILE, Stored(b"", 1, standing))
    calls: list[list[str]] = []
    original = bench.table.write_profiles

    def watched(site: str, writes: Sequence[Write]) -> list[Written]:
        calls.append([write.subject for write in writes])
        return original(site, writes)

    bench.table.write_profiles = watched  # type: ignore[method-assign] # to see what is asked of it
    subjects = [f"v:{n}" for n in range(TOGETHER + 2)]
    result = run(bench, *(delivered(n, record(s, f"e{n}")) for n, s in enumerate(subjects)))
    assert counts(result) == {"applied": TOGETHER + 2}
    assert calls == [["v:0", *subjects[2 : TOGETHER + 1]], subjects[TOGETHER + 1 :]]
    stored = bench.table.read_profiles(SITE, ["v:1"])["v:1"]
    assert (stored.version, stored.standing) == (2, standing)


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
    assert decode(blob).marks == {"shardId-0": "8"}


def test_an_empty_batch_is_nothing() -> None:
    assert run(calm()).failures == ()


def test_the_checkpoint_is_the_lowest_number_not_the_first_text() -> None:
    numbers = [one._replace(sequence=str(n)) for n in (10, 9) for one in [delivered(n, b"")]]
    assert run(calm(budget=1), *numbers).failures == ("9",)
