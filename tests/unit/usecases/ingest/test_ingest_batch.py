"""The stream into archive and profiles: exact under failures, repeats, bisection and junk."""

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hemline.learn.profile import fold as profiles
from hemline.learn.profile.fold import FoldCounts, Profile
from hemline.model.errors import Conflict
from hemline.model.events.event import Record
from hemline.usecases.ingest import batch as module
from hemline.usecases.ingest.batch import IngestDeps, IngestResult, StreamRecord, ingest_batch
from tests.harness.streams import Bench, Faults, Ingest, history, obeying_marks


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

    def counting(profile: Profile, records: list[Record]) -> tuple[Profile, FoldCounts]:
        folded, counted = original(profile, records)
        late = folded.last_seen + next(drift)
        return Profile(folded.first_seen, late, folded.rings, folded.watermarks), counted

    monkeypatch.setattr(profiles, "fold_counted", counting)
    assert not survives()


def test_the_storm_finds_marks_that_skip_what_was_not_applied() -> None:
    assert not survives(obeying_marks())
