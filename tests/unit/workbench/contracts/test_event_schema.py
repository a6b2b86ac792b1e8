"""The published schema says what the code takes, and docs/events.md says what the schema has."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from typer.testing import CliRunner

from hemline.model.errors import BadInput
from hemline.model.events.body import Faulty, split
from hemline.model.events.event import LEVEL_OF_EVENT, SCHEMA
from hemline.model.events.refusals import SENT_TYPES
from hemline.model.events.schema import EventInput, parse_event
from workbench import cli
from workbench.contracts import schemas
from workbench.contracts.event_schema import event_schema

ROOT = Path(__file__).resolve().parents[4]
DOC = (ROOT / "docs/events.md").read_text()
VALIDATOR = jsonschema.Draft202012Validator(event_schema())


def test_the_published_schema_is_what_the_code_says() -> None:
    published = (ROOT / "docs/schemas/event.schema.json").read_text()
    assert published == schemas.event_text(), "run: hemline schemas"
    VALIDATOR.check_schema(json.loads(published))


def test_the_published_schema_says_its_version() -> None:
    assert event_schema()["$id"] == f"urn:hemline:event:{SCHEMA}"
    assert f"**Version {SCHEMA}.**" in DOC


def test_the_command_checks_and_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "docs" / "x.json"
    monkeypatch.setattr(schemas, "ROOT", tmp_path)
    monkeypatch.setattr(schemas, "DOCUMENTS", {path: lambda: "text\n"})
    run = CliRunner()
    assert run.invoke(cli.build(), ["schemas", "--check"]).exit_code == 1
    assert not path.exists()
    assert run.invoke(cli.build(), ["schemas"]).exit_code == 0
    assert path.read_text() == "text\n"
    assert run.invoke(cli.build(), ["schemas", "--check"]).exit_code == 0


EVENTS: list[dict[str, Any]] = [
    {"id": "a", "type": "view", "item": "p"},
    {"id": "a", "type": "view", "item": None},
    {"id": "a", "type": "view", "lines": [{"item": "p", "quantity": 2, "price": 1}]},
    {"id": "a", "type": "view"},
    {"id": "a", "type": "page"},
    {"id": "a", "type": "buy", "item": "p"},
    {"id": "a b", "type": "page"},
    {"id": "a\n", "type": "page"},
    {"id": 5, "type": "page"},
    {"type": "page"},
    {"id": "a", "type": "page", "extra": 1},
    {"id": "a", "type": "search", "query": "a\tb"},
    {"id": "a", "type": "search", "query": "é" * 1000},
    {"id": "a", "type": "search", "query": "é" * 1001},
    {"id": "a", "type": "page", "time": -1},
    {"id": "a", "type": "page", "time": 1.5},
    {"id": "a", "type": "page", "time": "2026-01-01T00:00:00Z"},
    {"id": "a", "type": "page", "currency": "eur"},
    {"id": "a", "type": "page", "value": None, "properties": {"a": [1, {"b": "x"}]}},
    {"id": "a", "type": "page", "lines": [{"item": "p", "quantity": 0}]},
    {"id": "a", "type": "page", "lines": [{"item": "p", "sku": "x"}]},
    {"id": "a", "type": "view", "lines": []},
    {"id": "a", "type": "search", "query": ""},
    {"id": "a", "type": "impression", "item": "p"},
    {"id": "a", "type": "impression"},
    {"id": "a", "type": "consent"},
    {"id": "a", "type": "identify", "item": "p"},
    {"id": "a", "type": "rate", "item": "p"},
    {"id": "a", "type": "rate", "item": "p", "value": None},
    {"id": "a", "type": "rate", "item": "p", "value": 0},
    {"id": "a", "type": "rate", "item": "p", "value": 10.5},
    {"id": "a", "type": "page", "value": -3},
    {"id": "a", "type": "purchase", "item": "p", "value": -3},
    {"id": "a", "type": "dwell", "duration": 0},
    {"id": "a", "type": "dwell", "duration": 86_400_001},
    {"id": "a", "type": "dwell"},
    {"id": "a", "type": "message_clicked", "item": "p"},
    {"id": "a", "type": "message_opened", "message": "m"},
    {"id": "a", "type": "app_open"},
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda e: json.dumps(e)[:60])
def test_schema_and_code_agree(event: dict[str, Any]) -> None:
    try:
        parse_event(json.dumps(event).encode())
        taken = True
    except BadInput:
        taken = False
    assert VALIDATOR.is_valid(event) == taken


def test_the_guide_names_every_field_type_and_reason() -> None:
    for field in EventInput.__struct_fields__:
        assert f"`{field}`" in DOC
    for kind in (*LEVEL_OF_EVENT, *SENT_TYPES):
        assert f"`{kind}`" in DOC
    for reason in ("no_consent", "not_durable"):
        assert f"`{reason}`" in DOC


def test_the_examples_of_the_guide_are_taken() -> None:
    examples = re.findall(r"```json\n(\{.*?)```", DOC, re.DOTALL)
    bodies = [text for text in examples if '"accepted"' not in text and '"detail"' not in text]
    assert len(bodies) >= 2
    for text in bodies:
        for raw in split(text.encode()):
            assert not isinstance(raw, Faulty)
            parse_event(raw)
