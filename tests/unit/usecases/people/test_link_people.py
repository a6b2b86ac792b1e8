"""Linking visitors to users: one profile of both logs, and both back exactly when it is undone."""

import pytest

from hemline.learn.profile.fold import state_bytes
from hemline.model.consent import Consent, Purpose
from hemline.model.errors import BadInput, Unavailable
from hemline.usecases.people import link as link_people
from hemline.usecases.people.forget_person import ForgetDeps, forget
from hemline.usecases.people.link import link, rebuild_profile, unlink
from hemline.usecases.people.set_consent import consent_of, say_consent
from hemline.usecases.ports import PersonItem, Stored
from tests.builders.people import NOW, SITE, World

NO = {Purpose.PERSONALISATION: False}
YES = {Purpose.PERSONALISATION: True}


def world(*said: str) -> World:
    """Each subject has done something, and all of it is ingested."""
    made = World()
    for subject in said:
        made.act(subject)
    made.deliver(made.stream)
    return made


def same(made: World, subject: str, *logs: str) -> bool:
    return state_bytes(made.profile(subject)) == state_bytes(made.said(*logs))


def test_a_link_makes_one_profile_of_both_logs_and_leaves_the_visitors_alone() -> None:
    made = world("v:phone", "u:ann")
    assert link("phone", "ann", made.deps) == ("phone", True)
    assert same(made, "u:ann", "u:ann", "v:phone")
    assert same(made, "v:phone", "v:phone")
    assert made.links("u:ann").on == ("phone",)
    assert made.links("v:phone").on == ("ann",)


def test_what_either_does_later_is_in_the_users_profile_too() -> None:
    made = world("v:phone", "u:ann")
    link("phone", "ann", made.deps)
    made.act("v:phone")
    made.act("u:ann")
    made.deliver(made.stream)
    assert same(made, "u:ann", "u:ann", "v:phone")
    assert same(made, "v:phone", "v:phone")


def test_several_devices_are_one_person_in_any_order_and_however_often() -> None:
    bytes_found = set()
    for order in (("phone", "desk", "phone"), ("desk", "phone", "desk")):
        made = world("v:phone", "v:desk", "u:ann")
        for visitor in order:
            assert link(visitor, "ann", made.deps).merged
        assert same(made, "u:ann", "u:ann", "v:phone", "v:desk")
        bytes_found.add(made.part("u:ann").blob)
    assert len(bytes_found) == 1


def test_a_user_without_a_past_gets_the_visitors() -> None:
    made = world("v:phone")
    assert link("phone", "ann", made.deps).merged
    assert same(made, "u:ann", "v:phone")


def test_a_visitor_without_a_past_brings_none() -> None:
    made = world("u:ann")
    assert link("phone", "ann", made.deps).merged
    assert same(made, "u:ann", "u:ann")


def test_a_device_without_an_id_gets_one_that_is_linked() -> None:
    made = world("u:ann")
    assert link(None, "ann", made.deps) == ("new1", False)
    assert made.links("u:ann").on == ("new1",)


def test_a_shared_device_gives_nobody_the_history_of_another() -> None:
    made = world("v:tablet", "u:ann", "u:bob")
    link("tablet", "ann", made.deps)
    found = link("tablet", "bob", made.deps)
    assert found == ("new1", False)
    assert same(made, "u:bob", "u:bob")
    assert made.links("u:bob").on == ("new1",)
    # And back again: the device is Bob's new visitor now, and not Ann's.
    assert link("new1", "ann", made.deps) == ("new2", False)
    assert same(made, "u:ann", "u:ann", "v:tablet")


def test_unlinking_gives_back_both_profiles_exactly() -> None:
    made = world("v:phone", "v:desk", "u:ann")
    before = {who: made.profile(who) for who in ("v:phone", "v:desk", "u:ann")}
    link("phone", "ann", made.deps)
    link("desk", "ann", made.deps)
    unlink("phone", "ann", made.deps)
    assert same(made, "u:ann", "u:ann", "v:desk")
    assert made.profile("v:phone") == before["v:phone"]
    unlink("desk", "ann", made.deps)
    assert state_bytes(made.profile("u:ann")) == state_bytes(before["u:ann"])
    assert made.profile("u:ann").watermarks == before["u:ann"].watermarks
    assert made.profile("v:desk") == before["v:desk"]
    assert not made.part("v:phone").standing.linked


def test_what_is_done_after_unlinking_is_each_ones_own() -> None:
    made = world("v:phone", "u:ann")
    link("phone", "ann", made.deps)
    unlink("phone", "ann", made.deps)
    made.act("v:phone")
    made.act("u:ann")
    made.deliver(made.stream)
    assert same(made, "u:ann", "u:ann")
    assert same(made, "v:phone", "v:phone")


def test_a_link_that_was_cut_is_never_made_again() -> None:
    made = world("v:phone", "u:ann")
    link("phone", "ann", made.deps)
    unlink("phone", "ann", made.deps)
    assert link("phone", "ann", made.deps) == ("new1", False)
    assert same(made, "u:ann", "u:ann")
    assert link("phone", "bob", made.deps).merged  # it may well be somebody else's


def test_unlinking_twice_is_unlinking_once_and_strangers_cannot_be_unlinked() -> None:
    made = world("v:phone", "u:ann")
    with pytest.raises(BadInput, match="never linked"):
        unlink("phone", "ann", made.deps)
    link("phone", "ann", made.deps)
    unlink("phone", "ann", made.deps)
    unlink("phone", "ann", made.deps)
    assert made.links("u:ann").cut == ("phone",)


def test_a_visitor_who_was_forgotten_is_linked_no_more() -> None:
    made = world("v:phone")
    old = made.part("v:phone")
    dead = Stored(b"", old.version + 1, old.standing.__class__(forgotten=NOW))
    made.table.write_part(SITE, "v:phone", PersonItem.PROFILE, dead)
    assert link("phone", "ann", made.deps) == ("new1", False)


def test_a_user_has_no_end_of_visitors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_people, "MOST_LINKS", 2)
    made = world("u:ann", "v:a", "v:b", "v:c")
    assert [link(v, "ann", made.deps).merged for v in ("a", "b", "c")] == [True, True, False]
    assert same(made, "u:ann", "u:ann", "v:a", "v:b")
    assert link("c", "ann", made.deps).visitor == "c"


def test_a_half_done_link_is_completed_by_doing_it_again() -> None:
    """Whatever step the first attempt died at."""
    whole = world("v:phone", "u:ann")
    before = whole.table.steps
    link("phone", "ann", whole.deps)
    for step in range(before, whole.table.steps):
        made = world("v:phone", "u:ann")
        made.table.dies_at = step
        with pytest.raises(Unavailable):
            link("phone", "ann", made.deps)
        made.table.dies_at = -1
        made.act("v:phone")
        made.act("u:ann")
        made.deliver(made.stream)
        assert link("phone", "ann", made.deps).merged, step
        assert same(made, "u:ann", "u:ann", "v:phone"), step


def test_a_half_done_cut_is_completed_by_doing_it_again() -> None:
    whole = world("v:phone", "u:ann")
    link("phone", "ann", whole.deps)
    before = whole.table.steps
    unlink("phone", "ann", whole.deps)
    for step in range(before, whole.table.steps):
        made = world("v:phone", "u:ann")
        link("phone", "ann", made.deps)
        made.table.dies_at = step
        with pytest.raises(Unavailable):
            unlink("phone", "ann", made.deps)
        made.table.dies_at = -1
        unlink("phone", "ann", made.deps)
        assert same(made, "u:ann", "u:ann"), step
        assert not made.part("v:phone").standing.linked, step


def test_the_strictest_consent_of_all_counts_and_unlinking_takes_its_own_back() -> None:
    made = world("v:phone", "u:ann")
    say_consent("v:phone", NO, made.deps, NOW + 1)
    say_consent("u:ann", YES, made.deps, NOW + 2)
    assert consent_of("u:ann", made.deps).states(Purpose.PERSONALISATION) is True
    link("phone", "ann", made.deps)
    assert consent_of("u:ann", made.deps).states(Purpose.PERSONALISATION) is False
    # Her own yes does not outvote what was said on the phone.
    found = say_consent("u:ann", YES, made.deps, NOW + 3)
    assert found.states(Purpose.PERSONALISATION) is False
    unlink("phone", "ann", made.deps)
    assert consent_of("u:ann", made.deps).states(Purpose.PERSONALISATION) is True
    assert consent_of("v:phone", made.deps).states(Purpose.PERSONALISATION) is False


def test_what_a_linked_visitor_says_counts_for_the_user_at_once() -> None:
    made = world("v:phone", "u:ann")
    link("phone", "ann", made.deps)
    say_consent("v:phone", NO, made.deps, NOW + 1)
    assert consent_of("u:ann", made.deps).states(Purpose.PERSONALISATION) is False
    say_consent("v:phone", YES, made.deps, NOW + 2)
    assert consent_of("u:ann", made.deps).states(Purpose.PERSONALISATION) is True


def test_consent_of_somebody_new_is_kept_without_a_profile() -> None:
    made = World()
    found = say_consent("v:new", {Purpose.MESSAGING: True}, made.deps, NOW)
    assert found == Consent(granted=4, at=NOW)
    assert made.part("v:new").blob == b""
    assert made.profile("v:new").empty


def test_settling_somebody_who_is_not_linked_changes_nothing() -> None:
    made = world("u:ann")
    before = made.part("u:ann")
    assert not rebuild_profile("ann", made.deps)
    assert made.part("u:ann") == before


def test_a_user_who_comes_back_after_being_forgotten_is_one_with_their_devices_again() -> None:
    made = world("u:ann", "v:old")
    link("old", "ann", made.deps)
    forget(SITE, "u:ann", ForgetDeps(made.table, made.objects, 48), NOW + len(made.stream))
    made.logs.clear()
    known = len(made.stream)
    for subject in ("u:ann", "v:phone"):
        made.act(subject)
    made.deliver(made.stream[known:])
    link("phone", "ann", made.deps)
    for subject in ("v:phone", "u:ann", "v:old"):
        made.act(subject)
    made.deliver(made.stream)
    assert same(made, "u:ann", "u:ann", "v:phone")
    assert made.profile("v:old").empty
