"""Forgetting: nothing of the person stays or comes back, whoever races and wherever it was cut short.

Everybody else keeps everything: that is looked at in every test too.
"""

from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemline.learn.profile.fold import state_bytes
from hemline.model.consent import Purpose
from hemline.model.errors import BadInput, Unavailable
from hemline.model.keys import forgotten_prefix
from hemline.model.subject_status import Links, SubjectStatus
from hemline.usecases.ingest import enforce_consent
from hemline.usecases.ingest.archive import read_archive
from hemline.usecases.people.link import link
from hemline.usecases.people.set_consent import say_consent
from hemline.usecases.ports import PersonItem
from tests.builders.forgetting import ADA, ALL, BOB, LATER, OFFICE, PHONE, TABLET, People
from tests.builders.people import NOW, SITE

HERS = (f"u:{ADA}", f"v:{PHONE}", f"v:{TABLET}")
OTHERS = (f"u:{BOB}", f"v:{OFFICE}")


def all_is_well(people: People, gone: tuple[str, ...], others: tuple[str, ...] = OTHERS) -> None:
    """Nothing of `gone` is left, for readers of the archive neither; `others` have everything."""
    assert people.left_of(*gone) == []
    assert all(people.buried(subject) for subject in gone)
    assert {one.record.subject for one in read_archive(people.bucket, SITE)}.isdisjoint(gone)
    for subject in others:
        assert state_bytes(people.profile(subject)) == state_bytes(people.said(subject))


def test_a_user_is_forgotten_with_every_visitor_that_is_linked() -> None:
    people = People()
    assert people.left_of(*HERS)
    done = people.forget(f"u:{ADA}")
    assert (sorted(done.subjects), done.at) == (sorted(HERS), LATER)
    all_is_well(people, HERS)
    assert people.links(f"v:{OFFICE}") == Links(), "a cut link names her too"


def test_a_visitor_alone_leaves_the_user_without_what_they_brought() -> None:
    people = People()
    people.forget(f"v:{PHONE}")
    all_is_well(people, (f"v:{PHONE}",), (*OTHERS, f"v:{TABLET}"))
    assert people.links(f"u:{ADA}").on == (TABLET,)
    rest = people.said(f"u:{ADA}", f"v:{TABLET}")
    assert state_bytes(people.profile(f"u:{ADA}")) == state_bytes(rest)


def test_who_was_never_here_gets_a_tombstone_all_the_same() -> None:
    people = People()
    before = list(people.parts())
    people.forget("v:nobody-here")
    people.act("v:nobody-here")
    people.catch_up()
    all_is_well(people, ("v:nobody-here",))
    assert [part for part in people.parts() if part[0] != "v:nobody-here"] == before


@pytest.mark.parametrize("subject", HERS)
def test_late_events_and_the_whole_stream_again_bring_nothing_back(subject: str) -> None:
    people = People()
    gone = people.forget(subject).subjects
    for one in HERS:
        people.act(one, at=NOW - 5)
    people.catch_up()
    others = tuple(one for one in ALL if one not in gone and one != f"u:{ADA}")
    all_is_well(people, gone, others)


def test_what_arrived_before_is_of_the_past_whatever_time_it_gives() -> None:
    people = People()
    people.forget(f"u:{ADA}")
    assert people.act(f"u:{ADA}", at=LATER + 1).received < LATER
    people.catch_up()
    assert people.profile(f"u:{ADA}").empty


def test_a_user_may_come_back_and_starts_afresh() -> None:
    people = People()
    people.forget(f"u:{ADA}", at=NOW + len(people.stream))
    people.logs[f"u:{ADA}"] = [people.act(f"u:{ADA}")]
    people.catch_up()
    after = state_bytes(people.said(f"u:{ADA}"))
    assert state_bytes(people.profile(f"u:{ADA}")) == after
    link("new-device", ADA, people.deps)
    assert state_bytes(people.profile(f"u:{ADA}")) == after


def test_a_dead_visitor_id_is_never_linked_again() -> None:
    people = People()
    people.forget(f"v:{PHONE}")
    linked = link(PHONE, BOB, people.deps)
    assert linked.visitor != PHONE
    all_is_well(people, (f"v:{PHONE}",))


def test_a_refusal_outlives_what_is_forgotten_and_a_yes_does_not() -> None:
    people = People()
    say_consent(f"v:{TABLET}", {Purpose.MESSAGING: False}, people.deps, NOW)
    say_consent(f"u:{ADA}", {Purpose.ANALYTICS: True}, people.deps, NOW)
    people.forget(f"u:{ADA}")
    standing = people.part(f"u:{ADA}").standing
    assert standing.consent.states(Purpose.MESSAGING) is False
    assert standing.consent.states(Purpose.ANALYTICS) is None
    assert people.part(f"v:{PHONE}").standing == SubjectStatus(forgotten=LATER)


def test_again_with_the_same_time_nothing_changes() -> None:
    people = People()
    people.forget(f"u:{ADA}")
    before = list(people.parts())
    assert people.forget(f"u:{ADA}").subjects == (f"u:{ADA}",)
    assert list(people.parts()) == before
    assert len(list(people.bucket.keys(forgotten_prefix(SITE)))) == len(HERS)


@pytest.mark.parametrize("subject", ["i:item", "ada", "", "u:", "v:a b"])
def test_who_is_no_person_is_refused(subject: str) -> None:
    with pytest.raises(BadInput, match="v:VISITOR or u:USER"):
        People().forget(subject)


def steps_of(subject: str) -> int:
    people = People()
    before = people.table.steps
    people.forget(subject)
    return people.table.steps - before


@pytest.mark.parametrize("subject", [f"u:{ADA}", f"v:{PHONE}"])
def test_cut_off_before_any_step_the_next_call_completes_it(subject: str) -> None:
    for step in range(steps_of(subject)):
        people = People()
        people.table.dies_at = people.table.steps + step
        with pytest.raises(Unavailable):
            people.forget(subject)
        people.table.dies_at = -1
        people.catch_up()
        people.forget(subject)
        gone = HERS if subject.startswith("u:") else (subject,)
        all_is_well(people, gone)


def race(subject: str, order: list[int]) -> None:
    """Forget while ingest, an identify of the same person and one of another go on."""
    people = People()
    for one in (*ALL, "v:new-device"):
        people.act(one)
    actions: list[Callable[[], object]] = [
        partial(people.forget, subject),
        people.catch_up,
        partial(link, "new-device", BOB, people.deps),
        partial(link, TABLET, ADA, people.deps),
    ]
    people.table.race(actions, order)
    people.catch_up()
    dead = [one for one in (*HERS, "v:new-device") if people.part(one).standing.forgotten]
    assert subject in dead
    on = tuple(f"v:{one}" for one in people.links(f"u:{ADA}").on)
    if f"u:{ADA}" not in dead or not on:
        assert people.left_of(*dead) == []
    else:  # an identify came after the user was forgotten: who that is now starts with that device
        assert people.left_of(*(one for one in dead if one[0] == "v")) == []
        assert people.part(f"u:{ADA}", PersonItem.OWN).blob == b""
        assert state_bytes(people.profile(f"u:{ADA}")) == state_bytes(people.said(*on))
    for other in OTHERS[1:]:
        assert state_bytes(people.profile(other)) == state_bytes(people.said(other))
    bob = people.said(f"u:{BOB}", *(f"v:{one}" for one in people.links(f"u:{BOB}").on))
    assert state_bytes(people.profile(f"u:{BOB}")) == state_bytes(bob)


@given(st.sampled_from(HERS), st.lists(st.integers(0, 3), min_size=1, max_size=60))
def test_in_a_race_with_ingest_and_identify_nothing_stays(subject: str, order: list[int]) -> None:
    race(subject, order)


@pytest.mark.parametrize(
    ("seeded", "order"),
    [
        (("people.forget_person.rebuild_profile", lambda *_: True), [0, 3, 3]),
        (("ingest.follow.is_forgotten", lambda *_: False), [0, 0, 1, 1, 0, 3, 3, 3]),
    ],
)
def test_the_race_finds_a_profile_that_is_not_joined_anew_and_an_own_that_is_not_judged(
    seeded: tuple[str, Callable[..., bool]], order: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    race(f"u:{ADA}", order)
    monkeypatch.setattr(f"hemline.usecases.{seeded[0]}", seeded[1])
    with pytest.raises(AssertionError):
        race(f"u:{ADA}", order)


def test_a_tombstone_that_is_ignored_turns_these_tests_red(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enforce_consent, "is_forgotten", lambda _record, _standing: False)
    with pytest.raises(AssertionError):
        test_late_events_and_the_whole_stream_again_bring_nothing_back(f"v:{PHONE}")


def test_a_register_that_is_ignored_turns_these_tests_red(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hemline.usecases.ingest.archive.Forgetting.forgets", lambda *_: False)
    with pytest.raises(AssertionError):
        test_a_user_is_forgotten_with_every_visitor_that_is_linked()
