"""What was said since an event was sent is obeyed when it arrives: consent, forgetting, links."""

from collections import Counter
from typing import Any

import pytest

from hemline.learn.profile.fold import Profile, decode, encode, fold, state_bytes
from hemline.model.consent import BITS, Consent, Purpose
from hemline.model.events.event import Record
from hemline.model.subject_status import Links, SubjectStatus, encode_links
from hemline.usecases.ingest import apply, enforce_consent, follow
from hemline.usecases.ingest import batch as module
from hemline.usecases.ingest.archive import read_archive
from hemline.usecases.ingest.enforce_consent import EnforcedEntries
from hemline.usecases.ports import PersonItem, Stored
from tests.harness.streams import NOW, SITE, Bench, calm, counts, delivered, record

PERSONALISATION, ANALYTICS = BITS[Purpose.PERSONALISATION], BITS[Purpose.ANALYTICS]


def stand(bench: Bench, subject: str, standing: SubjectStatus, *events: Record) -> None:
    """The person as they are, with what holds for them."""

    old = bench.table.read_part(SITE, subject, PersonItem.PROFILE)
    blob = encode(fold(Profile(), events)) if events else b""
    version = (old.version if old else 0) + 1
    bench.table.write_part(SITE, subject, PersonItem.PROFILE, Stored(blob, version, standing))


def run(bench: Bench, *events: Record) -> dict[str, int]:
    batch = [delivered(n, one) for n, one in enumerate(events, 1)]
    result = module.ingest_batch(batch, bench.deps, NOW)
    assert not result.failures, result.faults
    assert sum(result.counts.values()) == len(batch)
    return counts(result)


def archived(bench: Bench) -> list[Record]:
    return [one.record for one in read_archive(bench.objects, SITE)]


def profile(bench: Bench, subject: str, part: PersonItem = PersonItem.PROFILE) -> Profile:
    stored = bench.table.read_part(SITE, subject, part)
    return decode(stored.blob) if stored and stored.blob else Profile()


def same(one: Profile, *events: Record) -> bool:
    return state_bytes(one) == state_bytes(fold(Profile(), events))


def test_a_no_to_everything_leaves_no_trace_of_events_already_in_the_stream() -> None:
    bench = calm()
    stand(bench, "v:a", SubjectStatus(Consent(refused=PERSONALISATION | ANALYTICS, at=NOW)))
    assert run(bench, record("v:a", "e1"), record("v:b", "e2")) == {"withheld": 1, "applied": 1}
    assert archived(bench) == [record("v:b", "e2")]
    assert profile(bench, "v:a").empty


def test_without_personalisation_an_event_is_kept_for_statistics_alone() -> None:
    bench = calm()
    stand(bench, "v:a", SubjectStatus(Consent(refused=PERSONALISATION, at=NOW)))
    assert run(bench, record("v:a", "e1")) == {"archived": 1}
    assert archived(bench) == [record("v:a", "e1", purposes=("analytics",))]
    assert profile(bench, "v:a").empty


def test_without_analytics_an_event_is_kept_for_the_profile_and_says_so_in_the_archive() -> None:
    bench = calm()
    stand(bench, "v:a", SubjectStatus(Consent(refused=ANALYTICS, at=NOW)))
    assert run(bench, record("v:a", "e1")) == {"applied": 1}
    assert archived(bench) == [record("v:a", "e1", purposes=("personalisation",))]
    assert not profile(bench, "v:a").empty


def test_a_forgotten_visitor_is_never_back() -> None:
    bench = calm()
    stand(bench, "v:a", SubjectStatus(forgotten=NOW))
    late, later = record("v:a", "e1", received=NOW - 5), record("v:a", "e2", received=NOW + 10**9)
    assert run(bench, late, later) == {"forgotten": 2}
    assert not archived(bench)
    assert profile(bench, "v:a").empty


@pytest.mark.parametrize(
    ("received", "time", "kept"),
    [(-1, -1, False), (9, -1, False), (-1, 9, False), (9, 9, True)],
    ids=["before", "old news", "a clock ahead", "a new life"],
)
def test_of_a_forgotten_user_only_what_comes_after_counts(
    received: int, time: int, *, kept: bool
) -> None:
    bench = calm()
    stand(bench, "u:a", SubjectStatus(forgotten=NOW))
    event = record("u:a", "e1", received=NOW + received, time=NOW + time)
    assert run(bench, event) == ({"applied": 1} if kept else {"forgotten": 1})
    assert bool(archived(bench)) is kept


@pytest.mark.parametrize(
    ("standing", "outcome"),
    [
        (SubjectStatus(forgotten=NOW), "forgotten"),
        (SubjectStatus(Consent(refused=PERSONALISATION | ANALYTICS, at=NOW)), "withheld"),
        (SubjectStatus(Consent(refused=PERSONALISATION, at=NOW)), "archived"),
    ],
)
@pytest.mark.parametrize("known", [False, True], ids=["new", "known"])
def test_what_is_said_between_the_read_and_the_write_is_obeyed(
    monkeypatch: pytest.MonkeyPatch, standing: SubjectStatus, outcome: str, *, known: bool
) -> None:
    bench = calm()
    if known:
        stand(bench, "v:a", SubjectStatus(), record("v:a", "e0"))
    original = bench.table.write_profile
    said: list[int] = []

    def rival(site: str, subject: str, blob: bytes, *, expected: int) -> None:
        if not said:
            said.append(1)
            stand(bench, "v:a", standing)
        original(site, subject, blob, expected=expected)

    monkeypatch.setattr(bench.table, "write_profile", rival)
    assert run(bench, record("v:a", "e1")) == {outcome: 1}
    assert profile(bench, "v:a").empty


def test_a_tombstone_that_is_ignored_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enforce_consent, "is_forgotten", lambda *_: False)
    with pytest.raises(AssertionError):
        test_a_forgotten_visitor_is_never_back()


def test_a_consent_that_is_not_looked_at_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def all_kept(entries: Any, _standing: SubjectStatus) -> EnforcedEntries:
        return EnforcedEntries(list(entries), Counter())

    monkeypatch.setattr(module, "judge", all_kept)
    with pytest.raises(AssertionError):
        test_a_no_to_everything_leaves_no_trace_of_events_already_in_the_stream()


def linked(bench: Bench, *before: Record) -> None:
    """Visitor a is user u; `before` is what the user did until then."""
    for subject, name in (("v:a", "u"), ("u:u", "a")):
        links = Stored(encode_links(Links(on=(name,))), 1)
        bench.table.write_part(SITE, subject, PersonItem.LINKS, links)
        events = before if subject == "u:u" else ()
        stand(bench, subject, SubjectStatus(linked=True), *events)
    own = bench.table.read_part(SITE, "u:u", PersonItem.PROFILE)
    assert own
    bench.table.write_part(SITE, "u:u", PersonItem.OWN, own._replace(version=1))


def test_events_of_a_linked_visitor_reach_the_user_and_each_keeps_their_own() -> None:
    bench = calm()
    before = record("u:u", "e0", time=NOW - 9)
    linked(bench, before)
    mine, theirs = record("v:a", "e1"), record("u:u", "e2", time=NOW - 5)
    assert run(bench, mine, theirs) == {"applied": 2}
    assert same(profile(bench, "v:a"), mine)
    assert same(profile(bench, "u:u", PersonItem.OWN), before, theirs)
    assert same(profile(bench, "u:u"), before, theirs, mine)
    marks = profile(bench, "u:u").watermarks
    assert marks["shardId-0"] == "2"
    assert marks[follow.mark_of("shardId-0", SITE, "v:a")] == "1"


def test_a_redelivery_completes_what_a_kill_left_between_visitor_and_user(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = calm()
    linked(bench)
    event = record("v:a", "e1")
    with monkeypatch.context() as killed:
        killed.setattr(apply, "follow", lambda *_: None)
        run(bench, event)
    assert profile(bench, "u:u").empty
    assert run(bench, event) == {"redelivered": 1}
    assert same(profile(bench, "u:u"), event)


@pytest.mark.parametrize("cut", [False, True], ids=["on", "cut"])
def test_a_cut_link_carries_nothing_more(*, cut: bool) -> None:
    bench = calm()
    linked(bench)
    if cut:
        links = Stored(encode_links(Links(cut=("a",))), 2)
        bench.table.write_part(SITE, "u:u", PersonItem.LINKS, links)
    run(bench, record("v:a", "e1"))
    assert profile(bench, "u:u").empty is cut


def test_a_user_who_was_forgotten_gets_nothing_of_a_linked_visitors_past() -> None:
    bench = calm()
    linked(bench)
    stand(
        bench, "u:u", SubjectStatus(forgotten=NOW)
    )  # as forgetting leaves it, its links not struck yet
    run(bench, record("v:a", "e1"))
    assert profile(bench, "u:u").empty
