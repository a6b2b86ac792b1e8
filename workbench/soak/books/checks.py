"""`Check`, and helpers that list the actions of a profile. Reads no store."""

from typing import NamedTuple

from hemline.learn.profile import ring
from hemline.learn.profile.fold import Profile


class Check(NamedTuple):
    """One invariant: `found` must equal `expected`. Both are counts."""

    name: str
    expected: int
    found: int

    @property
    def holds(self) -> bool:
        """Whether the two are equal."""
        return self.expected == self.found


class ProfileAction(NamedTuple):
    """One action of a profile, with the ring that holds it."""

    ring: int
    """Index into `Profile.rings`."""
    action: ring.Action


def actions(profile: Profile) -> set[ProfileAction]:
    """Every action in a profile."""
    rings = range(len(profile.rings))
    return {ProfileAction(which, action) for which in rings for action in profile.actions(which)}


def reaches(profile: Profile, did: ProfileAction) -> bool:
    """Whether an action is recent enough that its ring has not dropped it.

    A full ring drops its oldest actions, so their absence is not a loss.
    """
    return (did.action.time, did.action.key) > ring.floor_of(profile.rings[did.ring])
