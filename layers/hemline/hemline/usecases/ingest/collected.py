"""What became of the events of one call to the collect endpoint."""

from typing import NamedTuple

import msgspec

from hemline.learn.profile.capsule import Capsule


class Rejected(msgspec.Struct, frozen=True):
    """One event that was not accepted. `reason`: no_consent, not_durable, or the field and why."""

    index: int
    id: str | None
    reason: str


class Collected(NamedTuple):
    """What became of a call's events: accepted + rejected = all of them."""

    accepted: int
    rejected: tuple[Rejected, ...]
    minted: str | None
    """A new visitor id: hand it out also when nothing was durable, so that a retry is the same one."""
    capsule: Capsule | None
    """The caller's capsule from now on; None when it is not to be written."""
    fault: str = ""
    """Why events were not durable, for the log."""

    def rejected_for(self, reason: str) -> int:
        """Events that were rejected for exactly this reason."""
        return sum(rejected.reason == reason for rejected in self.rejected)
