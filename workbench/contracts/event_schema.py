"""The published schema of an event of POST /v1/events, made from the struct that the code decodes with."""

from typing import Any

import msgspec

from hemline.model.events.event import SCHEMA
from hemline.model.events.schema import NEEDS, VALUES, EventInput

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def event_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of one event of POST /v1/events, with what each type needs."""
    schema = msgspec.json.schema(EventInput)
    needs = [_need(kind, fields) for kind, groups in sorted(NEEDS.items()) for fields in groups]
    return {
        "$schema": _DIALECT,
        "$id": f"urn:hemline:event:{SCHEMA}",
        "title": "An event of POST /v1/events",
        **schema,
        "allOf": [*needs, *(_value(kind, *bounds) for kind, bounds in sorted(VALUES.items()))],
    }


def _need(kind: str, fields: tuple[str, ...]) -> dict[str, Any]:
    # A field that is null is as good as left out, so it does not count; nor does an empty list.
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
