"""What a function imports at start: nothing that its layers in template.yaml do not have."""

import os
import sys
from pathlib import Path

import pytest

from workbench import children

ROOT = Path(__file__).resolve().parents[2]
NOT_IN_THE_LAYER = {"numpy", "onnxruntime", "boto3", "pydantic", "yaml", "aws_lambda_powertools"}
SCRIPT = "import sys, app; print('\\n'.join(sys.modules))"


def carried(name: str) -> set[str]:
    """What the function's own folder brings, as its modules are called."""
    wanted = ROOT / "functions" / name / "requirements.in"
    lines = wanted.read_text().splitlines() if wanted.exists() else []
    return {line.replace("-", "_") for line in lines if not line.startswith("#")}


@pytest.mark.parametrize("name", ["account", "collect", "ingest", "sweep"])
def test_a_function_imports_nothing_that_neither_its_layer_nor_its_folder_has(name: str) -> None:
    environment = {**os.environ, "HEMLINE_KEYS": "a secret that is long enough"}
    done = children.run(
        [sys.executable, "-c", SCRIPT],
        cwd=ROOT / "functions" / name,
        env=environment,
        capture=True,
        text=True,
        timeout=60,
        check=True,
    )
    loaded = set(done.stdout.split())
    assert f"hemline.runtime.{name}.wiring" in loaded
    assert loaded & NOT_IN_THE_LAYER <= carried(name)
