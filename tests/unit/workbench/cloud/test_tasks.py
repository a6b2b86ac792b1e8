"""A task that ends by an error is seen, said and started again; what it was about to do is not lost."""

import ast
import asyncio
import errno
import io
from pathlib import Path
from typing import Any

import pytest

from tests.harness import event_loops
from tests.unit.workbench.cloud.test_mapping_shard import SOURCE, ListStream, fine
from workbench.cloud import schedules, tasks
from workbench.cloud.pool import InvokeResult
from workbench.cloud.screen import Screen
from workbench.cloud.streams import checkpoints
from workbench.cloud.streams import mapping as mappings
from workbench.cloud.streams.checkpoints import Checkpoints
from workbench.cloud.streams.mapping import Mapping, MappingClients
from workbench.cloud.tasks import Backoff, report_unhandled_errors, run_once, supervise
from workbench.cloud.template import Schedule
from workbench.laptop import ROOT, write_private

FULL = OSError(errno.ENOSPC, "No space left on device", "checkpoints.json")


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same pauses, a thousand times shorter."""
    monkeypatch.setattr(tasks, "BACKOFF", Backoff(0.001, 0.004, 60.0))


def lines() -> tuple[list[str], tasks.Say]:
    said: list[str] = []
    return said, lambda label, line: said.append(f"{label}: {line}")


def test_work_that_fails_is_said_with_its_cause_and_started_again() -> None:
    said, say = lines()
    turns = iter([FULL, ValueError("odd\nthing"), None])

    async def work() -> str:
        if error := next(turns):
            raise error
        return "done"

    async def run() -> str:
        return await supervise("shard-0", work, say)

    assert event_loops.run(run()) == "done"
    full = "OSError: No space left on device (checkpoints.json)"
    assert said == [
        f"shard-0: stopped by {full}; starts again in 0.001 s",
        "shard-0: stopped by ValueError: odd thing; starts again in 0.002 s",
    ]


def test_pauses_grow_to_a_bound_and_begin_anew_after_a_calm_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said, say = lines()

    async def work() -> None:
        if len(said) < 5:
            raise FULL

    event_loops.run(tasks.restart_on_error("x", work, say))
    assert [line.split()[-2] for line in said] == ["0.001", "0.002", "0.004", "0.004", "0.004"]
    monkeypatch.setattr(tasks, "BACKOFF", Backoff(0.001, 0.004, 0.0))
    said.clear()
    event_loops.run(tasks.restart_on_error("x", work, say))
    assert {line.split()[-2] for line in said} == {"0.001"}


def test_a_task_that_is_cancelled_ends() -> None:
    async def run() -> bool:
        task = supervise("x", asyncio.Event().wait, lambda *_: None)
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return task.cancelled()

    assert event_loops.run(run())


def test_an_error_that_nobody_asks_for_is_said_all_the_same() -> None:
    said, say = lines()

    async def fails() -> None:
        raise FULL

    async def run() -> None:
        report_unhandled_errors(say)
        task = run_once("call", fails(), say)
        await asyncio.wait([task])
        asyncio.get_running_loop().call_soon(lambda: 1 / 0)
        await asyncio.sleep(0.01)

    event_loops.run(run())
    assert said[0] == "call: ended by OSError: No space left on device (checkpoints.json)"
    assert "ZeroDivisionError" in said[1]


def test_a_full_disk_stops_no_shard_for_good_and_loses_no_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full when the checkpoint is to be written, five times; then there is space again."""
    said, say = lines()
    stream, got = ListStream(7, 4), list[str]()
    left = [5]

    def write(path: Path, data: bytes) -> None:
        if left[0]:
            left[0] -= 1
            raise FULL
        write_private(path, data)

    monkeypatch.setattr(checkpoints, "write_private", write)
    monkeypatch.setattr(mappings, "_IDLE_SECONDS", 0.001)

    async def invoke(event: bytes) -> InvokeResult:
        got.append(event.decode())
        return await fine([])

    async def run() -> bool:
        kept = Checkpoints(tmp_path / "checkpoints.json")
        clients = MappingClients(stream, stream, "us-east-1")
        mapping = Mapping(SOURCE, clients, invoke, kept, say)
        await mapping.start()
        return await mapping.stop(20, asyncio.Event())

    assert event_loops.run(run()), "all of it was delivered in the end"
    for shard, last in (("shard-0", "0007"), ("shard-1", "0004")):
        assert Checkpoints(tmp_path / "checkpoints.json").get("Map", shard) == last
    everything = "".join(got)
    assert all(f'"{n:04d}"' in everything for n in range(1, 8))
    assert len([line for line in said if "No space left on device" in line]) == 5
    assert all(line.startswith("Map, shard-") for line in said if "stopped by" in line)


def test_a_shard_whose_reading_fails_in_an_unknown_way_goes_on(tmp_path: Path) -> None:
    said, say = lines()

    class Odd(ListStream):
        turns = iter([True, True])

        def get_records(self, **asked: Any) -> dict[str, Any]:
            if next(self.turns, False):
                raise KeyError("Records")
            return super().get_records(**asked)

    async def run() -> bool:
        kept = Checkpoints(tmp_path / "checkpoints.json")
        clients = MappingClients(Odd(2), ListStream(), "us-east-1")
        mapping = Mapping(SOURCE, clients, lambda _: fine([]), kept, say)
        await mapping.start()
        return await mapping.stop(20, asyncio.Event())

    assert event_loops.run(run())
    assert Checkpoints(tmp_path / "checkpoints.json").get("Map", "shard-0") == "0002"
    assert len(said) == 2


def test_a_schedule_outlives_a_call_that_breaks() -> None:
    said, say = lines()
    calls, enough = 0, asyncio.Event()

    async def invoke(_: bytes) -> InvokeResult:
        nonlocal calls
        calls += 1
        if calls == 3:
            enough.set()
        if calls == 1:
            raise ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")
        return InvokeResult(b"null")

    async def run() -> None:
        schedule = Schedule("Publish", "Publish", 0.001)
        task = supervise("Publish", lambda: schedules.run_schedule(schedule, "r", invoke, say), say)
        await enough.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    event_loops.run(asyncio.wait_for(run(), 20))
    assert said == [
        "Publish: stopped by ConnectionResetError: Connection reset by peer; starts again in 0.001 s"
    ]


class FullTerminal(io.StringIO):
    """Standard output that goes to a file on a full disk."""

    full = True

    def write(self, text: str) -> int:
        if self.full:
            raise FULL
        return super().write(text)


def test_a_screen_that_cannot_be_written_to_stops_nobody_and_says_what_was_lost() -> None:
    out = FullTerminal()
    screen = Screen(out)
    screen.say("seed", "one\ntwo")
    out.full = False
    screen.step("three")
    assert out.getvalue() == "(2 lines could not be shown)\n  hemline │ three\n"


def test_a_file_that_could_not_be_written_leaves_no_scraps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise FULL

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        write_private(tmp_path / "run.json", b"{}")
    assert not list(tmp_path.iterdir())


def unkept(source: str) -> list[str]:
    """Calls that make a task or a thread which nobody keeps."""
    names = {"create_task", "ensure_future", "Thread"}
    calls = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    attributes = (call.func for call in calls if isinstance(call.func, ast.Attribute))
    return [found.attr for found in attributes if found.attr in names]


# Awaited at once and to its end; and processes and stages of their own, which end with their work.
KEPT = {"tasks.py": 2, "parts.py": 1}


def test_the_local_cloud_makes_no_task_that_could_die_unseen() -> None:
    for path in sorted((ROOT / "workbench/cloud").glob("*.py")):
        assert len(unkept(path.read_text())) == KEPT.get(path.name, 0), path.name
    assert unkept("import asyncio\nasyncio.create_task(f())"), "the scan can fail"
