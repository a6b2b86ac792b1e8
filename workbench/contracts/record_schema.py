"""The published schema of a record: one accepted event as the stream and the archive hold it.

Made from the struct that the code decodes with, and from what it checks beside (`model.events.event`).
"""

from typing import Any

import msgspec

from hemline.model.consent import DEFAULTS, Purpose
from hemline.model.events.event import LEVEL_OF_EVENT, SCHEMA, Record

_CHOICES: dict[str, Any] = {p.value: {"type": "boolean"} for p in Purpose}
_MADE_BY_CALLS: dict[str, Any] = {
    "consent": {
        "description": "PUT /v1/me/consent: what was chosen, purpose by purpose.",
        "properties": _CHOICES,
        "minProperties": 1,
        "additionalProperties": False,
    },
    "identify": {
        "description": "POST /v1/identify, or a link that was taken back (linked: false).",
        "properties": {
            "visitor": {"type": "string", "description": "a hash of the visitor's id"},
            "linked": {"const": False},
        },
        "required": ["visitor"],
        "additionalProperties": False,
    },
}
"""Types that no caller sends → what their `properties` hold."""


def record_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a line of the archive, and of an event of GET /v1/me."""
    schema = msgspec.json.schema(Record, schema_hook=_anything)
    made = schema["$defs"]
    made["Event"]["properties"]["type"]["enum"] = sorted(LEVEL_OF_EVENT)
    made["Event"]["allOf"] = [_made(kind, held) for kind, held in _MADE_BY_CALLS.items()]
    record = made["Record"]["properties"]
    record["subject"]["pattern"] = r"^[vui]:[\x21-\x7e]{1,128}$"
    record["purposes"]["items"]["enum"] = [purpose.value for purpose in DEFAULTS]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:hemline:record:{SCHEMA}",
        "title": "An accepted event, as stream and archive hold it",
        **schema,
    }


def _anything(kind: type) -> dict[str, Any]:
    # Members of `properties` are whatever JSON says.
    if kind is object:
        return {"description": "any JSON value"}
    raise NotImplementedError


def _made(kind: str, held: dict[str, Any]) -> dict[str, Any]:
    only = {"properties": {"type": {"const": kind}}}
    return {"if": only, "then": {"properties": {"properties": held}, "required": ["properties"]}}
