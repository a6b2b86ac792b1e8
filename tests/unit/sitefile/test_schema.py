"""The published schema of the site file takes what the code takes, and shows an editor what it does not."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from hemline.sitefile.reader import check
from workbench.contracts import schemas

ROOT = Path(__file__).resolve().parents[3]
VALIDATOR = jsonschema.Draft202012Validator(schemas.site_schema())
DEMO = (ROOT / "workbench/demo/site.yaml").read_text()
EXAMPLES = [
    DEMO,
    *re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/site-file.md").read_text(), re.DOTALL),
]


def faults(text: str) -> list[str]:
    return [error.message for error in VALIDATOR.iter_errors(yaml.safe_load(text))]


def test_the_published_schema_is_what_the_code_says() -> None:
    published = (ROOT / "docs/schemas/site.schema.json").read_text()
    assert published == schemas.site_text(), "run: hemline schemas"
    VALIDATOR.check_schema(json.loads(published))


def test_every_definition_is_named_and_found() -> None:
    schema = schemas.site_schema()
    named = set(re.findall(r"#/\$defs/(\w+)", json.dumps(schema)))
    assert named == set(schema["$defs"])
    assert not any(name.startswith("_") for name in named)


@pytest.mark.parametrize("text", EXAMPLES)
def test_a_file_that_the_code_takes_is_valid(text: str) -> None:
    if check(text).site is not None:  # the guide shows parts of files too
        assert faults(text) == []


def _with(**fields: Any) -> str:
    document = {
        "title": "T",
        "currency": "EUR",
        "consent_default": True,
        "slots": [{"name": "row"}],
    }
    return yaml.safe_dump(document | fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"colour": "blue"},
        {"currency": "eur"},
        {"slots": []},
        {"slots": [{"name": "row", "limt": 3}]},
        {"slots": [{"name": "row", "limit": 1000}]},
        {"slots": [{"name": "row", "kind": "carousel"}]},
        {"rules": [{"name": "r", "action": "hide"}]},
        {"rules": [{"name": "r", "action": "block"}]},
        {
            "rules": [
                {"name": "r", "action": "cap", "when": [{"fact": "trait.contry", "value": "GB"}]}
            ]
        },
        {
            "rules": [
                {"name": "r", "action": "cap", "when": [{"fact": "trait.country", "op": "is"}]}
            ]
        },
        {"segments": [{"name": "s", "when": []}]},
    ],
)
def test_schema_and_code_refuse_the_same(fields: dict[str, Any]) -> None:
    assert faults(_with()) == []
    assert check(_with()).site is not None
    assert faults(_with(**fields)) != []
    assert check(_with(**fields)).site is None
