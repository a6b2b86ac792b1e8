"""The result of one call to the collect endpoint."""

from typing import NamedTuple

import msgspec

from hemline.learn.profile.capsule import Capsule


class Rejected(msgspec.Struct, frozen=True):
    """One event that was not accepted. `reason`: no_consent, not_durable, or the field and why."""

    index: int
    id: str | None
    reason: str


class Collected(NamedTuple):
    """A call's result: every event is either accepted or rejected."""

    accepted: int
    rejected: tuple[Rejected, ...]
    minted: str | None
    """A new visitor id. Hand it out even if no event was durable, so a retry uses the same id."""
    capsule: Capsule | None
    """The caller's updated capsule; None: do not write one."""
    fault: str = ""
    """Why events were not durable, for the log."""

    def rejected_for(self, reason: str) -> int:
        """Events that were rejected for exactly this reason."""
        return sum(rejected.reason == reason for rejected in self.rejected)
