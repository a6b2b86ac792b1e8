"""What an event can be flagged with, and from where on: flagged events are kept and counted nowhere.

Flags that one event shows stand in the record; those that need a history are found when it is read
(`learn.statistics.abuse`).
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
"""Flag → what it says."""


class AbuseLimits(msgspec.Struct, frozen=True, omit_defaults=True):
    """From where on a visitor's events are taken for a program's, or for made up."""

    per_minute: int = 300
    """Events of one visitor in one minute of the clock."""
    per_day: int = 5000
    """Events of one visitor on one day (UTC): what is spread over many minutes."""
    early_seconds: int = 10
    """How much earlier than its fragment's exposure a click may be: both are timed by the client."""
    late_per_minute: int = 2000
    """Events of one visitor that happened in other minutes and are received in one, as after a flight."""
    late_per_day: int = 10_000
    """Events of one visitor that happened on other days and are received on one (UTC)."""
