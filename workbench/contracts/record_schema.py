"""Generates the JSON Schema of a record: one accepted event as stored on the stream and in the archive.

Comes from the struct that decodes it and from the checks in `model.events.event`.
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
"""Event types that only our own calls make → the schema of their `properties`."""


def record_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of an archive line, and of an event in GET /v1/me."""
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
    # `properties` may hold any JSON value.
    if kind is object:
        return {"description": "any JSON value"}
    raise NotImplementedError


def _made(kind: str, held: dict[str, Any]) -> dict[str, Any]:
    only = {"properties": {"type": {"const": kind}}}
    return {"if": only, "then": {"properties": {"properties": held}, "required": ["properties"]}}
