"""The published schema of records says what the code writes, consent and identify too."""

import json
from typing import Any

import jsonschema
import pytest

from hemline.model.events.event import (
    LEVEL_OF_EVENT,
    SCHEMA,
    Event,
    OrderLine,
    Record,
    encode_record,
)
from workbench.contracts import schemas
from workbench.contracts.record_schema import record_schema
from workbench.laptop import ROOT

VALIDATOR = jsonschema.Draft202012Validator(record_schema())


def valid(event: Event, subject: str = "v:ann", **fields: Any) -> bool:
    record = Record("demo", subject, 7, event, **fields)
    return bool(VALIDATOR.is_valid(json.loads(encode_record(record))))


@pytest.mark.parametrize("kind", sorted(LEVEL_OF_EVENT))
def test_every_type_that_may_lie_in_the_archive_is_in_it(kind: str) -> None:
    properties: dict[str, dict[str, object]] = {
        "identify": {"visitor": "abc"},
        "consent": {"analytics": True},
    }
    assert valid(Event("e", kind, 1, properties=properties.get(kind, {})))


def test_all_that_a_record_may_say_is_in_it() -> None:
    event = Event("e", "purchase", 1, lines=(OrderLine("p1", 2, 5.0),), currency="EUR", value=10.0)
    said = {"country": "GB", "stated": 3, "flags": ("bot",), "purposes": ("analytics",)}
    assert valid(event, subject="u:ann", **said)
    assert set(record_schema()["$defs"]["Record"]["properties"]) == set(Record.__struct_fields__)


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (Event("e", "invented", 1), {}),
        (Event("e", "identify", 1), {}),
        (Event("e", "identify", 1, properties={"visitor": "a", "linked": True}), {}),
        (Event("e", "consent", 1, properties={"analytics": "yes"}), {}),
        (Event("e", "consent", 1, properties={"everything": True}), {}),
        (Event("e", "view", 1), {"purposes": ("messaging",)}),
        (Event("e", "view", 1), {"subject": "ann"}),
    ],
)
def test_what_no_code_writes_is_not(event: Event, said: dict[str, Any]) -> None:
    assert not valid(event, **said)


def test_it_is_published_with_its_version() -> None:
    assert record_schema()["$id"] == f"urn:hemline:record:{SCHEMA}"
    path = ROOT / "docs/schemas/record.schema.json"
    assert path.read_text() == schemas.DOCUMENTS[path](), "run: hemline schemas"
