"""Frequency caps of a slot, and when a page opens an alert."""

from typing import Literal

import msgspec

MAX_TIMES = 8
"""Exposures of one slot that a profile keeps, so also the largest cap that can be enforced."""


class Frequency(msgspec.Struct, frozen=True, omit_defaults=True):
    """At most `times` exposures in any `days` days; none for `quiet_days` days after an answer.

    An exposure is a confirmed one; an answer is a click or a dismissal.
    """

    times: int = 1
    days: int = 7
    quiet_days: int = 0


class Opens(msgspec.Struct, frozen=True):
    """When a client opens the alert that it received: only the client knows that moment."""

    at: Literal["load", "exit", "idle"] = "load"
    """exit: the visitor is about to leave; idle: no interaction for `seconds`."""
    seconds: int = 0
    """load: delay after the page has loaded; exit: not earlier than this; idle: time without interaction."""
