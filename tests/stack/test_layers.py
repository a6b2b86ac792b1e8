"""What the layers leave out of their packages is nothing that ours asks for."""

import ast
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from workbench import children
from workbench.cloud.built import build
from workbench.cloud.runtime import Home, environment
from workbench.cloud.template import load
from workbench.laptop import ROOT

PACKAGE = ROOT / "layers/hemline/hemline"
ALIASES = {"np": "numpy", "msgspec": "msgspec"}
ASK = """
import importlib, json, sys
gone = []
for dotted in json.load(sys.stdin):
    module, *names = dotted.split(".")
    found = importlib.import_module(module)
    for name in names:
        found = getattr(found, name, None)
    if found is None:
        gone.append(dotted)
print(json.dumps({"gone": gone, "loaded": sorted(sys.modules)}))
"""


def asked() -> Iterator[str]:
    """`numpy.isin`, … as our modules spell them."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                module = ALIASES.get(node.value.id)
                if module:
                    yield f"{module}.{node.attr}"


@pytest.fixture(scope="module")
def variables() -> dict[str, str]:
    """The environment of the fragments function as it would be on AWS, on this machine's Python."""
    stack = load(ROOT / "template.yaml", region="us-east-1", secret="s" * 32, parameters={})
    home = Home(build(stack, lambda _: None), {})
    return environment(stack.functions["FragmentsFunction"], home)


def answer(names: list[str], variables: dict[str, str]) -> dict[str, list[str]]:
    python = getattr(sys, "_base_executable", sys.executable)
    done = children.run(
        [python, "-S", "-c", ASK],
        given=json.dumps(names),
        env=variables,
        capture=True,
        text=True,
        check=True,
        cwd=Path(variables["LAMBDA_TASK_ROOT"]),
    )
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


def test_every_function_that_is_called_is_there(variables: dict[str, str]) -> None:
    names = sorted(set(asked()))
    assert {"numpy.isin", "numpy.bincount", "msgspec.convert"} <= set(names)
    assert answer(names, variables)["gone"] == []


def test_one_that_is_not_there_is_found(variables: dict[str, str]) -> None:
    names = ["numpy.f2py_that_is_left_out", "numpy.isin"]
    assert answer(names, variables)["gone"] == ["numpy.f2py_that_is_left_out"]


def test_what_a_layer_carries_is_as_its_authors_shipped_it(variables: dict[str, str]) -> None:
    """Each file of numpy, msgspec and onnxruntime has the bytes of the installed wheel of the lock."""
    layers = [Path(path) for path in variables["PYTHONPATH"].split(":")]
    installed = Path(np.__file__).parents[1]
    compared = 0
    for layer in layers:
        for package in ("numpy", "msgspec", "onnxruntime"):
            for path in (layer / package).rglob("*.py"):
                assert path.read_bytes() == (installed / path.relative_to(layer)).read_bytes(), path
                compared += 1
    assert compared > 100


def test_a_start_loads_nothing_that_it_has_no_use_for(variables: dict[str, str]) -> None:
    loaded = set(
        answer(["onnxruntime.InferenceSession", "numpy.isin", "msgspec.convert"], variables)[
            "loaded"
        ]
    )
    needless = {
        "boto3",
        "botocore",
        "pydantic",
        "typing_extensions",
        "html",
        "numpy.testing",
        "sympy",
    }
    assert not loaded & needless


PROOFS = (
    "decide/ranking/test_features",
    "learn/statistics/test_statistics",
    "learn/statistics/test_cold_items",
    "decide/rules/test_rules",
    "decide/test_page",
    "decide/test_whole_page",
    "decide/ranking/test_page_caps",
    "decide/ranking/test_diversity",
    "usecases/publishing/test_cold_start",
    "usecases/publishing/test_publish_edition",
    "usecases/publishing/test_publish_ranker",
    "usecases/serving/test_decide_page",
    "decide/test_brake",
    "decide/ranking/test_spacing",
)
"""Tests of what learns, publishes and decides."""


def test_what_decides_does_the_same_on_what_a_layer_carries(variables: dict[str, str]) -> None:
    layer = next(path for path in variables["PYTHONPATH"].split(":") if "InferenceLayer" in path)
    files = [f"tests/unit/{name}.py" for name in PROOFS]
    done = children.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files],
        env={**os.environ, "PYTHONPATH": layer},
        capture=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stdout[-3000:]
