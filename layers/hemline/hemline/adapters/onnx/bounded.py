"""Tries a ranker before it is published, in a child process with limited time and memory.

The cost is one start of a Python interpreter. Two pipes connect the processes, since a Lambda has no
shared memory. The checks themselves are in `trial`.
"""

import os
import signal
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import msgspec

from hemline.adapters.onnx import trial
from hemline.adapters.onnx.ranker import check_sound
from hemline.adapters.onnx.trial import Answer, Order, TrialLimits
from hemline.model.errors import Refused, Unavailable

LIMITS = TrialLimits()
_CHILD = ("-S", "-s", "-P", "-m", trial.__name__)
"""Arguments of the child's Python: no site packages, no user site, no working directory on `sys.path`."""
_GRACE_SECONDS = 5
"""Extra time, so that the child ends by its own alarm before the parent kills it."""
_TOO_LONG = {signal.SIGALRM, signal.SIGXCPU, signal.SIGKILL}


@lru_cache(maxsize=8)
def try_ranker(onnx: bytes, card: bytes, limits: TrialLimits = LIMITS) -> Answer:
    """The trial's answer. Raises Refused when the trial failed, Unavailable when it could not start."""
    check_sound(onnx, card)
    done = _run(msgspec.msgpack.encode(Order(onnx, card, limits)), limits)
    if done.returncode:
        raise Refused(_ended(done.returncode, limits))
    answer = msgspec.msgpack.decode(done.stdout, type=Answer)
    if answer.refused:
        raise Refused(answer.refused)
    return answer


def _run(order: bytes, limits: TrialLimits) -> "subprocess.CompletedProcess[bytes]":
    try:
        return subprocess.run(  # noqa: S603 - this interpreter and a module of ours
            [sys.executable, *_CHILD],
            input=order,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
            timeout=limits.wall_seconds + _GRACE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Refused(_ended(-signal.SIGALRM, limits)) from None
    except OSError as error:
        raise Unavailable("the ranker's trial", f"no process could be started: {error}") from None


def _environment() -> dict[str, str]:
    """The module paths and nothing else: no credentials, no signing keys."""
    own = str(Path(__file__).parents[3])  # with -S the child does not find an editable install
    # One thread each: more would reserve memory, which counts against the limit.
    one = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    path = ":".join(dict.fromkeys([own, *(part for part in sys.path if part)]))
    libraries = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    return {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", **one, **libraries}


def _ended(status: int, limits: TrialLimits) -> str:
    if status > 0:
        return f"its trial ended with status {status}"
    sent = signal.Signals(-status)
    if sent in _TOO_LONG:
        return f"its trial was stopped after {limits.wall_seconds} s, {limits.cpu_seconds} s of CPU"
    return f"it ends the process that scores with it ({sent.name})"
