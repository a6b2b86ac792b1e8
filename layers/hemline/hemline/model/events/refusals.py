"""Error texts for rejected events: what to do about each field.

Knows nothing of how events are decoded.
"""

from collections.abc import Mapping

import msgspec

from hemline.model.errors import BadInput
from hemline.model.events.event import LEVEL_OF_EVENT
from hemline.model.input.refusals import Refusals
from hemline.model.input.times import WAY_OUT

ALIASES = {"impression": "exposure"}
"""Accepted alternative name of a type → ours."""
ACCOUNT_CALLS = {"consent": "PUT /v1/me/consent", "identify": "POST /v1/identify"}
"""Types that only an account call may make, because it authenticates the caller → that call."""
SENT_TYPES = sorted((LEVEL_OF_EVENT.keys() | ALIASES.keys()) - ACCOUNT_CALLS.keys())

_PRINTABLE = "Use 1 to 128 printable ASCII characters without spaces."
_YES = "Use true or false."
_LINK = "Use https://…, http://… or a path that starts with one slash."
WAYS_OUT: Mapping[str, str] = {
    "id": "Use 1 to 128 printable ASCII characters without spaces, such as a UUID, and send the same"
    " id when you send the event again.",
    "type": f"Use one of {', '.join(SENT_TYPES)}; your own kinds are custom, with the name in"
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
    "lines.item": _PRINTABLE,
    "lines.quantity": "Use a whole number from 1 to 1000000.",
    "lines.price": "Use a number from 0 to 1e12: the price of one.",
    "currency": "Use three capital letters, such as EUR.",
    "value": "Use a number from -1e12 to 1e12.",
    "country": "Use two capital letters, such as GB.",
    "purposes": "Use an object of analytics and personalisation, each true or false.",
    "purposes.analytics": _YES,
    "purposes.personalisation": _YES,
    "device": "Use 1 to 16 lower-case letters, such as mobile.",
    "properties": "Use an object of at most 50 members.",
    "properties.kind": "Use a text, such as product or article.",
    "properties.title": "Use a text: the name that visitors read.",
    "properties.url": _LINK,
    "properties.image": _LINK,
    "properties.price": "Use a number from 0 to 1e12, without a currency.",
    "properties.currency": "Use a text of three capital letters, such as EUR.",
    "properties.categories": 'Use a list of texts, such as ["Home", "Lamps"], the most general first.',
    "properties.tags": 'Use a list of texts, such as ["wool", "winter"].',
    "properties.attributes": "Use an object of names with a text, a number, true or false each.",
    "properties.stock": "Use a whole number, or leave it out where it is unknown.",
    "properties.published_at": WAY_OUT,
}
"""Field, without list indices → what to do about it."""
_REFUSALS = Refusals(
    "event",
    {"": "Send one JSON object for each event.", **WAYS_OUT},
    {
        "": "Known fields are id, type, time, item, slot, token, query, lines, currency, value,"
        " message, duration, properties.",
        "lines": "A line has item, quantity and price.",
        "purposes": "There are analytics and personalisation.",
    },
)


def as_bad_input(error: msgspec.ValidationError, under: str = "") -> BadInput:
    """The error of msgspec as a BadInput with the field and the way out."""
    found = _REFUSALS.of(error, under)
    if found.field == "properties" and "out of range" in found.reason:
        return BadInput(found.field, found.reason, "Use numbers of 64 bits, or a string.")
    return found
