"""A function's own app.py, loaded as the runtime loads it: with its environment, once a test."""

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools import Metrics

from tests.builders.editions import KEYS, SITE
from tests.harness.clouds import REGION, Cloud

ROOT = Path(__file__).resolve().parents[2]


def event(function: str, scenario: str) -> dict[str, Any]:
    """events/<function>/<scenario>.json."""
    found: dict[str, Any] = json.loads(
        (ROOT / "events" / function / f"{scenario}.json").read_text()
    )
    return found


def load(name: str, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """functions/<name>/app.py as a fresh module; its environment is gone when the test ends.

    Typed Any, since tests replace what the module holds (`deps`, `settings`).
    """
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    # Powertools keeps its dimensions on the class: the site of a test before would be in them.
    for kept in (Metrics._metrics, Metrics._dimensions, Metrics._default_dimensions):
        kept.clear()
    spec = importlib.util.spec_from_file_location(
        f"{name}_app", ROOT / "functions" / name / "app.py"
    )
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


def environment(cloud: Cloud, **names: str) -> dict[str, str]:
    """What template.yaml would set, for this cloud; `names` such as table, stream, bucket."""
    found = {f"HEMLINE_{name.upper()}": value for name, value in names.items()}
    return {
        "HEMLINE_SITE": SITE,
        "HEMLINE_KEYS": KEYS[0].decode(),
        "HEMLINE_READ_TIMEOUT_MS": "5000",
        "AWS_ENDPOINT_URL": cloud.endpoint,
        "AWS_REGION": REGION,
        **found,
    }
