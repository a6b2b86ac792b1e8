"""Whatever a command or a test starts ends with it, however that ends: SIGKILL leaves nothing behind."""

import ast
import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.processes import gone
from tests.harness import event_loops
from workbench import children
from workbench.laptop import ROOT

# A parent that starts a child with a grandchild and then does nothing: its own pids, on one line.
TREE = """
import subprocess, sys, time
from workbench import children
code = (
    "import os, subprocess, time;"
    "below = subprocess.Popen(['sleep', '600'], start_new_session=True);"
    "print(os.getpid(), below.pid, flush=True); time.sleep(600)"
)
child = children.start([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, grace=1.0)
print(child.pid, child.stdout.readline().strip(), flush=True)
time.sleep(600)
"""

linux = pytest.mark.skipif(sys.platform != "linux", reason="adopting orphans needs Linux")


def tree(code: str = TREE) -> tuple[children.Process, list[int]]:
    parent = children.start(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert parent.stdout
    return parent, [int(word) for word in parent.stdout.readline().split()]


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


@linux
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGABRT])
def test_a_child_and_all_below_it_end_with_a_parent_that_is_killed(number: signal.Signals) -> None:
    guarded, pids = tree()
    with guarded:
        # The parent itself: between it and this test stands a guardian of its own.
        os.kill(parent_of(pids[0]), number)
        assert gone(pids), "a child outlived its parent"
        guarded.wait(10)


@linux
def test_the_check_for_survivors_can_fail() -> None:
    """The same tree, started as Python starts one: the grandchild is still there."""
    code = TREE.replace("children.start(", "subprocess.Popen(").replace(", grace=1.0", "")
    guarded, pids = tree(code)
    with guarded:
        middle, *_, below = pids
        # Neither is seen by the guardian above while their parent lives; nothing stands between.
        os.kill(middle, signal.SIGKILL)
        assert not gone([below], seconds=1.0)
        guarded.kill()
        guarded.wait(10)
    os.kill(below, signal.SIGKILL)


@linux
def test_the_thread_that_started_a_child_may_end_before_it() -> None:
    """The kernel's death signal goes by the parent's thread; a worker thread's end is no death."""

    async def begin() -> children.Process:
        return await asyncio.to_thread(children.start, ["sleep", "600"])

    child = event_loops.run(begin())
    try:
        assert not gone([child.pid], seconds=0.6)
    finally:
        child.terminate()
        child.wait(10)


@linux
def test_what_a_command_leaves_behind_ends_with_it() -> None:
    done = children.run(
        ["sh", "-c", "sleep 600 >/dev/null 2>&1 & echo $!"], capture=True, text=True, check=True
    )
    assert gone([int(done.stdout)])


def test_a_child_that_nobody_holds_any_more_ends() -> None:
    pids = []

    async def forget() -> None:
        process = await children.spawn(["sleep", "600"])
        pids.append(process.pid)
        # As when the object is lost on an error's way out.
        children._lifelines.pop(process)
        await process.wait()

    event_loops.run(asyncio.wait_for(forget(), 20))
    assert gone(pids)


@pytest.mark.parametrize(
    ("script", "status"),
    [("exit 0", 0), ("exit 7", 7), ("kill -TERM $$", -15), ("kill -KILL $$", -9)],
)
def test_the_exit_status_is_the_commands_own(script: str, status: int) -> None:
    assert children.run(["sh", "-c", script], check=False).returncode == status


def test_what_a_command_reads_and_prints_passes_through() -> None:
    code = "import sys; print(sys.stdin.read()); print('bad', file=sys.stderr)"
    done = children.run(
        [sys.executable, "-c", code], given="good", capture=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("good\n", "bad\n")


def test_the_end_of_a_commands_output_is_seen_though_something_still_guards_it() -> None:
    with children.start(
        ["sh", "-c", "exec >&-; sleep 600"], stdout=subprocess.PIPE, grace=0.1
    ) as child:
        assert child.stdout
        assert child.stdout.read() == b""
        assert child.poll() is None
        child.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_reaches_the_command_which_may_answer_it(number: signal.Signals) -> None:
    code = (
        "import signal, sys;"
        f"signal.signal({int(number)}, lambda *_: sys.exit(5));"
        "print('ready', flush=True); signal.pause()"
    )
    with children.start([sys.executable, "-c", code], stdout=subprocess.PIPE) as child:
        assert child.stdout
        assert child.stdout.readline() == b"ready\n"
        child.send_signal(number)
        assert child.wait(10) == 5


@linux
def test_a_kill_is_felt_by_the_command_and_not_by_its_guardian_alone() -> None:
    with children.start(
        ["sh", "-c", "echo $$; exec sleep 600"], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout
        pid = int(child.stdout.readline())
        child.kill()
        child.wait(10)
        assert gone([pid])


def test_a_command_that_takes_too_long_is_killed() -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        children.run(["sleep", "600"], timeout=0.2, check=False)


@pytest.mark.parametrize("name", ["no-such-program", "/no/such/program"])
def test_a_program_that_is_not_there_is_told_at_once(name: str) -> None:
    with pytest.raises(FileNotFoundError, match="there is no program"):
        children.start([name])


@linux
def test_a_process_that_somebody_else_starts_ends_with_its_parent() -> None:
    """As xdist's workers do, which are not started by us."""
    code = (
        "import subprocess, sys, time;"
        "tied = 'from workbench import children; import os, time;'"
        "'children.end_with_parent(); print(os.getpid(), flush=True); time.sleep(600)';"
        "below = subprocess.Popen([sys.executable, '-c', tied], start_new_session=True);"
        "time.sleep(600)"
    )
    guarded, pids = tree(code)
    with guarded:
        os.kill(parent_of(pids[0]), signal.SIGKILL)
        assert gone(pids)
        guarded.wait(10)


STARTERS = {
    "subprocess": {"Popen", "run", "call", "check_call", "check_output", "getoutput"},
    "asyncio": {"create_subprocess_exec", "create_subprocess_shell"},
    "os": {"fork", "forkpty", "system", "popen", "posix_spawn", "posix_spawnp", "spawnv", "spawnl"},
    "multiprocessing": {"Process", "Pool", "get_context"},
    "concurrent.futures": {"ProcessPoolExecutor"},
}
EXEMPT = {
    # What stands between us and a child.
    "workbench/children.py",
    "workbench/guardian.py",
    # Counts orphans: nobody else may end them first.
    "tests/faults/reaper.py",
    # Measures the CPU of a process that ends by itself at once; a guardian's own would count too.
    "workbench/bench/startup.py",
}


def starters(source: str) -> list[str]:
    """Every call in `source` that starts a process, and every import of one."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            names = {alias.name for alias in node.names}
            found += sorted(names & STARTERS.get(node.module or "", set()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            module = ast.unparse(node.func.value)
            if node.func.attr in STARTERS.get(module, set()):
                found.append(f"{module}.{node.func.attr}")
    return found


def test_nothing_starts_a_process_but_through_the_one_helper() -> None:
    for folder in ("workbench", "models", "tests"):
        for path in (ROOT / folder).rglob("*.py"):
            name = str(path.relative_to(ROOT))
            if name not in EXEMPT:
                assert not starters(path.read_text()), f"{name}: use workbench.children"


@pytest.mark.parametrize(
    "line",
    [
        "import subprocess\nsubprocess.run(['ls'])",
        "from subprocess import Popen",
        "import asyncio\nasync def f(): await asyncio.create_subprocess_exec('ls')",
        "import os\nos.system('ls')",
    ],
)
def test_the_scan_sees_a_process_that_is_started_past_the_helper(line: str) -> None:
    assert starters(line)


def test_waiting_for_the_end_of_a_process_can_fail() -> None:
    assert not gone([os.getpid()], seconds=0.1)
