"""Quarantine: what is in it is told without harm, and comes in after a fix, counted exactly once."""

import random

import msgspec
import pytest

from hemline.learn.profile import fold as profiles
from hemline.learn.profile.fold import FoldCounts, Profile, state_bytes
from hemline.model.errors import BadInput, Unavailable
from hemline.model.events import event as events
from hemline.model.events.event import Record, encode_record
from hemline.usecases.ingest import quarantine
from hemline.usecases.ingest.archive import read_archive
from hemline.usecases.ingest.batch import StreamRecord, ingest_batch
from hemline.usecases.ingest.quarantine import QuarantinedRecord, QuarantineReplay
from tests.harness.streams import NOW, SITE, Bench, Faults, delivered, record

DAY = 86_400_000
GARBAGE = b'\xff{"type":"view"}\x1b[2J'


def calm() -> Bench:
    return Bench(Faults(random.Random(0), 0), random.Random(0))


def run(bench: Bench, *records: StreamRecord) -> None:
    assert ingest_batch(records, bench.deps, NOW).failures == ()


def held(bench: Bench) -> list[QuarantinedRecord]:
    return list(quarantine.listed(bench.objects))


def replay(bench: Bench, *, later: int = 0) -> list[QuarantineReplay]:
    return [quarantine.replay(kept, bench.deps, NOW + later) for kept in held(bench)]


def outcomes(done: list[QuarantineReplay]) -> list[str]:
    return [one.outcome for one in done]


def of_tomorrow(subject: str, event_id: str) -> Record:
    """A record that today's code does not know how to read."""
    return msgspec.structs.replace(record(subject, event_id), schema=events.SCHEMA + 1)


def with_the_fix(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(events, "SCHEMA", events.SCHEMA + 1)


def state(bench: Bench) -> tuple[bytes, list[Record]]:
    return state_bytes(bench.profile("v:a")), [a.record for a in read_archive(bench.objects, SITE)]


def test_what_is_in_it_says_where_it_came_from_and_why() -> None:
    bench = calm()
    run(bench, delivered(7, GARBAGE), delivered(8, of_tomorrow("v:a", "e1"), "shardId-1"))
    first, second = held(bench)
    assert (first.day, first.shard, first.sequence) == ("2026-05-28", "shardId-0", "00000007")
    assert first.payload == GARBAGE
    assert "malformed" in first.reason
    assert second.reason == "schema is not one of ours"


def test_without_a_fix_a_record_stays_with_its_reason_under_its_key() -> None:
    bench = calm()
    run(bench, delivered(1, GARBAGE))
    before = held(bench)
    (done,) = replay(bench, later=40 * DAY)
    assert (done.outcome, done.stays, done.reason) == ("quarantined", True, before[0].reason)
    assert held(bench) == before
    assert list(read_archive(bench.objects, SITE)) == []


def test_after_a_fix_it_comes_in_once_however_often_it_is_replayed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench, twin = calm(), calm()
    poison = delivered(2, of_tomorrow("v:a", "e2"))
    run(bench, delivered(1, record("v:a", "e1")), poison, delivered(3, record("v:a", "e3")))
    (kept,) = held(bench)
    with_the_fix(monkeypatch)
    assert outcomes(replay(bench)) == ["applied"]
    assert held(bench) == []
    once = state(bench)
    # As it is when the deletion was lost, or when two people replay the same record.
    assert quarantine.replay(kept, bench.deps, NOW).outcome == "redelivered"
    assert state(bench) == once
    run(twin, delivered(1, record("v:a", "e1")), poison, delivered(3, record("v:a", "e3")))
    assert state(twin)[0] == once[0]
    assert sorted(r.event.id for r in once[1]) == ["e1", "e2", "e3"]


def test_the_test_above_sees_a_replay_under_another_id(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = calm()
    run(bench, delivered(2, of_tomorrow("v:a", "e2")))
    (kept,) = held(bench)
    with_the_fix(monkeypatch)
    replay(bench)
    once = state(bench)
    doubled = msgspec.structs.replace(record("v:a", "e2-again"), schema=events.SCHEMA)
    quarantine.replay(kept._replace(payload=encode_record(doubled)), bench.deps, NOW)
    assert state(bench) != once


def test_what_came_again_by_itself_meanwhile_is_not_counted_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = calm()
    run(bench, delivered(1, of_tomorrow("v:a", "e1")))
    run(bench, delivered(2, record("v:a", "e1")))
    once = state(bench)
    with_the_fix(monkeypatch)
    assert outcomes(replay(bench)) == ["redelivered"]
    assert state(bench)[0] == once[0]
    assert [r.event.id for r in state(bench)[1]] == ["e1"]
    assert held(bench) == []


def test_a_record_that_the_fold_could_not_take_is_in_the_archive_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench, original = calm(), profiles.fold_counted

    def brittle(_profile: Profile, _records: list[Record]) -> tuple[Profile, FoldCounts]:
        raise OverflowError("too large")

    with monkeypatch.context() as broken:
        broken.setattr(profiles, "fold_counted", brittle)
        run(bench, delivered(1, record("v:a", "e1")))
        (done,) = replay(bench)
        assert (done.outcome, done.reason) == ("quarantined", "fold: OverflowError")
    assert profiles.fold_counted is original
    assert outcomes(replay(bench)) == ["applied"]
    assert [r.event.id for r in state(bench)[1]] == ["e1"]
    assert len(bench.profile("v:a").actions(profiles.ENGAGED)) == 1


def test_a_store_that_does_not_answer_leaves_it_there(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = calm()
    run(bench, delivered(1, of_tomorrow("v:a", "e1")))
    with_the_fix(monkeypatch)

    def fails(*_args: object, **_named: object) -> None:
        raise Unavailable("table", "throttled")

    with monkeypatch.context() as broken:
        broken.setattr(bench.table, "write_profile", fails)
        broken.setattr(bench.table, "write_part", fails)
        (done,) = replay(bench)
    assert (done.outcome, done.stays) == ("left", True)
    assert "throttled" in done.reason
    assert len(held(bench)) == 1
    assert outcomes(replay(bench)) == ["applied"]


def test_what_the_visitor_does_not_agree_to_any_more_leaves_without_a_trace(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = calm()
    refused = msgspec.structs.replace(of_tomorrow("v:a", "e1"), purposes=())
    run(bench, delivered(1, refused))
    with_the_fix(monkeypatch)
    assert outcomes(replay(bench)) == ["withheld"]
    assert list(bench.objects.keys("")) == []
    assert bench.table.read_profiles(SITE, ["v:a"]) == {}


def test_foreseeing_writes_nothing_and_says_what_a_replay_then_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = calm()
    item = record("v:a", "i", type="item", item="p1")
    seen = msgspec.structs.replace(of_tomorrow("v:a", "bot"), flags=("bot",))
    poison: tuple[Record | bytes, ...] = (
        GARBAGE,
        of_tomorrow("v:a", "e1"),
        msgspec.structs.replace(of_tomorrow("v:b", "e2"), purposes=()),
        msgspec.structs.replace(item, subject="i:p1", schema=events.SCHEMA + 1),
        seen,
    )
    run(bench, *(delivered(at, one) for at, one in enumerate(poison, start=1)))
    with_the_fix(monkeypatch)
    before = {key: bench.objects.get(key) for key in bench.objects.keys("")}
    told = [quarantine.foresee(kept, bench.deps) for kept in held(bench)]
    assert {key: bench.objects.get(key) for key in bench.objects.keys("")} == before
    assert bench.table.read_profiles(SITE, ["v:a"]) == {}
    assert outcomes(told) == ["quarantined", "applied", "withheld", "catalogue", "archived"]
    assert told == replay(bench)


def test_a_damaged_document_is_told_and_never_lost() -> None:
    bench = calm()
    key = "quarantine/2026-05-28/shardId-0/00000001.json"
    bench.objects.put(key, b"{nonsense")
    (kept,) = held(bench)
    assert (kept.reason, kept.payload) == ("the document itself is damaged", b"{nonsense")
    assert outcomes(replay(bench)) == ["quarantined"]
    assert held(bench)[0].payload == b"{nonsense"


def test_a_record_is_named_by_its_key_or_its_number() -> None:
    bench = calm()
    run(bench, delivered(1, GARBAGE), delivered(1, GARBAGE, "shardId-1"), delivered(2, GARBAGE))
    first = held(bench)[0]
    assert quarantine.named(bench.objects, first.key) == first
    assert quarantine.named(bench.objects, "00000002").sequence == "00000002"
    with pytest.raises(BadInput, match="several records"):
        quarantine.named(bench.objects, "00000001")
    for nothing in ("9", "quarantine/2026-05-28/shardId-0/9.json", "sites/demo/site.json", ""):
        with pytest.raises(BadInput, match="not in quarantine"):
            quarantine.named(bench.objects, nothing)


@pytest.mark.parametrize("nasty", ["\x1b[2J", "\u202e", "\r", "\n", "\x07", "\x9b", "\u200b"])
def test_what_is_shown_cannot_move_a_cursor_or_hide_text(nasty: str) -> None:
    shown = quarantine.readable(f"a{nasty}b".encode())
    assert shown.isprintable()
    assert "a\\" in shown
    assert quarantine.readable(b"\xff{}") == "\\xff{}"
    assert quarantine.safe("é 👗 plain") == "é 👗 plain"
