"""Every refusal names its field and the way out of that field, and of no other."""

import ast
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hemline.model.errors import BadInput
from hemline.model.events.refusals import _REFUSALS, WAYS_OUT
from hemline.model.events.schema import (
    EventInput,
    LineInput,
    PurposesInput,
    item_of,
    parse_event,
)
from hemline.model.input.refusals import bare
from hemline.model.item import Item
from hemline.runtime.account.request import choices_of
from hemline.runtime.fragments.page_input import PageInput
from hemline.runtime.fragments.refusals import BODY
from hemline.runtime.fragments.request import (
    MOST_ITEMS,
    MOST_SLOTS,
    PageBody,
    SlotInput,
    page_request_of,
)
from hemline.runtime.publish.wiring import _REFUSALS as COMMAND
from hemline.runtime.publish.wiring import Command, command_of
from tests.unit.runtime.fragments.test_fragments_http import asked
from workbench.laptop import ROOT

EVENT = {"id": "e", "type": "purchase", "item": "i1", "value": 1}
WORDS = {
    "id": "ASCII", "type": "purchase", "time": "RFC 3339", "item": "ASCII", "slot": "ASCII",
    "token": "token", "query": "characters", "lines": "objects", "lines.item": "ASCII",
    "lines.quantity": "whole number", "lines.price": "number", "currency": "EUR",
    "value": "number", "message": "ASCII", "duration": "milliseconds", "properties": "object",
    "visitor": "ASCII", "user": "ASCII", "country": "GB", "device": "lower-case",
    "purposes": "object", "purposes.analytics": "true or false",
    "purposes.personalisation": "true or false",
    "properties.kind": "text", "properties.title": "text", "properties.url": "https://",
    "properties.image": "https://", "properties.price": "number", "properties.currency": "EUR",
    "properties.categories": "list", "properties.tags": "list", "properties.stock": "whole number",
    "properties.attributes": "object", "properties.published_at": "milliseconds",
}  # fmt: skip
"""Field of an event → what its way out must speak of."""
WRONG = {"lines": 7, "purposes": 7, "properties": 7}
"""Field → a value of the wrong type, where `[True]` is none."""


def fields(kind: type[msgspec.Struct], under: str = "") -> Iterator[str]:
    for name in kind.__struct_fields__:
        if not (kind is Item and name == "id"):
            yield f"{under}{name}"


ALL = [
    *fields(EventInput),
    *fields(LineInput, "lines."),
    *fields(PurposesInput, "purposes."),
    *fields(Item, "properties."),
]


def refused(event: Mapping[str, Any]) -> BadInput:
    with pytest.raises(BadInput) as found:
        item_of(parse_event(json.dumps(event).encode()))
    return found.value


def wrong(field: str) -> dict[str, Any]:
    """An event that is wrong in one field alone."""
    first, _, name = field.partition(".")
    if not name:
        return EVENT | {first: WRONG.get(first, [True])}
    if first == "lines":
        return EVENT | {"lines": [{"item": "i1"}, {"item": "i1", name: [True]}]}
    kind = "item" if first == "properties" else "view"
    return EVENT | {"type": kind, first: {name: [[True]]}}


@pytest.mark.parametrize("field", ALL)
def test_a_field_of_an_event_or_an_item_has_its_own_way_out(field: str) -> None:
    error = refused(wrong(field))
    assert bare(error.field) in {field, f"{field}."}
    assert WORDS[field] in error.way_out
    assert error.way_out == WAYS_OUT[field]


def test_the_table_has_every_field_and_no_other() -> None:
    assert set(WAYS_OUT) == set(ALL) == set(WORDS)


@pytest.mark.parametrize(
    ("properties", "field", "word"),
    [
        ({"title": 5}, "properties.title", "a text"),
        ({"title": "a", "categories": [1]}, "properties.categories[0]", "list of texts"),
        ({"title": "a", "published_at": "soon"}, "properties.published_at", "milliseconds"),
        ({"title": "a", "kind": 7}, "properties.kind", "product"),
        ({"title": "a", "stock": 3.5}, "properties.stock", "whole number"),
        ({"title": "a", "attributes": {"colour": ["red"]}}, "properties.attributes", "a number"),
        ({"price": -1}, "properties.price", "from 0"),
        ({"url": "javascript:x"}, "properties.url", "https://"),
        ({"colour": "red"}, "properties.colour", "go into attributes"),
    ],
)
def test_an_item_that_an_importer_reads_is_told_its_own_way_out(
    properties: dict[str, Any], field: str, word: str
) -> None:
    error = refused({"id": "e", "type": "item", "item": "w-1", "properties": properties})
    assert error.field == field
    assert word in error.way_out
    assert "at most 50 members" not in error.way_out  # what was told of every one of them


@pytest.mark.parametrize(
    ("event", "field", "members"),
    [
        (EVENT | {"itm": 1}, "itm", EventInput),
        (EVENT | {"lines": [{"item": "a", "sku": 1}]}, "lines[0].sku", LineInput),
        (EVENT | {"purposes": {"all": True}}, "purposes.all", PurposesInput),
    ],
)
def test_an_unknown_name_is_told_those_of_its_object(
    event: dict[str, Any], field: str, members: type[msgspec.Struct]
) -> None:
    error = refused(event)
    assert error.field == field
    known = [name for name in members.__struct_fields__ if name not in _SIGNED]
    assert all(re.search(rf"\b{name}\b", error.way_out) for name in known)


_SIGNED = ("visitor", "user", "country", "device", "purposes")


@pytest.mark.parametrize("kind", sorted(_REFUSALS.members))
def test_names_that_are_told_are_those_that_there_are(kind: str) -> None:
    struct = {"": EventInput, "lines": LineInput, "purposes": PurposesInput}[kind]
    for name in struct.__struct_fields__:
        assert (name in _REFUSALS.members[kind]) == (name not in _SIGNED or bool(kind))


BODIES = [*fields(PageBody), *fields(SlotInput, "slots."), *fields(PageInput, "page.")]
BODY_WORDS = {
    "slots": f"1 to {MOST_SLOTS}", "page": "object", "format": "email", "slots.name": "name",
    "slots.limit": f"1 to {MOST_ITEMS}", "slots.after": "cursor",
    **{f"slots.{name}": "ids" for name in ("candidates", "exclude")},
    **{f"page.{name}": "ids" for name in ("cart", "owned", "seen")},
    **{f"page.{n}": "text" for n in ("type", "url", "item", "category", "referrer", "app_version")},
}  # fmt: skip


@pytest.mark.parametrize("field", BODIES)
def test_a_field_of_a_page_has_its_own_way_out(field: str) -> None:
    first, _, name = field.partition(".")
    good: dict[str, Any] = {"slots": [{"name": "a"}], "page": {}}
    if not name:
        good[first] = True
    elif first == "slots":
        good["slots"] = [{"name": "a", name: True}]
    else:
        good["page"] = {name: True}
    with pytest.raises(BadInput) as found:
        page_request_of(asked("POST", json.dumps(good)))
    assert bare(found.value.field) == field
    assert BODY_WORDS[field] in found.value.way_out == BODY.ways_out[field]


@pytest.mark.parametrize(
    ("name", "kind"), [("", PageBody), ("slots", SlotInput), ("page", PageInput)]
)
def test_an_unknown_name_of_a_page_is_told_those_of_its_object(
    name: str, kind: type[msgspec.Struct]
) -> None:
    body: dict[str, Any] = {"slots": [{"name": "a"}], "page": {}}
    at = body if not name else body["slots"][0] if name == "slots" else body["page"]
    at["nmae"] = 1
    with pytest.raises(BadInput) as found:
        page_request_of(asked("POST", json.dumps(body)))
    assert bare(found.value.field) == f"{name}.nmae".lstrip(".")
    assert all(field in found.value.way_out for field in kind.__struct_fields__)


def test_the_bodys_table_has_every_field_and_no_other() -> None:
    assert {name for name in BODY.ways_out if name} == set(BODIES) == set(BODY_WORDS)


@pytest.mark.parametrize("field", Command.__struct_fields__)
def test_a_field_of_a_command_has_its_own_way_out(field: str) -> None:
    with pytest.raises(BadInput) as found:
        command_of({"site": "shop", field: [1]}, "shop")
    assert (found.value.field, found.value.way_out) == (field, COMMAND.ways_out[field])


@pytest.mark.parametrize(
    ("body", "field", "word"),
    [
        ("{", "body", "purposes"),
        ("[]", "body", "purposes"),
        ("{}", "purposes", "purposes"),
        ('{"purposes":{}}', "purposes", "purposes"),
        ('{"purposes":7}', "purposes", "purposes"),
        ('{"purposes":{"personalisation":null}}', "purposes.personalisation", "true or false"),
        ('{"purposes":{"personalisation":1}}', "purposes.personalisation", "true or false"),
        ('{"purposes":{"all":true}}', "purposes.all", "The purposes are"),
        ('{"purpose":{}}', "purpose", "purposes"),
    ],
)
def test_a_choice_that_cannot_be_read_is_told_its_own_way_out(
    body: str, field: str, word: str
) -> None:
    with pytest.raises(BadInput) as found:
        choices_of(asked("PUT", body))
    wanted = {field, "purposes"} if body in {"{}", '{"purpose":{}}'} else {field}
    assert found.value.field in wanted
    assert word in found.value.way_out


_KINDS = {"BadInput", "TooLarge", "Encoded", "UnknownSlot"}
_ELSEWHERE = {"workbench/importers/reading.py", "workbench/publish/reading.py"}
"""Of rows of a file: what is wrong comes with the way out in one sentence."""


def refusals() -> Iterator[tuple[str, ast.Call]]:
    """Every place in the code that refuses a caller's input."""
    for folder in ("layers/hemline", "functions", "workbench"):
        for path in sorted(Path(ROOT / folder).rglob("*.py")):
            name = str(path.relative_to(ROOT))
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") in _KINDS:
                    yield name, node


def test_no_refusal_is_without_a_way_out() -> None:
    every = [(name, call) for name, call in refusals() if name not in _ELSEWHERE]
    assert len(every) > 60
    bare_ones = [f"{name}:{call.lineno}" for name, call in every if not _has_way_out(call)]
    assert not bare_ones


def _has_way_out(call: ast.Call) -> bool:
    starred = any(isinstance(argument, ast.Starred) for argument in call.args)
    return starred or (len(call.args) > 2 and ast.unparse(call.args[2]) not in {"''", '""'})


def test_that_test_can_fail() -> None:
    (call,) = (
        n for n in ast.walk(ast.parse("BadInput('a', 'is wrong.')")) if isinstance(n, ast.Call)
    )
    assert not _has_way_out(call)
