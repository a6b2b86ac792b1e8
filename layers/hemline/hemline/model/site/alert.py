"""How often a slot may be shown to one person, and when a page opens it."""

from typing import Literal

import msgspec

MAX_TIMES = 8
"""Exposures of one slot that a profile keeps: a cap that needs more could not be held to."""


class Frequency(msgspec.Struct, frozen=True, omit_defaults=True):
    """Shown at most `times` in any `days`; and for `quiet_days` not at all once it was answered.

    Shown is a confirmed exposure, an answer is a click in it or its dismissal.
    """

    times: int = 1
    days: int = 7
    quiet_days: int = 0


class Opens(msgspec.Struct, frozen=True):
    """When a client shows what it was given: it knows the moment, the decision does not."""

    at: Literal["load", "exit", "idle"] = "load"
    """exit: about to leave; idle: nothing was done for `seconds`."""
    seconds: int = 0
    """load: so long after it; exit: not before; idle: how long nothing happens."""
