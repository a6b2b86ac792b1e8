"""Splits a request's body into raw events, so that one bad event never rejects the others.

msgspec splits the body without decoding the events. A body that it cannot split (NaN, or a lone
surrogate, which browsers send when a text is cut inside an emoji) or that has a duplicate key is read
again with the slower and more lenient reader of the standard library, to find the event and the field
at fault.
"""

import json
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from hemline.model.errors import BadInput, TooLarge
from hemline.model.ids import is_id
from hemline.model.input.json_input import (
    DuplicatedObject,
    duplicate_key,
    duplicate_key_error,
    mark_duplicates,
)
from hemline.model.input.text import without_bom

MOST_EVENTS = 500
MOST_BYTES = 256 * 1024


class Faulty(NamedTuple):
    """An event that is no valid JSON: the error, and the event's id if it has a valid one."""

    error: BadInput
    id: str | None = None


RawEvent = bytes | msgspec.Raw | Faulty
"""One event as JSON, or its error."""


_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_list = msgspec.json.Decoder(list[msgspec.Raw])
_text = msgspec.json.Decoder(str)


def split(body: bytes) -> Sequence[RawEvent]:
    """`{"events": [...]}` or one event alone → raw events. Raises BadInput, TooLarge."""
    if len(body) > MOST_BYTES:
        raise TooLarge("body", "is larger than 256 kB.", "Send the events in several calls.")
    body = without_bom(body)
    try:
        events = _cut(body)
        twice = duplicate_key(body)
        if twice:
            events = _cut_slowly(body, twice)
    except RecursionError:
        raise BadInput("body", "is nested too deeply.", "Use at most 4 levels.") from None
    except msgspec.ValidationError as error:
        raise BadInput(*_shape(error), 'Send {"events": [ … ]} or one event.') from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        events = _cut_slowly(body, error)
    if len(events) > MOST_EVENTS:
        raise TooLarge("events", f"has more than {MOST_EVENTS}.", "Send them in several calls.")
    return events


def _cut(body: bytes) -> Sequence[RawEvent]:
    members = _members.decode(body)
    if "events" not in members:
        return [body]
    _only_events(members)
    return _list.decode(members["events"])


def _only_events(members: dict[str, Any]) -> None:
    # Ignoring the member in `{"events": …, "visitor": …}` would let a caller believe that we used it.
    if len(members) > 1:
        other = next(name for name in members if name != "events")
        field = other.encode("ascii", "backslashreplace").decode()[:64]
        raise BadInput(field, "does not belong beside events.", "Put it into each event.")


def _shape(error: msgspec.ValidationError) -> tuple[str, str]:
    message = str(error).partition(" - at")[0]
    field = "events" if "array" in message.partition(",")[0] else "body"
    return field, f"has the wrong shape ({message[0].lower()}{message[1:]})."


def _cut_slowly(body: bytes, error: Exception) -> Sequence[RawEvent]:
    not_json = BadInput("body", f"is not JSON ({error}).", "Send JSON in UTF-8.")
    try:
        document = json.loads(
            body.decode("utf-8", "surrogatepass"), object_pairs_hook=mark_duplicates
        )
    except (ValueError, RecursionError):
        raise not_json from None
    if not isinstance(document, dict):
        raise not_json
    if isinstance(document, DuplicatedObject) and "events" in document:
        # It is unclear which events were meant. The call is refused whole, so that none is lost.
        raise duplicate_key_error(document.key)
    if "events" not in document:
        return [_checked(document)]
    _only_events(document)
    if not isinstance(document["events"], list):
        raise BadInput("events", "is not an array.", 'Send {"events": [ … ]}.')
    return [_checked(event) for event in document["events"]]


def _checked(event: object) -> RawEvent:
    try:
        found = _unsayable("", event)
    except RecursionError:
        return Faulty(BadInput("event", "is nested too deeply.", "Use at most 4 levels."))
    if not found:
        return json.dumps(event).encode()
    name = event.get("id") if isinstance(event, dict) and found.field != "id" else None
    return Faulty(found, name if isinstance(name, str) and is_id(name) else None)


def _unsayable(path: str, value: object) -> BadInput | None:
    """The first value that is not valid in JSON and UTF-8, or the first duplicate key, with its path."""
    field = (path.lstrip(".") or "event").encode("ascii", "backslashreplace").decode()[:200]
    if isinstance(value, float) and not math.isfinite(value):
        return BadInput(field, "is not a finite number.", "Leave it out, or send null.")
    if isinstance(value, str) and not _is_text(value):
        return BadInput(field, "holds half of a surrogate pair.", "Cut texts between characters.")
    if isinstance(value, DuplicatedObject):
        return duplicate_key_error(f"{path}.{value.key}".lstrip("."))
    parts: list[tuple[str, object]] = []
    if isinstance(value, dict):
        parts = [(f"{path}.{name}", name) for name in value]
        parts += [(f"{path}.{name}", part) for name, part in value.items()]
    elif isinstance(value, list):
        parts = [(f"{path}[{i}]", part) for i, part in enumerate(value)]
    return next((f for name, part in parts if (f := _unsayable(name, part))), None)


def _is_text(value: str) -> bool:
    return not any("\ud800" <= c <= "\udfff" for c in value)


def diagnose(raw: bytes | msgspec.Raw, fallback: BadInput) -> BadInput:
    """The field at fault in one event that is no valid JSON; `fallback` when none can be named."""
    try:
        event = json.loads(bytes(raw).decode("utf-8", "surrogatepass"))
        return _unsayable("", event) or fallback
    except (ValueError, RecursionError):
        return fallback


def id_of(raw: RawEvent) -> str | None:
    """The id of a rejected event, when it is valid and can be returned."""
    if isinstance(raw, Faulty):
        return raw.id
    try:
        found = _text.decode(_members.decode(raw)["id"])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError):
        return None
    return found if is_id(found) else None
