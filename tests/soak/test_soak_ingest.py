"""`hemline soak ingest`: nothing lost, nothing twice; and each seeded bug is found."""

import json
from collections.abc import Callable, Sequence

import pytest
from typer.testing import CliRunner

from hemline.learn.profile import fold as profiles
from hemline.learn.profile.fold import FoldCounts, Profile
from hemline.model.errors import Conflict, HemlineError
from hemline.model.events.event import Record
from hemline.usecases.ingest import apply
from hemline.usecases.ingest import batch as module
from hemline.usecases.ingest.archive import append
from hemline.usecases.ingest.batch import IngestDeps, IngestResult, StreamRecord, ingest_batch
from hemline.usecases.ingest.read import Group
from hemline.usecases.ports import Write, Written
from tests.harness.soaking import SMALL, broken
from tests.harness.streams import obeying_marks
from workbench.cli import build
from workbench.soak import clients, visitors
from workbench.soak.faulty import FaultyTable
from workbench.soak.function import Ingest
from workbench.soak.run import SoakSettings, soak


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_hundred_thousand_events_are_counted_once_each(seed: int) -> None:
    report = soak(SoakSettings(events=100_000, kills=200, faults=1000, seed=seed))
    assert not broken(report), report.checks
    assert report.figures["kills"] >= 190
    assert report.figures["faults"] >= 950


@pytest.mark.soak
@pytest.mark.timeout(3000)
def test_a_million_events_are_counted_once_each() -> None:
    report = soak(SoakSettings())
    assert not broken(report), report.checks


def test_the_same_seed_gives_the_same_run_and_another_one_another() -> None:
    small = SMALL._replace(events=1500)
    assert soak(small) == soak(small)
    assert soak(small).faults != soak(small._replace(seed=8)).faults


def test_every_kind_of_trouble_and_every_road_of_an_event_is_in_it() -> None:
    report = soak(SMALL._replace(seed=12))
    assert not broken(report), report.checks
    assert len(report.faults) == 30
    roads = ["copies", "late copies", "again", "rejected", "poison", "reported late"]
    roads += ["reported duplicates", "reported redelivered", "delivered again after success"]
    assert all(report.figures[road] for road in roads), report.figures
    assert report.figures["shards"] > SMALL.shards


def test_events_without_a_time_may_come_again_at_any_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitors, "_UNTIMED", 0.5)
    monkeypatch.setattr(clients, "_COPIES", 0.3)
    monkeypatch.setattr(clients, "_LATE", 0.1)
    report = soak(SMALL)
    assert not broken(report), report.checks


# --- seeded bugs, each of which somebody has shipped --------------------------------------------


def naive_add(monkeypatch: pytest.MonkeyPatch) -> Ingest:
    """A stream ADD: what comes again is added again."""
    original, drift = profiles.fold_counted, iter(range(1, 10**9))

    def adding(profile: Profile, records: list[Record]) -> tuple[Profile, FoldCounts]:
        folded, counted = original(profile, records)
        if counted.repeated:
            later = folded.last_seen + next(drift)
            folded = Profile(folded.first_seen, later, folded.rings, folded.watermarks)
        return folded, counted

    monkeypatch.setattr(profiles, "fold_counted", adding)
    return ingest_batch


def continuing(monkeypatch: pytest.MonkeyPatch) -> Ingest:
    """Goes on after a failure, and reports the last one."""

    def highest(failed: Sequence[StreamRecord]) -> StreamRecord | None:
        return max(failed, key=lambda one: int(one.sequence), default=None)

    monkeypatch.setattr(module, "_checkpoint", highest)
    return ingest_batch


def trusting_cancellations(monkeypatch: pytest.MonkeyPatch) -> Ingest:
    """Reads every cancelled write as one that was done before."""
    return answering(
        monkeypatch,
        lambda one: None if isinstance(one, Conflict) or "Transaction" in str(one) else one,
    )


def trusting_conflicts(monkeypatch: pytest.MonkeyPatch) -> Ingest:
    """Reads every write of a call that lost as its own, sent again."""
    return answering(monkeypatch, lambda one: None if isinstance(one, Conflict) else one)


def trusting_calls(monkeypatch: pytest.MonkeyPatch) -> Ingest:
    """Takes a call that was answered for one that was done, whatever became of its members."""
    return answering(monkeypatch, lambda _: None)


def answering(monkeypatch: pytest.MonkeyPatch, heard: Callable[[Written], Written]) -> Ingest:
    original = FaultyTable.write_profiles

    def write(table: FaultyTable, site: str, writes: Sequence[Write]) -> list[Written]:
        return [heard(one) for one in original(table, site, writes)]

    monkeypatch.setattr(FaultyTable, "write_profiles", write)
    return ingest_batch


def going_on_in_a_call(monkeypatch: pytest.MonkeyPatch) -> Ingest:
    """Reports the last failure of a call and forgets the others."""
    original = apply._Run.part

    def one_alone(run: apply._Run, groups: Sequence[Group]) -> list[apply.ApplyOutcome]:
        outcomes = original(run, groups)
        failed = [outcome for outcome in outcomes if outcome.failed]
        return [o if not o.failed or o is failed[-1] else o._replace(failed=None) for o in outcomes]

    monkeypatch.setattr(apply._Run, "part", one_alone)
    return ingest_batch


def passing_over(_: pytest.MonkeyPatch) -> Ingest:
    """The mark decides what is applied, and a profile that failed is passed over."""
    return obeying_marks()


def archiving_last(monkeypatch: pytest.MonkeyPatch) -> Ingest:
    """Profiles first: what dies in between leaves them ahead of the archive."""
    late: list[Callable[[], object]] = []
    monkeypatch.setattr(module, "append", lambda *args: late.append(lambda: append(*args)))

    def ingest(records: Sequence[StreamRecord], deps: IngestDeps, now: int) -> IngestResult:
        late.clear()
        result = ingest_batch(records, deps, now)
        try:
            for write in late:
                write()
        except HemlineError:
            return result._replace(failures=(records[0].sequence,))
        return result

    return ingest


def forgetting_failures(_: pytest.MonkeyPatch) -> Ingest:
    """Reports nothing."""

    def silent(records: Sequence[StreamRecord], deps: IngestDeps, now: int) -> IngestResult:
        return ingest_batch(records, deps, now)._replace(failures=())

    return silent


@pytest.mark.parametrize(
    ("bug", "seen"),
    [
        (naive_add, "profiles whose bytes differ"),
        (continuing, "actions that profiles lack"),
        (trusting_cancellations, "actions that profiles lack"),
        (trusting_conflicts, "actions that profiles lack"),
        (trusting_calls, "actions that profiles lack"),
        (going_on_in_a_call, "actions that profiles lack"),
        (passing_over, "events lost"),
        (archiving_last, "profile writes ahead of the archive"),
        (forgetting_failures, "events lost"),
    ],
)
def test_a_seeded_bug_turns_it_red(
    bug: Callable[[pytest.MonkeyPatch], Ingest], seen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = soak(SMALL, bug(monkeypatch))
    assert seen in broken(report)


def test_the_command_says_what_holds_and_what_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ["soak", "ingest", "--events", "800", "--kills", "5", "--faults", "20"]
    good = CliRunner().invoke(build(), [*arguments, "--json"])
    assert good.exit_code == 0
    found = json.loads(good.stdout)
    assert found["holds"]
    assert found["settings"]["events"] == 800
    continuing(monkeypatch)
    bad = CliRunner().invoke(build(), [*arguments, "--faults", "200"])
    assert bad.exit_code == 1
    assert "BROKEN" in bad.stdout
    assert CliRunner().invoke(build(), ["soak", "ingest", "--lanes", "0"]).exit_code == 2
