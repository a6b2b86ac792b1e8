"""Flags of events that no person made, and their limits. Flagged events are kept and counted nowhere.

Flags that one request shows are stored in the record. Flags that need a history are computed when the
archive is read (`learn.statistics.abuse`).
"""

import msgspec

from hemline.model.events.event import BOT

FOREIGN, RATE, UNSEEN, DWELL, UNKNOWN = "foreign", "rate", "unseen", "dwell", "unknown"

FLAGS = {
    BOT: "its user agent says that it is a program",
    FOREIGN: "its token is of a fragment that was decided for somebody else",
    RATE: "of a visitor, in a minute or a day of more events than people make or bring in later",
    UNSEEN: "a click in a fragment that nobody had seen by then, or that it does not name",
    DWELL: "longer than its fragment had been in sight",
    UNKNOWN: "a purchase of nothing that was ever in the catalogue",
}
"""Flag → what it means, for people."""


class AbuseLimits(msgspec.Struct, frozen=True, omit_defaults=True):
    """Limits above which a visitor's events count as a program's, or as made up."""

    per_minute: int = 300
    """Events of one visitor in one minute of the clock."""
    per_day: int = 5000
    """Events of one visitor on one day (UTC)."""
    early_seconds: int = 10
    """How much earlier than its fragment's exposure a click may be: the client times both."""
    late_per_minute: int = 2000
    """Events of one visitor received in one minute that happened in others, as after a flight."""
    late_per_day: int = 10_000
    """Events of one visitor received on one day (UTC) that happened on others."""
