"""The wire format of an event: its schema, its limits and its checks.

The structs are the schema: docs/schemas/event.schema.json is generated from them. Knows nothing of
HTTP, the sender or consent. Every error is a BadInput that names the field and the way out.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from hemline.model import item_form
from hemline.model.consent import DEFAULTS, Purpose
from hemline.model.durations import DAY_MS
from hemline.model.errors import BadInput
from hemline.model.events.event import ITEM_EVENT, Event, OrderLine, worth
from hemline.model.events.properties import ITEM_LIMITS, PROPERTY_LIMITS, check_properties, plain
from hemline.model.events.refusals import ACCOUNT_CALLS, ALIASES, SENT_TYPES, WAYS_OUT, as_bad_input
from hemline.model.ids import CURRENCY_PATTERN
from hemline.model.input.json_input import is_a_float, whole, with_whole_numbers
from hemline.model.input.text import normal
from hemline.model.input.times import implausible
from hemline.model.item import Item

# In Python, unlike JSON Schema, `$` also matches before a final line feed: the look-ahead forbids that.
_END = r"$(?!\n)"
_NO_CONTROLS = r"^[^\x00-\x1f\x7f]*" + _END
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = 253_402_300_799_999  # 9999-12-31: the last instant that RFC 3339 can spell

Id = Annotated[str, Meta(pattern=r"^[\x21-\x7e]{1,128}" + _END)]
EventType = Annotated[str, Meta(extra_json_schema={"enum": SENT_TYPES})]
Moment = (
    Annotated[datetime, Meta(tz=True)]
    | Annotated[
        int,
        # The maximum is checked in `_check_meaning`, where the error says what the number looks like.
        Meta(ge=0, description="epoch milliseconds", extra_json_schema={"maximum": _LATEST}),
    ]
)
Token = Annotated[str, Meta(pattern=r"^[\x21-\x7e]{1,2048}" + _END)]
Query = Annotated[str, Meta(pattern=_NO_CONTROLS, max_length=1000)]
Currency = Annotated[
    str, Meta(pattern=CURRENCY_PATTERN.removesuffix("$") + _END, description="ISO 4217")
]
Country = Annotated[str, Meta(pattern=r"^[A-Z]{2}" + _END, description="ISO 3166-1")]
Device = Annotated[str, Meta(pattern=r"^[a-z]{1,16}" + _END)]
Amount = Annotated[float, Meta(ge=-1e12, le=1e12)]
Price = Annotated[float, Meta(ge=0, le=1e12)]
Duration = Annotated[int, Meta(ge=0, le=DAY_MS, description="milliseconds")]
Quantity = Annotated[int, Meta(ge=1, le=1_000_000)]


class LineInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of a purchase, or one item of a list that was shown (then in shown order)."""

    item: Id
    quantity: Quantity = 1
    price: Price | None = None


class PurposesInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the person agreed to, as the site's server knows it; left out: the site's default holds."""

    analytics: bool | None = None
    personalisation: bool | None = None


class EventInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that a visitor did. Times outside the bounds that docs/events.md states are replaced."""

    id: Id
    type: EventType
    time: Moment | None = None
    item: Id | None = None
    slot: Id | None = None
    token: Token | None = None
    query: Query | None = None
    lines: Annotated[tuple[LineInput, ...], Meta(max_length=500)] | None = None
    currency: Currency | None = None
    value: Amount | None = None
    message: Id | None = None
    duration: Duration | None = None
    properties: Annotated[dict[str, Any], Meta(max_length=50)] | None = None
    visitor: Annotated[Id | None, Meta(description="signed batches only")] = None
    user: Annotated[Id | None, Meta(description="signed batches only")] = None
    country: Annotated[Country | None, Meta(description="signed batches only")] = None
    device: Annotated[Device | None, Meta(description="signed batches only")] = None
    purposes: Annotated[PurposesInput | None, Meta(description="signed batches only")] = None


_ITEMS = (("item", "lines"),)
_MESSAGE = (("message",),)
NEEDS: dict[str, tuple[tuple[str, ...], ...]] = {
    "exposure": (("item", "lines", "slot", "token"),),
    "impression": (("item", "lines", "slot", "token"),),
    "click": (("item", "slot", "token"),),
    "view": _ITEMS,
    "rate": (("item",), ("value",)),
    "share": _ITEMS,
    "add_to_cart": _ITEMS,
    "wishlist": _ITEMS,
    "purchase": _ITEMS,
    "remove": _ITEMS,
    "search": (("query",),),
    "dwell": (("duration",),),
    "dismiss": (("slot", "token"),),
    "message_delivered": _MESSAGE,
    "message_opened": _MESSAGE,
    "message_clicked": _MESSAGE,
    ITEM_EVENT: (("item",),),
}
"""Event type → groups of fields; it needs at least one of each group. Other types need none."""

VALUES: dict[str, tuple[float, float]] = {"rate": (0, 10), "purchase": (0, 1e12)}
"""Event type → least and greatest `value`; other types take any Amount."""

SIGNED_ONLY = ("visitor", "user", "country", "device", "purposes")

_decoder = msgspec.json.Decoder(EventInput)


def parse_event(raw: bytes | msgspec.Raw) -> EventInput:
    """Decode and check one event. Raises BadInput, also when it is no JSON (see `body.diagnose`)."""
    try:
        found = _decoded(raw)
    except msgspec.ValidationError as error:
        raise as_bad_input(error) from None
    except RecursionError:
        raise BadInput("event", "is nested too deeply.", "Use at most 4 levels.") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadInput("event", f"is not JSON ({error}).", "Send JSON in UTF-8.") from None
    _check_meaning(found)
    if found.properties:
        limits = ITEM_LIMITS if found.type == ITEM_EVENT else PROPERTY_LIMITS
        check_properties(found.properties, limits)
    return found


def _decoded(raw: bytes | msgspec.Raw) -> EventInput:
    try:
        return _decoder.decode(raw)
    except msgspec.ValidationError as error:
        again = with_whole_numbers(bytes(raw)) if is_a_float(error) else None
        if again is None:
            raise
        return _decoder.decode(again)


def _check_meaning(event: EventInput) -> None:
    if event.type in ACCOUNT_CALLS:
        way_out = f"Call {ACCOUNT_CALLS[event.type]}."
        raise BadInput("type", f"{event.type} is made by the account's call, not sent.", way_out)
    if event.type not in SENT_TYPES:
        raise BadInput("type", "is not known.", WAYS_OUT["type"])
    for names in NEEDS.get(event.type, ()):
        # 0 is a valid rating and duration; an empty list of lines counts as missing.
        if all(getattr(event, name) in (None, "", ()) for name in names):
            reason = f"is missing: {event.type} needs {' or '.join(names)}."
            raise BadInput(names[0], reason, WAYS_OUT[names[0]])
    if isinstance(event.time, datetime) and event.time < _EPOCH:
        raise BadInput("time", "is before 1970.", WAYS_OUT["time"])
    if isinstance(event.time, int) and event.time > _LATEST:
        raise BadInput("time", f"{implausible(event.time)}.", WAYS_OUT["time"])
    _check_value(event)


def _check_value(event: EventInput) -> None:
    if event.value is None or event.type not in VALUES:
        return
    least, most = VALUES[event.type]
    if not least <= event.value <= most:
        raise BadInput(
            "value", f"of {event.type} is {event.value:g}.", f"Use {least:g} to {most:g}."
        )
    lines = worth(event.lines or ()) if event.type == "purchase" else None
    # Below the sum is a discount on the order. Above it, a cent a line is allowed for rounding.
    if lines is not None and event.value > lines + 0.01 * len(event.lines or ()) + lines * 1e-9:
        raise BadInput(
            "value",
            f"is {event.value:g}, but quantity times price of the lines is {lines:g}.",
            "Send what the goods were sold for, without shipping and tax, or leave it out.",
        )


def item_of(event: EventInput | Event) -> Item:
    """The catalogue item of an `item` event, in its normal form. Raises BadInput naming the property.

    Also reads the archive, whose events are older than some checks of collect (`check_item`).
    """
    properties = event.properties or {}
    unknown = next((k for k in properties if k not in Item.__struct_fields__ or k == "id"), None)
    if unknown is not None:
        fields = ", ".join(Item.__struct_fields__[1:])
        way_out = f"Use {fields}; your own names go into attributes."
        raise BadInput(plain(f"properties.{unknown}"), "is not a known field of an item.", way_out)
    try:
        item = _item({**item_form.readable(properties), "id": event.item})
    except msgspec.ValidationError as error:
        raise as_bad_input(error, "properties") from None
    item_form.check_form(item)
    return item_form.normal_item(item)


def check_item(event: EventInput) -> Item:
    """`item_of` with the further checks of a new item. Raises BadInput naming the property."""
    item = item_of(event)
    item_form.check_new(event.properties or {})
    return item


def _item(stated: dict[str, Any]) -> Item:
    try:
        return msgspec.convert(stated, Item)
    except msgspec.ValidationError as error:
        if not is_a_float(error):
            raise
        return msgspec.convert(whole(stated), Item)


def event_of(event: EventInput, time: int) -> Event:
    """The event as it is stored, at `time` (epoch ms, already bounded)."""
    return Event(
        id=event.id,
        type=ALIASES.get(event.type, event.type),
        time=time,
        item=event.item,
        slot=event.slot,
        token=event.token,
        query=None if event.query is None else normal(event.query),
        lines=tuple(OrderLine(x.item, x.quantity, x.price) for x in event.lines or ()),
        currency=event.currency,
        value=event.value,
        message=event.message,
        duration=event.duration,
        properties=event.properties or {},
    )


def stated_time(event: EventInput) -> int | None:
    """The client's time in epoch ms, or None."""
    if isinstance(event.time, datetime):
        return (event.time - _EPOCH) // timedelta(milliseconds=1)
    return event.time


def stated_choices(event: EventInput) -> list[tuple[Purpose, bool]]:
    """The purposes that a signed event grants or refuses; without those that it leaves out."""
    stated = ((purpose, getattr(event.purposes, purpose.value, None)) for purpose in DEFAULTS)
    return [(purpose, yes) for purpose, yes in stated if yes is not None]
