"""A bench on numpy and onnxruntime as a Lambda carries them: trimmed, and so a little faster than here."""

import os
import sys
from collections.abc import Sequence

from workbench import children
from workbench.cloud.built import build
from workbench.cloud.template import load
from workbench.laptop import ROOT


def run(arguments: Sequence[str]) -> int:
    """`hemline bench …` in a process of its own, whose layer lies before this environment; its status."""
    stack = load(ROOT / "template.yaml", region="us-east-1", secret="s" * 32, parameters={})
    built = build(stack, lambda line: print(line, file=sys.stderr))
    path = [str(built["InferenceLayer"] / "python"), str(ROOT)]
    # As the template's functions have it: nobody needs a pool of threads.
    variables = {"PYTHONPATH": os.pathsep.join(path), "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "workbench.cli", "bench", *arguments, "--here"]
    return children.run(command, env={**os.environ, **variables}, check=False).returncode
