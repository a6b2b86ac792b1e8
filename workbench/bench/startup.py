"""`bench startup`: CPU that the fragments function needs until it can answer, minus a bare interpreter.

Each run is a fresh process that imports the function as built for Lambda (only its code and layers on
the path), reads the pointer and opens the edition and the ranker. The naive variant imports the usual
packages and opens the same ranker.
"""

import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np

from hemline.model.edition import Pointer, unpack
from hemline.model.keys import edition_object
from workbench.bench.measure import BenchRow, Timing, row
from workbench.bench.stores import KEYS as ACCOUNT
from workbench.bench.stores import BenchStores, stores
from workbench.bench.world import KEYS, NOW, SITE, world
from workbench.cloud import emulator
from workbench.cloud.built import build
from workbench.cloud.runtime import Home, environment
from workbench.cloud.template import load
from workbench.laptop import ROOT

_NAME = "startup"
_LEAVE = "import os; os._exit(0)"
"""Skips the interpreter's shutdown, which is not part of a start."""
_NAIVE = """
import boto3, numpy, onnxruntime, pydantic, json, os
from aws_lambda_powertools import Logger, Metrics
class Item(pydantic.BaseModel):
    id: str
    title: str
    price: float
class Profile(pydantic.BaseModel):
    items: list[Item]
Logger(service="bench"), Metrics(namespace="bench")
table = boto3.resource("dynamodb").Table(os.environ["HEMLINE_TABLE"])
found = table.get_item(Key={"pk": os.environ["HEMLINE_SITE"] + "|", "sk": "pointer"})["Item"]
bucket = boto3.resource("s3").Bucket(os.environ["HEMLINE_BUCKET"])
bucket.Object(f"editions/{os.environ['HEMLINE_SITE']}/{found['digest']}.hem").get()["Body"].read()
session = onnxruntime.InferenceSession(os.environ["RANKER"])
"""


def rows(*, repeats: int = 7) -> list[BenchRow]:
    """Rows `hemline` and `naive`; CPU and wall time are those above a bare interpreter."""
    with stores() as made, TemporaryDirectory() as cache:
        _publish(made)
        variants = _variants(made, Path(cache))
        for command, variables in variants.values():
            _run(command, variables)  # warm-up: byte code and the file cache
        samples: dict[str, list[Timing]] = {name: [] for name in variants}
        for _ in range(repeats):
            for name, (command, variables) in variants.items():
                samples[name].append(_run(command, variables))
    bare = samples.pop("bare")
    cpu = median(sample.cpu_us for sample in bare)
    wall = median(us for sample in bare for us in sample.wall_us)
    return [row(name, 0, [_over(s, cpu, wall) for s in found]) for name, found in samples.items()]


def _over(sample: Timing, cpu: float, wall: float) -> Timing:
    return Timing(sample.cpu_us - cpu, [us - wall for us in sample.wall_us])


def _publish(made: BenchStores) -> None:
    made.create(_NAME)
    data = world().edition
    digest = unpack(data, site=SITE).digest
    made.objects(_NAME).put(edition_object(SITE, digest), data)
    pointer = Pointer(digest, NOW).signed(SITE, KEYS[0])
    made.table(_NAME).swap_pointer(SITE, pointer, expected=None)


def _variants(made: BenchStores, cache: Path) -> dict[str, tuple[list[str], Mapping[str, str]]]:
    stack = load(
        ROOT / "template.yaml", region=emulator.REGION, secret=KEYS[0].decode(), parameters={}
    )
    function = stack.functions["FragmentsFunction"]
    variables = {
        "HEMLINE_SITE": SITE,
        "HEMLINE_TABLE": _NAME,
        "HEMLINE_BUCKET": _NAME,
        "HEMLINE_KEYS": KEYS[0].decode(),
        "AWS_REGION": emulator.REGION,
        "AWS_DEFAULT_REGION": emulator.REGION,
        "AWS_ENDPOINT_URL": made.endpoint,
        "AWS_ACCESS_KEY_ID": ACCOUNT.access_key,
        "AWS_SECRET_ACCESS_KEY": ACCOUNT.secret_key,
    }
    home = Home(build(stack, lambda line: print(line, file=sys.stderr)), variables)
    ours = environment(function, home)
    theirs = {
        **variables,
        "PATH": os.defpath,
        "HOME": str(cache),
        "PYTHONPATH": str(Path(np.__file__).parents[1]),
        "PYTHONPYCACHEPREFIX": str(cache),
        "RANKER": str(ROOT / "models/ranker.onnx"),
        "POWERTOOLS_METRICS_NAMESPACE": "bench",
    }
    python = [getattr(sys, "_base_executable", sys.executable), "-S", "-c"]
    return {
        "bare": ([*python, _LEAVE], ours),
        "hemline": ([*python, "import app\n" + _LEAVE], ours),
        "naive": ([*python, _NAIVE + _LEAVE], theirs),
    }


def _run(command: Sequence[str], variables: Mapping[str, str]) -> Timing:
    started = time.perf_counter()
    silent = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_WRONLY, 0) for fd in (1,)]
    pid = os.posix_spawn(command[0], list(command), dict(variables), file_actions=silent)
    # wait4 gives the CPU of this one child; RUSAGE_CHILDREN would add up all of them.
    _, status, used = os.wait4(pid, 0)
    if status:
        raise RuntimeError(f"a measured process failed with {os.waitstatus_to_exitcode(status)}")
    took = (time.perf_counter() - started) * 1e6
    return Timing((used.ru_utime + used.ru_stime) * 1e6, [took])
