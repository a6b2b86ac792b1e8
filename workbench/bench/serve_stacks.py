"""The stacks for `bench serve`: the running one or a temporary one, and the naive stack next to it."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from workbench import children
from workbench.laptop import LOOPBACK, NotRunning, Running, free_ports, running

_START = 240.0


class Served(NamedTuple):
    """The address of a variant, and the root of its process tree."""

    origin: str
    pid: int


@contextmanager
def product() -> Iterator[Running]:
    """The running stack, or else a temporary one for the length of the block."""
    try:
        found = running()
    except NotRunning:
        with TemporaryDirectory() as folder, _elsewhere(folder):
            print("starting a stack for this benchmark", file=sys.stderr)
            (port,) = free_ports(1)
            with _child(["workbench.cli", "run", "--port", str(port)], port):
                yield running()
    else:
        yield found


@contextmanager
def naive() -> Iterator[Served]:
    """Run the naive function behind its own gateway, on the stores of the running stack."""
    (port,) = free_ports(1)
    with _child(["workbench.bench.naive.stack", str(port)], port) as process:
        yield Served(f"http://{LOOPBACK}:{port}", process.pid)


def cpu_of(root: int) -> Callable[[], float]:
    """A clock of the CPU seconds of a process and its descendants; constant on systems without /proc."""
    tick = os.sysconf("SC_CLK_TCK")

    def seconds() -> float:
        parents: dict[int, int] = {}
        used: dict[int, int] = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except OSError:  # it has just ended
                continue
            number = int(stat.parent.name)
            parents[number], used[number] = int(fields[1]), int(fields[11]) + int(fields[12])
        return sum(used[n] for n in used if _below(n, root, parents)) / tick

    return seconds


def _below(number: int, root: int, parents: dict[int, int]) -> bool:
    while number and number != root:
        number = parents.get(number, 0)
    return number == root


@contextmanager
def _elsewhere(folder: str) -> Iterator[None]:
    """Make `folder` the state folder of this process and its children."""
    before = os.environ.get("HEMLINE_STATE")
    os.environ["HEMLINE_STATE"] = folder
    try:
        yield
    finally:
        del os.environ["HEMLINE_STATE"]
        if before is not None:
            os.environ["HEMLINE_STATE"] = before


@contextmanager
def _child(module: list[str], port: int) -> Iterator[children.Process]:
    """Run a module as a process; yields when its port answers, and ends it with TERM."""
    process = children.start(
        [sys.executable, "-m", *module],
        # Long: at its end a stack delivers what its stream holds, and saves.
        grace=60.0,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(process, port, module[0])
        yield process
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def _wait(process: children.Process, port: int, name: str) -> None:
    until = time.monotonic() + _START
    while not _answers(port):
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"{name} did not start; run it yourself to see why")
        time.sleep(0.2)


def _answers(port: int) -> bool:
    line = HTTPConnection(LOOPBACK, port, timeout=10)
    try:
        line.request("GET", "/")
        return line.getresponse().status < 600
    except (OSError, HTTPException):
        return False
    finally:
        line.close()
