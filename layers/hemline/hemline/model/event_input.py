"""One event as it may come over the wire: its schema, its limits, and what is wrong with one that fails.

The structs are the schema: docs/schemas/event.schema.json is generated from them. Knows nothing of
HTTP, of who sends it or of consent. Every refusal is a BadInput that names the field and the way out.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from hemline.model.errors import BadInput
from hemline.model.event import DEEDS, ITEM_EVENT, Event, Line
from hemline.model.item import Item

# `$` also matches before a last line feed, in Python and not in JSON Schema: the look-ahead closes it.
_END = r"$(?!\n)"
_NO_CONTROLS = r"^[^\x00-\x1f\x7f]*" + _END
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = 253_402_300_799_999  # 9999-12-31: the last instant that RFC 3339 can spell

Id = Annotated[str, Meta(pattern=r"^[\x21-\x7e]{1,128}" + _END)]
EventType = Annotated[str, Meta(extra_json_schema={"enum": sorted(DEEDS)})]
Moment = (
    Annotated[datetime, Meta(tz=True)]
    | Annotated[int, Meta(ge=0, le=_LATEST, description="epoch milliseconds")]
)
Token = Annotated[str, Meta(pattern=r"^[\x21-\x7e]{1,2048}" + _END)]
Query = Annotated[str, Meta(pattern=_NO_CONTROLS, max_length=1000)]
Currency = Annotated[str, Meta(pattern=r"^[A-Z]{3}" + _END, description="ISO 4217")]
Country = Annotated[str, Meta(pattern=r"^[A-Z]{2}" + _END, description="ISO 3166-1")]
Device = Annotated[str, Meta(pattern=r"^[a-z]{1,16}" + _END)]
Amount = Annotated[float, Meta(ge=-1e12, le=1e12)]
Price = Annotated[float, Meta(ge=0, le=1e12)]
Quantity = Annotated[int, Meta(ge=1, le=1_000_000)]


class LineInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of a purchase, or one item of a list that was shown (then in shown order)."""

    item: Id
    quantity: Quantity = 1
    price: Price | None = None


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
    properties: Annotated[dict[str, Any], Meta(max_length=50)] | None = None
    visitor: Annotated[Id | None, Meta(description="signed batches only")] = None
    user: Annotated[Id | None, Meta(description="signed batches only")] = None
    country: Annotated[Country | None, Meta(description="signed batches only")] = None
    device: Annotated[Device | None, Meta(description="signed batches only")] = None


NEEDS: dict[str, tuple[str, ...]] = {
    "exposure": ("item", "lines", "slot", "token"),
    "click": ("item", "slot", "token"),
    "view": ("item", "lines"),
    "rate": ("item",),
    "share": ("item", "lines"),
    "add_to_cart": ("item", "lines"),
    "wishlist": ("item", "lines"),
    "purchase": ("item", "lines"),
    "remove": ("item", "lines"),
    "search": ("query",),
    ITEM_EVENT: ("item",),
}
"""Event type → fields of which it needs one or more; a type that is not here needs none."""

SIGNED_ONLY = ("visitor", "user", "country", "device")

_PRINTABLE = "Use 1 to 128 printable ASCII characters without spaces."
_WAYS_OUT = {
    "id": "Use 1 to 128 printable ASCII characters without spaces, such as a UUID, and send the same"
    " id when you send the event again.",
    "type": f"Use one of {', '.join(sorted(DEEDS))}; your own kinds are custom, with the name in"
    " properties.",
    "time": "Use RFC 3339 with an offset, or whole epoch milliseconds, from 1970 to 9999.",
    "item": _PRINTABLE,
    "slot": _PRINTABLE,
    "visitor": _PRINTABLE,
    "user": _PRINTABLE,
    "token": "Send back the fragment's token unchanged.",
    "query": "Use at most 1000 characters, none of them a control character.",
    "lines": "Use at most 500 objects of item, quantity (1 to 1000000) and price (0 or more).",
    "currency": "Use three capital letters, such as EUR.",
    "value": "Use a number from -1e12 to 1e12.",
    "country": "Use two capital letters, such as GB.",
    "device": "Use 1 to 16 lower-case letters, such as mobile.",
    "properties": "Use an object of at most 50 members.",
}
_FIELDS = "Known fields are " + ", ".join(EventInput.__struct_fields__[:-4]) + "."


class Limits(msgspec.Struct, frozen=True):
    """How much `properties` may hold; characters, levels and values."""

    text: int
    size: int
    depth: int = 4
    values: int = 200
    name: int = 64


PROPERTY_LIMITS = Limits(text=1000, size=8192)
ITEM_LIMITS = Limits(text=8000, size=32_768)

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
        _check_properties(found.properties, limits)
    return found


def explained(error: msgspec.ValidationError, under: str = "") -> BadInput:
    """Msgspec's message as ours: the path becomes the field, and the field knows its way out."""
    message, _, place = str(error).partition(" - at `")
    path = place.rstrip("`").removeprefix("$").lstrip(".")
    if message.startswith("Object contains unknown field "):
        name = message.split("`")[1][:64]
        found = ".".join(p for p in (under, path, name) if p)
        return BadInput(_plain(found), "is not a known field.", _FIELDS if not path else "")
    if message.startswith("Object missing required field "):
        name = message.split("`")[1]
        path, message = f"{path}.{name}".lstrip("."), "is missing"
    # Below `properties` msgspec writes [...] for names: what it does not know is left out here.
    field = ".".join(p for p in (under, path.partition("[...]")[0]) if p) or "event"
    return BadInput(_plain(field), f"{_reason(message)}.", _way_out(field, message))


def _reason(message: str) -> str:
    # A pattern says nothing to most readers; the way out says the same in words.
    message = "has another form" if "matching regex" in message else message.replace("`", "")
    return message[0].lower() + message[1:]


def _way_out(field: str, message: str) -> str:
    top = field.split(".", maxsplit=1)[0].split("[", maxsplit=1)[0]
    if top == "properties" and "out of range" in message:
        return "Use numbers of 64 bits, or a string."
    return _WAYS_OUT.get(top, "")


def _plain(field: str) -> str:
    """A field's name may come from the caller: printable ASCII only in what we send back."""
    return field.encode("ascii", "backslashreplace").decode()[:200]


def _check_meaning(event: EventInput) -> None:
    if event.type not in DEEDS:
        raise BadInput("type", "is not known.", _WAYS_OUT["type"])
    needs = NEEDS.get(event.type)
    if needs and not any(getattr(event, name) for name in needs):
        raise BadInput(needs[0], f"is missing: {event.type} needs {' or '.join(needs)}.")
    if isinstance(event.time, datetime) and event.time < _EPOCH:
        raise BadInput("time", "is before 1970.", _WAYS_OUT["time"])


def _check_properties(properties: Mapping[str, Any], limits: Limits) -> None:
    for count, (path, depth, value) in enumerate(_walk("properties", properties)):
        if depth > limits.depth:
            raise BadInput(path, "is nested too deeply.", f"Use at most {limits.depth} levels.")
        if count > limits.values:
            raise BadInput("properties", "holds too much.", f"Use at most {limits.values} values.")
        _check_value(path, value, limits)
    if len(msgspec.json.encode(properties)) > limits.size:
        raise BadInput("properties", "are too large.", f"Use at most {limits.size} bytes of JSON.")


def _check_value(path: str, value: object, limits: Limits) -> None:
    if isinstance(value, str) and len(value) > limits.text:
        raise BadInput(path, "is too long.", f"Use at most {limits.text} characters.")
    if isinstance(value, str) and any(c < " " and c not in "\t\n\r" for c in value):
        raise BadInput(path, "holds a control character.", "Remove it.")
    # bool is an int; both fit. Larger integers would not survive other JSON readers, nor our own.
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise BadInput(path, "is too large a number.", "Use 64-bit integers, or a string.")
    if isinstance(value, dict):
        bad = next((k for k in value if not 0 < len(k) <= limits.name or not k.isprintable()), None)
        if bad is not None:
            raise BadInput(
                path, "has a name that cannot be kept.", f"Use 1 to {limits.name} printable ones."
            )


def _walk(path: str, value: object, depth: int = 0) -> Iterator[tuple[str, int, object]]:
    """Every value with its path, parents first, so that a check may stop before the depths."""
    pending = [(path, depth, value)]
    while pending:
        path, depth, value = pending.pop()
        yield _plain(path), depth, value
        if isinstance(value, dict):
            pending += [(f"{path}.{k}", depth + 1, v) for k, v in value.items()]
        elif isinstance(value, list):
            pending += [(f"{path}[{i}]", depth + 1, v) for i, v in enumerate(value)]


def item_of(event: EventInput | Event) -> Item:
    """The catalogue item that an `item` event states. Raises BadInput naming the property."""
    properties = event.properties or {}
    unknown = next((k for k in properties if k not in Item.__struct_fields__ or k == "id"), None)
    if unknown is not None:
        fields = ", ".join(Item.__struct_fields__[1:])
        way_out = f"Use {fields}; your own names go into attributes."
        raise BadInput(_plain(f"properties.{unknown}"), "is not a known field of an item.", way_out)
    try:
        item = msgspec.convert({**properties, "id": event.item}, Item)
    except msgspec.ValidationError as error:
        raise explained(error, "properties") from None
    for name in ("url", "image"):
        if not _is_link(getattr(item, name)):
            way_out = "Use https://…, http://… or a path that starts with one slash."
            raise BadInput(f"properties.{name}", "is not a link that a page may carry.", way_out)
    if item.price is not None and not 0 <= item.price <= 1e12:
        raise BadInput("properties.price", "is out of range.", "Use a number from 0 to 1e12.")
    return item


def _is_link(text: str) -> bool:
    if any(c <= " " for c in text):
        return False
    relative = text.startswith("/") and not text.startswith(("//", "/\\"))
    return not text or relative or text.lower().startswith(("https://", "http://"))


def event_of(event: EventInput, time: int) -> Event:
    """The event as the product keeps it, at `time` (epoch ms, already bounded)."""
    return Event(
        id=event.id,
        type=event.type,
        time=time,
        item=event.item,
        slot=event.slot,
        token=event.token,
        query=event.query,
        lines=tuple(Line(x.item, x.quantity, x.price) for x in event.lines or ()),
        currency=event.currency,
        value=event.value,
        properties=event.properties or {},
    )


def stated_time(event: EventInput) -> int | None:
    """Epoch ms as the client states it, or None."""
    if isinstance(event.time, datetime):
        return (event.time - _EPOCH) // timedelta(milliseconds=1)
    return event.time
