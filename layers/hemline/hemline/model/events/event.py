"""What a visitor did (Event), and how it lies on the stream and in the archive (Record)."""

import math
import re
from collections.abc import Callable, Iterable
from enum import IntEnum
from typing import Protocol

import msgspec

from hemline.model.consent import DEFAULTS, Purpose
from hemline.model.ids import is_id, is_site


class InteractionLevel(IntEnum):
    """What a fold makes of an event: the four depths that profiles and statistics count."""

    SHOWN = 0
    """Really seen (an exposure confirmed by the page), never merely served."""
    ENGAGED = 1
    """Viewed, clicked, searched out: a cheap sign of interest."""
    CARTED = 2
    """Put in the cart or on the wish list."""
    BOUGHT = 3


LEVEL_OF_EVENT: dict[str, InteractionLevel | None] = {
    "exposure": InteractionLevel.SHOWN,
    "view": InteractionLevel.ENGAGED,
    "click": InteractionLevel.ENGAGED,
    "rate": InteractionLevel.ENGAGED,
    "share": InteractionLevel.ENGAGED,
    "add_to_cart": InteractionLevel.CARTED,
    "wishlist": InteractionLevel.CARTED,
    "purchase": InteractionLevel.BOUGHT,
    "message_clicked": InteractionLevel.ENGAGED,
    # These are kept and archived, but say nothing about an item that a ranker should count. A removal
    # takes nothing back: that something was put in the cart stays a fact, and the cart is the site's.
    "remove": None,
    "search": None,
    # Its view or exposure has counted already; how long is for whoever reads the archive.
    "dwell": None,
    "app_open": None,
    # A message that is shown was chosen by us, in a place that is no slot.
    "message_delivered": None,
    "message_opened": None,
    # Says that a slot is not wanted, and nothing of an item.
    "dismiss": None,
    "page": None,
    "custom": None,
    # Made by the account calls, never sent as events.
    "consent": None,
    "identify": None,
    # The catalogue travels the same road: one item as its `properties`. Signed batches only.
    "item": None,
}
"""Event type → deed. A type that is not here is refused at the door."""

ITEM_EVENT, IDENTIFY = "item", "identify"
EXPOSURE = "exposure"
CAPPED = (EXPOSURE, "click", "dismiss")
"""What a frequency cap counts: that a slot was seen, and the answers to it."""
SCHEMA = 1
"""Version of what an event means. New fields and types leave it; another meaning raises it."""
BOT = "bot"
"""A flag of the door: a program that says what it is. See `model.events.abuse` for all flags."""


class SupportsWorth(Protocol):
    """A line, as it came or as it is kept."""

    @property
    def quantity(self) -> int:
        """How many."""

    @property
    def price(self) -> float | None:
        """Of one."""


class OrderLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of a purchase, or one item of a list that was shown (then in shown order)."""

    item: str
    quantity: int = 1
    price: float | None = None


class Event(msgspec.Struct, frozen=True, omit_defaults=True):
    """One event as a client states it, validated. `time` is epoch milliseconds, already bounded."""

    id: str
    type: str
    time: int
    item: str | None = None
    slot: str | None = None
    token: str | None = None
    """The decision token of the fragment it happened in; equal on its exposure and its clicks."""
    query: str | None = None
    lines: tuple[OrderLine, ...] = ()
    currency: str | None = None
    value: float | None = None
    """Worth in `currency` (the site's own when that is None); of `rate` the rating, 0 to 10."""
    message: str | None = None
    """The message that was delivered, opened or clicked."""
    duration: int | None = None
    """Milliseconds of a `dwell`."""
    properties: dict[str, object] = {}

    @property
    def deed(self) -> InteractionLevel | None:
        """The depth this event counts at, or None when it counts for no item."""
        return LEVEL_OF_EVENT.get(self.type)

    def items(self) -> tuple[OrderLine, ...]:
        """The items it is about: its lines, else its one item, else none."""
        if self.lines:
            return self.lines
        return (OrderLine(self.item),) if self.item else ()


def worth(lines: Iterable[SupportsWorth]) -> float | None:
    """Quantity times price, summed up exactly; None when a price is missing, or without lines."""
    lines = list(lines)
    priced = [(line.quantity, line.price) for line in lines if line.price is not None]
    if not lines or len(priced) < len(lines):
        return None
    return math.fsum(quantity * price for quantity, price in priced)


def item_order(event: Event) -> tuple[int, str]:
    """What a catalogue goes by: of an item's `item` events the one with the greatest counts.

    The order is in the events alone. An import's ids begin with its time and go on with the row's line.
    """
    return event.time, event.id


class Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """An accepted event, bound to whom it is about: one Kinesis record, one line of the archive."""

    site: str
    subject: str
    """`v:<visitor id>` (anonymous), `u:<user id>` (verified); `i:<item id>` for the catalogue."""
    received: int
    """Server time, epoch milliseconds."""
    event: Event
    country: str = ""
    device: str = ""
    """Request traits at the door, for segments; never an address or a user agent."""
    purposes: tuple[str, ...] = DEFAULTS
    """What the visitor lets it be used for: statistics, the profile. Nothing: it is not kept."""
    stated: int | None = None
    """What the client gave as the time, where the server's took its place."""
    flags: tuple[str, ...] = ()
    """What the door noticed about the request: kept, but counted nowhere. See `model.events.abuse`."""
    schema: int = SCHEMA
    signed: bool = False
    """The site's own server told of it: it may speak of the past, and of what it alone knows."""
    capped: str = ""
    """The slot whose frequency cap it counts towards, as the fragment's token names it."""
    given: str = ""
    """Keyed hash of whom its token was given to, where that is another person: it counts nowhere."""

    @property
    def profiled(self) -> bool:
        """Whether a profile takes it: the catalogue and programs have none, nor has who said no."""
        person = self.event.type != ITEM_EVENT and BOT not in self.flags
        return person and Purpose.PERSONALISATION in self.purposes

    @property
    def counted(self) -> bool:
        """Whether statistics and training may use it."""
        return Purpose.ANALYTICS in self.purposes


def in_turn(record: Record, before: int) -> Record:
    """The record as the `before`-th after the first of one call that states the same item and time.

    A millisecond later for each: the last one of a call counts, whatever its id is.
    """
    if not before:
        return record
    event = msgspec.structs.replace(record.event, time=record.event.time + before)
    return msgspec.structs.replace(record, event=event, stated=record.event.time)


_LATEST = 253_402_300_799_999  # 9999-12-31
_MOST_FLAGS = 8
# They stand in names of metrics; a later version may have others.
_FLAG = re.compile(r"[a-z]{1,32}")
_GIVEN = re.compile(r"([0-9a-f]{16})?")
_SUBJECT = re.compile(r"[vui]:[\x21-\x7e]{1,128}")

_encoder = msgspec.json.Encoder(order="deterministic")
_decoder = msgspec.json.Decoder(Record)


def encode_record(record: Record) -> bytes:
    """One JSON line without its newline; the same bytes for the same record."""
    return _encoder.encode(record)


def decode_record(data: bytes) -> Record:
    """Raises msgspec.DecodeError (ValidationError is one) on anything that is not a record."""
    return _decoder.decode(data)


def fault_of(record: Record) -> str | None:
    """Why a record that decodes must still not be kept, or None.

    A record of a later schema waits in quarantine for the code that knows it.

    Only the front door should write to the stream, but what stands in keys and in profiles is not
    taken on trust: a path in a site's name or a line feed in an id would be harm, not noise.
    """
    return next(
        (f"{field} is not one of ours" for field, fine in _CHECKS if not fine(record)), None
    )


_CHECKS: tuple[tuple[str, Callable[[Record], object]], ...] = (
    ("schema", lambda r: 1 <= r.schema <= SCHEMA),
    ("site", lambda r: is_site(r.site)),
    ("subject", lambda r: _SUBJECT.fullmatch(r.subject)),
    ("purposes", lambda r: set(r.purposes) <= set(DEFAULTS)),
    ("received", lambda r: 0 <= r.received <= _LATEST),
    ("flags", lambda r: len(r.flags) <= _MOST_FLAGS and all(map(_FLAG.fullmatch, r.flags))),
    ("capped", lambda r: not r.capped or is_id(r.capped)),
    ("given", lambda r: _GIVEN.fullmatch(r.given)),
    ("event.id", lambda r: is_id(r.event.id)),
    ("event.type", lambda r: r.event.type in LEVEL_OF_EVENT),
    ("event.time", lambda r: 0 <= r.event.time <= _LATEST),
    ("event.item", lambda r: r.event.item is None or is_id(r.event.item)),
    ("event.message", lambda r: r.event.message is None or is_id(r.event.message)),
    ("event.lines", lambda r: all(is_id(line.item) for line in r.event.lines)),
)
