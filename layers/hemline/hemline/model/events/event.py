"""Event: what a visitor did. Record: the event as the stream and the archive store it."""

import math
import re
from collections.abc import Callable, Iterable
from enum import IntEnum
from typing import Protocol

import msgspec

from hemline.model.consent import DEFAULTS, Purpose
from hemline.model.ids import is_id, is_site


class InteractionLevel(IntEnum):
    """How deep an interaction with an item goes: the four levels that profiles and statistics count."""

    SHOWN = 0
    """Really seen (an exposure confirmed by the page), not just served."""
    ENGAGED = 1
    """Viewed, clicked, rated or shared: a weak sign of interest."""
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
    # The types below are archived and count for no item. A removal undoes nothing: the item was put in
    # the cart all the same, and the current cart comes with the page.
    "remove": None,
    "search": None,
    # The view or exposure has counted already; the duration is for readers of the archive.
    "dwell": None,
    "app_open": None,
    # A message was chosen for the visitor: receiving it shows no interest.
    "message_delivered": None,
    "message_opened": None,
    # Rejects a slot, not an item.
    "dismiss": None,
    "page": None,
    "custom": None,
    # Made by account calls, never sent as events.
    "consent": None,
    "identify": None,
    # One item of the catalogue, in `properties`. Signed batches only.
    "item": None,
}
"""Event type → interaction level. Any other type is rejected by the collect endpoint."""

ITEM_EVENT, IDENTIFY = "item", "identify"
EXPOSURE = "exposure"
CAPPED = (EXPOSURE, "click", "dismiss")
"""Event types that a frequency cap counts: exposures of a slot, and the answers to it."""
SCHEMA = 1
"""Version of the record. New fields and types keep it; a changed meaning raises it."""
BOT = "bot"
"""Flag that collect sets: the user agent is a program's. See `model.events.abuse` for all flags."""


class SupportsWorth(Protocol):
    """A line, as received or as stored."""

    @property
    def quantity(self) -> int:
        """Number of pieces."""

    @property
    def price(self) -> float | None:
        """Price of one piece."""


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
    """The decision token of its fragment; a fragment's exposure and clicks carry the same one."""
    query: str | None = None
    lines: tuple[OrderLine, ...] = ()
    currency: str | None = None
    value: float | None = None
    """Amount in `currency` (the site's own when None); for `rate` the rating, 0 to 10."""
    message: str | None = None
    """Id of the message that was delivered, opened or clicked."""
    duration: int | None = None
    """Milliseconds of a `dwell`."""
    properties: dict[str, object] = {}

    @property
    def level(self) -> InteractionLevel | None:
        """The interaction level of its type, or None when it counts for no item."""
        return LEVEL_OF_EVENT.get(self.type)

    def items(self) -> tuple[OrderLine, ...]:
        """The items it is about: its lines, else its single item, else none."""
        if self.lines:
            return self.lines
        return (OrderLine(self.item),) if self.item else ()


def worth(lines: Iterable[SupportsWorth]) -> float | None:
    """Exact sum of quantity times price; None when a price is missing, or without lines."""
    lines = list(lines)
    priced = [(line.quantity, line.price) for line in lines if line.price is not None]
    if not lines or len(priced) < len(lines):
        return None
    return math.fsum(quantity * price for quantity, price in priced)


def item_order(event: Event) -> tuple[int, str]:
    """Sort key of an item's `item` events: the greatest is the current state of the item.

    It depends on the events alone. An import's ids are its time followed by the row's line number.
    """
    return event.time, event.id


class Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """An accepted event with its subject: one Kinesis record, one line of the archive."""

    site: str
    subject: str
    """`v:<visitor id>` (anonymous), `u:<user id>` (verified); `i:<item id>` for the catalogue."""
    received: int
    """Server time, epoch milliseconds."""
    event: Event
    country: str = ""
    device: str = ""
    """Traits of the request, for segments; never an address or a user agent."""
    purposes: tuple[str, ...] = DEFAULTS
    """Purposes that the visitor allows for this event. A record without any is not stored."""
    stated: int | None = None
    """The client's time, epoch ms, when the server's replaced it."""
    flags: tuple[str, ...] = ()
    """Flags that collect set: stored, but counted nowhere. See `model.events.abuse`."""
    schema: int = SCHEMA
    signed: bool = False
    """It came in a signed batch of the site's server, which may report the past."""
    capped: str = ""
    """The slot whose frequency cap it counts towards, as its token names it; else empty."""
    given: str = ""
    """Keyed hash of the subject that its token was given to, when that is another: it counts nowhere."""

    @property
    def profiled(self) -> bool:
        """Whether it belongs in a profile: not the catalogue, not a program, and not refused."""
        person = self.event.type != ITEM_EVENT and BOT not in self.flags
        return person and Purpose.PERSONALISATION in self.purposes

    @property
    def counted(self) -> bool:
        """Whether statistics and training may use it."""
        return Purpose.ANALYTICS in self.purposes


def in_call_order(record: Record, before: int) -> Record:
    """The record, `before` milliseconds later.

    `before` counts the earlier events of its call on the same item with the same time: so the last one
    of a call wins, whatever its id is.
    """
    if not before:
        return record
    event = msgspec.structs.replace(record.event, time=record.event.time + before)
    return msgspec.structs.replace(record, event=event, stated=record.event.time)


_LATEST = 253_402_300_799_999  # 9999-12-31
_MOST_FLAGS = 8
# Flags become part of metric names. Unknown ones are allowed: a later version may have written them.
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
    """Why a record that decodes must still go to quarantine, or None.

    A record of a later schema waits there for code that can read it. Only collect should write to the
    stream, but values that become part of keys and profiles are checked again: a path in a site's name
    or a line feed in an id would do harm.
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
