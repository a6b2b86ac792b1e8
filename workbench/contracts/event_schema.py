"""Generates the JSON Schema of an event of POST /v1/events from the struct that decodes it."""

from typing import Any

import msgspec

from hemline.model.events.event import SCHEMA
from hemline.model.events.schema import NEEDS, VALUES, EventInput

DIALECT = "https://json-schema.org/draft/2020-12/schema"
"""The version of JSON Schema that every published schema is written in."""


def event_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of one event of POST /v1/events, with the fields that each type requires."""
    schema = msgspec.json.schema(EventInput)
    needs = [_need(kind, fields) for kind, groups in sorted(NEEDS.items()) for fields in groups]
    return {
        "$schema": DIALECT,
        "$id": f"urn:hemline:event:{SCHEMA}",
        "title": "An event of POST /v1/events",
        **schema,
        "allOf": [*needs, *(_value(kind, *bounds) for kind, bounds in sorted(VALUES.items()))],
    }


def _need(kind: str, fields: tuple[str, ...]) -> dict[str, Any]:
    # A null field or an empty list counts as missing, as it does in the code.
    stated = [{"required": [name], "properties": {name: _stated(name)}} for name in fields]
    return {"if": {"properties": {"type": {"const": kind}}}, "then": {"anyOf": stated}}


def _stated(name: str) -> dict[str, Any]:
    stated: dict[str, Any] = {"not": {"type": "null"}}
    if name == "lines":
        return {**stated, "minItems": 1}
    return {**stated, "minLength": 1} if name == "query" else stated


def _value(kind: str, least: float, most: float) -> dict[str, Any]:
    bounds = {"value": {"minimum": least, "maximum": most}}
    return {"if": {"properties": {"type": {"const": kind}}}, "then": {"properties": bounds}}
