"""What a function imports at start: nothing that its layers in template.yaml do not have."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOT_IN_THE_LAYER = {"numpy", "onnxruntime", "boto3", "pydantic"}
SCRIPT = "import sys, app; print('\\n'.join(sys.modules))"


@pytest.mark.parametrize("name", ["collect", "ingest"])
def test_functions_without_the_inference_layer_do_without_numpy(name: str) -> None:
    environment = {**os.environ, "HEMLINE_KEYS": "a secret that is long enough"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=ROOT / "functions" / name,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    loaded = set(done.stdout.split())
    assert f"hemline.runtime.wire_{name}" in loaded
    assert not loaded & NOT_IN_THE_LAYER
