"""SIGKILL at each command that starts others, and at a test run: nothing of theirs is left."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.processes import below, gone, wait_for
from tests.harness.stack import Stack
from workbench import children
from workbench.laptop import ROOT

pytestmark = [
    pytest.mark.cloud,
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
    # One after the other: each starts a whole stack.
    pytest.mark.xdist_group("stack"),
]

A_TEST = """
import time
import pytest

@pytest.mark.parametrize("number", range(4))
def test_hangs(emulator, number):
    time.sleep(600)
"""


@pytest.fixture
def started(tmp_path: Path) -> Iterator[list[children.Process]]:
    """Ends what a test of this file started, whatever became of the test."""
    processes: list[children.Process] = []
    yield processes
    for process in processes:
        process.kill()
        process.wait(30)


def the(line: str, root: int) -> int:
    """The process below `root` whose command line holds `line`, once there is one."""

    def found() -> list[int]:
        said = below(root).items()
        return [pid for pid, words in said if line in words and "guardian" not in words]

    assert wait_for(lambda: bool(found()), seconds=120), below(root)
    return found()[0]


def test_a_killed_benchmark_leaves_neither_of_its_stacks(
    started: list[children.Process], tmp_path: Path
) -> None:
    environment = {**os.environ, "HEMLINE_STATE": str(tmp_path), "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-m", "workbench.cli", "bench", "serve"]
    log = (tmp_path / "log").open("wb")
    with log:
        process = children.start(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    started.append(process)
    bench = the("bench serve", process.pid)
    the("workbench.cloud.durable", process.pid)
    family = below(bench)
    os.kill(bench, signal.SIGKILL)
    # What only came up after the look is below what was there, and ends with it.
    assert gone([*family, process.pid], seconds=90), below(process.pid)


def test_a_killed_stack_leaves_nothing_while_it_stocks_the_shop(
    started: list[children.Process], tmp_path: Path
) -> None:
    stack = Stack(tmp_path)
    started.append(stack._process)
    stack.wait_for("stocking the demo shop")
    root = stack._process.pid
    run, seed = the("workbench.cli run", root), the("workbench.seed", root)
    family = {*below(run), seed}
    os.kill(run, signal.SIGKILL)
    assert gone(family, seconds=60), below(root)


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_killed_test_run_leaves_no_emulator(
    started: list[children.Process], tmp_path: Path, workers: str
) -> None:
    test = ROOT / f"tests/stack/test_to_be_killed_{os.getpid()}.py"
    test.write_text(A_TEST)
    try:
        command = [sys.executable, "-m", "pytest", "-q", "-n", workers, str(test)]
        process = children.start([*command, "-p", "no:cacheprovider"], cwd=ROOT)
        started.append(process)
        run = the("-m pytest", process.pid)
        the("ministack", run)
        if workers == "2":
            assert wait_for(lambda: _emulators(run) == 2)
        family = below(run)
        os.kill(run, signal.SIGKILL)
        assert gone(family, seconds=60), family
    finally:
        test.unlink()


def _emulators(root: int) -> int:
    return sum("ministack" in line and "guardian" not in line for line in below(root).values())
