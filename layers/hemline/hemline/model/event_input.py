"""One event as it may come over the wire: its schema, its limits, and what is wrong with one that fails.

The structs are the schema: docs/schemas/event.schema.json is generated from them. Knows nothing of
HTTP, of who sends it or of consent. Every refusal is a BadInput that names the field and the way out.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from hemline.model import item_form
from hemline.model.consent import DEFAULTS, Purpose
from hemline.model.errors import BadInput
from hemline.model.event import DEEDS, ITEM_EVENT, Event, Line, worth
from hemline.model.event_properties import ITEM_LIMITS, PROPERTY_LIMITS, check_properties, plain
from hemline.model.ids import CURRENCY_PATTERN
from hemline.model.item import Item
from hemline.model.text import normal
from hemline.model.times import implausible

# `$` also matches before a last line feed, in Python and not in JSON Schema: the look-ahead closes it.
_END = r"$(?!\n)"
_NO_CONTROLS = r"^[^\x00-\x1f\x7f]*" + _END
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = 253_402_300_799_999  # 9999-12-31: the last instant that RFC 3339 can spell

Id = Annotated[str, Meta(pattern=r"^[\x21-\x7e]{1,128}" + _END)]
ALIASES = {"impression": "exposure"}
"""Another name of a type, for those who know it by that → ours."""
ACCOUNT_CALLS = {"consent": "PUT /v1/me/consent", "identify": "POST /v1/identify"}
"""What only a call of the visitor's own account may state: it checks who asks, an event cannot."""
SENT = sorted((DEEDS.keys() | ALIASES.keys()) - ACCOUNT_CALLS.keys())

EventType = Annotated[str, Meta(extra_json_schema={"enum": SENT})]
Moment = (
    Annotated[datetime, Meta(tz=True)]
    | Annotated[
        int,
        # Checked by hand: a number that is too large has to be told what it looks like.
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
Duration = Annotated[int, Meta(ge=0, le=24 * 3600 * 1000, description="milliseconds")]
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
"""Event type → groups of fields; of each group it needs one or more. What is not here needs none."""

VALUES: dict[str, tuple[float, float]] = {"rate": (0, 10), "purchase": (0, 1e12)}
"""Event type → from where to where its `value` may lie; others take any Amount."""

SIGNED_ONLY = ("visitor", "user", "country", "device", "purposes")

_PRINTABLE = "Use 1 to 128 printable ASCII characters without spaces."
_WAYS_OUT = {
    "id": "Use 1 to 128 printable ASCII characters without spaces, such as a UUID, and send the same"
    " id when you send the event again.",
    "type": f"Use one of {', '.join(SENT)}; your own kinds are custom, with the name in"
    " properties.",
    "time": "Use RFC 3339 with an offset, or whole epoch milliseconds, from 1970 to 9999.",
    "item": _PRINTABLE,
    "slot": _PRINTABLE,
    "message": _PRINTABLE,
    "duration": "Use whole milliseconds, from 0 to one day.",
    "visitor": _PRINTABLE,
    "user": _PRINTABLE,
    "token": "Send back the fragment's token unchanged.",
    "query": "Use at most 1000 characters, none of them a control character.",
    "lines": "Use at most 500 objects of item, quantity (1 to 1000000) and price (0 or more).",
    "currency": item_form.CURRENCY_WAY_OUT,
    "value": "Use a number from -1e12 to 1e12.",
    "country": "Use two capital letters, such as GB.",
    "purposes": "Use an object of analytics and personalisation, each true or false.",
    "device": "Use 1 to 16 lower-case letters, such as mobile.",
    "properties": "Use an object of at most 50 members.",
}
_FIELDS = "Known fields are " + ", ".join(EventInput.__struct_fields__[: -len(SIGNED_ONLY)]) + "."


_decoder = msgspec.json.Decoder(EventInput)


def parse_event(raw: bytes | msgspec.Raw) -> EventInput:
    """Decode and check one event. Raises BadInput; JSON that is no JSON too (see event_body.diagnose)."""
    try:
        found = _decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise explained(error) from None
    except RecursionError:
        raise BadInput("event", "is nested too deeply.", "Use at most 4 levels.") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadInput("event", f"is not JSON ({error}).", "Send JSON in UTF-8.") from None
    _check_meaning(found)
    if found.properties:
        limits = ITEM_LIMITS if found.type == ITEM_EVENT else PROPERTY_LIMITS
        check_properties(found.properties, limits)
    return found


def explained(error: msgspec.ValidationError, under: str = "") -> BadInput:
    """Msgspec's message as ours: the path becomes the field, and the field knows its way out."""
    message, _, place = str(error).partition(" - at `")
    path = place.rstrip("`").removeprefix("$").lstrip(".")
    if message.startswith("Object contains unknown field "):
        name = message.split("`")[1][:64]
        found = ".".join(p for p in (under, path, name) if p)
        return BadInput(plain(found), "is not a known field.", _FIELDS if not path else "")
    if message.startswith("Object missing required field "):
        name = message.split("`")[1]
        path, message = f"{path}.{name}".lstrip("."), "is missing"
    # Below `properties` msgspec writes [...] for names: what it does not know is left out here.
    field = ".".join(p for p in (under, path.partition("[...]")[0]) if p) or "event"
    return BadInput(plain(field), f"{_reason(message)}.", _way_out(field, message))


def _reason(message: str) -> str:
    # A pattern says nothing to most readers; the way out says the same in words.
    message = "has another form" if "matching regex" in message else message.replace("`", "")
    return message[0].lower() + message[1:]


def _way_out(field: str, message: str) -> str:
    top = field.split(".", maxsplit=1)[0].split("[", maxsplit=1)[0]
    if top == "properties" and "out of range" in message:
        return "Use numbers of 64 bits, or a string."
    return _WAYS_OUT.get(top, "")


def _check_meaning(event: EventInput) -> None:
    if event.type in ACCOUNT_CALLS:
        way_out = f"Call {ACCOUNT_CALLS[event.type]}."
        raise BadInput("type", f"{event.type} is made by the account's call, not sent.", way_out)
    if event.type not in SENT:
        raise BadInput("type", "is not known.", _WAYS_OUT["type"])
    for names in NEEDS.get(event.type, ()):
        # Zero is a rating and a duration; an empty list of lines is none.
        if all(getattr(event, name) in (None, "", ()) for name in names):
            raise BadInput(names[0], f"is missing: {event.type} needs {' or '.join(names)}.")
    if isinstance(event.time, datetime) and event.time < _EPOCH:
        raise BadInput("time", "is before 1970.", _WAYS_OUT["time"])
    if isinstance(event.time, int) and event.time > _LATEST:
        raise BadInput("time", f"{implausible(event.time)}.", _WAYS_OUT["time"])
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
    # Less is a discount on the whole order; a cent a line is rounding.
    if lines is not None and event.value > lines + 0.01 * len(event.lines or ()) + lines * 1e-9:
        raise BadInput(
            "value",
            f"is {event.value:g}, but quantity times price of the lines is {lines:g}.",
            "Send what the goods were sold for, without shipping and tax, or leave it out.",
        )


def item_of(event: EventInput | Event) -> Item:
    """The catalogue item that an `item` event states, in its normal form.

    Also of what the archive holds, which is older than some checks of the door (`check_item`).
    Raises BadInput naming the property.
    """
    properties = event.properties or {}
    unknown = next((k for k in properties if k not in Item.__struct_fields__ or k == "id"), None)
    if unknown is not None:
        fields = ", ".join(Item.__struct_fields__[1:])
        way_out = f"Use {fields}; your own names go into attributes."
        raise BadInput(plain(f"properties.{unknown}"), "is not a known field of an item.", way_out)
    try:
        item = msgspec.convert({**item_form.readable(properties), "id": event.item}, Item)
    except msgspec.ValidationError as error:
        raise explained(error, "properties") from None
    item_form.check_form(item)
    return item_form.normal_item(item)


def check_item(event: EventInput) -> Item:
    """`item_of`, and what a new item is refused for besides. Raises BadInput naming the property."""
    item = item_of(event)
    item_form.check_new(event.properties or {})
    return item


def event_of(event: EventInput, time: int) -> Event:
    """The event as the product keeps it, at `time` (epoch ms, already bounded)."""
    return Event(
        id=event.id,
        type=ALIASES.get(event.type, event.type),
        time=time,
        item=event.item,
        slot=event.slot,
        token=event.token,
        query=None if event.query is None else normal(event.query),
        lines=tuple(Line(x.item, x.quantity, x.price) for x in event.lines or ()),
        currency=event.currency,
        value=event.value,
        message=event.message,
        duration=event.duration,
        properties=event.properties or {},
    )


def stated_time(event: EventInput) -> int | None:
    """Epoch ms as the client states it, or None."""
    if isinstance(event.time, datetime):
        return (event.time - _EPOCH) // timedelta(milliseconds=1)
    return event.time


def stated_choices(event: EventInput) -> list[tuple[Purpose, bool]]:
    """What a signed event says of consent, purpose by purpose; nothing of what it leaves out."""
    said = ((purpose, getattr(event.purposes, purpose.value, None)) for purpose in DEFAULTS)
    return [(purpose, yes) for purpose, yes in said if yes is not None]
