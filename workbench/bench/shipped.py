"""Runs a bench on the numpy and onnxruntime of the Lambda layer instead of this environment's."""

import os
import sys
from collections.abc import Sequence

from workbench import children
from workbench.cloud.built import build
from workbench.cloud.template import load
from workbench.laptop import ROOT


def run(arguments: Sequence[str]) -> int:
    """Run `hemline bench …` in its own process, with the layer first on the path; returns its status."""
    stack = load(ROOT / "template.yaml", region="us-east-1", secret="s" * 32, parameters={})
    built = build(stack, lambda line: print(line, file=sys.stderr))
    path = [str(built["InferenceLayer"] / "python"), str(ROOT)]
    # As in template.yaml: nothing here uses the thread pool that OpenBLAS would start.
    variables = {"PYTHONPATH": os.pathsep.join(path), "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "workbench.cli", "bench", *arguments, "--here"]
    return children.run(command, env={**os.environ, **variables}, check=False).returncode
