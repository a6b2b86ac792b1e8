"""What a check is, and what a profile says that somebody did. Reads no store."""

from typing import NamedTuple

from hemline.learn.profile import ring
from hemline.learn.profile.fold import Profile


class Check(NamedTuple):
    """One thing that must hold."""

    name: str
    expected: int
    found: int

    @property
    def holds(self) -> bool:
        """Exactly."""
        return self.expected == self.found


class Did(NamedTuple):
    """One action of a profile, in its ring."""

    ring: int
    action: ring.Action


def actions(profile: Profile) -> set[Did]:
    """What a profile says somebody did."""
    rings = range(len(profile.rings))
    return {Did(which, action) for which in rings for action in profile.actions(which)}


def reaches(profile: Profile, did: Did) -> bool:
    """Whether an action is young enough to be in a profile whose rings end where they do."""
    return (did.action.time, did.action.key) > ring.floor_of(profile.rings[did.ring])
