"""Each folder of the package imports only what stands below it, and pure code stays pure."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "layers/hemline/hemline"

BELOW = {
    "model": set(),
    "learn": {"model"},
    "decide": {"model", "learn"},
    "sitefile": {"model", "learn", "decide"},
    "usecases": {"model", "learn", "decide", "sitefile"},
    "adapters": {"model", "learn", "decide", "usecases"},
    "runtime": {"model", "learn", "decide", "sitefile", "usecases", "adapters"},
}
# Adapters import `usecases.ports` alone: the shapes that they implement.
PURE = {"model", "learn", "decide"}
MODEL_MAY = {"msgspec"}
PURE_MAY = MODEL_MAY | {"numpy"}
IMPURE_STDLIB = {
    "time",
    "random",
    "secrets",
    "os",
    "uuid",
    "socket",
    "datetime.datetime.now",
    "threading",
}


def imports(source: str) -> list[str]:
    found: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide the arrows"
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


def faults(folder: str, source: str) -> list[str]:
    wrong: list[str] = []
    for name in imports(source):
        top, *rest = name.split(".")
        if top == "hemline":
            target = rest[0] if rest else ""
            ok = target == folder or target in BELOW[folder]
            if folder == "adapters" and target == "usecases":
                ok = rest[1:2] == ["ports"] or rest == ["usecases", "ports"]
            if not ok:
                wrong.append(name)
        elif folder in PURE:
            allowed = MODEL_MAY if folder == "model" else PURE_MAY
            if top not in sys.stdlib_module_names and top not in allowed:
                wrong.append(name)
            if top in IMPURE_STDLIB or name in IMPURE_STDLIB:
                wrong.append(name)
        elif folder == "usecases" and top in {"boto3", "botocore", "urllib3", "onnxruntime"}:
            wrong.append(name)
    return wrong


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.glob("*/**/*.py")), ids=lambda p: str(p.relative_to(PACKAGE))
)
def test_module_imports_only_what_stands_below_it(path: Path) -> None:
    assert not faults(path.relative_to(PACKAGE).parts[0], path.read_text())


@pytest.mark.parametrize(
    ("folder", "line"),
    [
        ("model", "import numpy"),
        ("decide", "import time"),
        ("learn", "from os import environ"),
        ("decide", "from hemline.adapters import dynamodb"),
        ("usecases", "import boto3"),
        ("adapters", "from hemline.usecases.serving.decide_page import decide_page"),
    ],
)
def test_the_check_catches_a_wrong_arrow(folder: str, line: str) -> None:
    assert faults(folder, line)
