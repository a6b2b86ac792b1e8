"""More is asked than can be answered: the rest is refused at once, and what is taken is answered."""

import contextlib
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from aiohttp import web

from tests.harness import event_loops
from tests.harness.commands import hemline
from workbench.background_server import run_in_background
from workbench.bench import overload
from workbench.bench.load import LoadSpec, Tally, load
from workbench.cloud import gateway
from workbench.cloud import pool as pools
from workbench.cloud.built import RUNTIME, build_runtime
from workbench.cloud.pool import Busy, WorkerPool
from workbench.cloud.runtime import Home
from workbench.cloud.template import LambdaFunction
from workbench.cloud.template import load as load_template
from workbench.laptop import LOOPBACK, ROOT

APP = """
import time

def handler(event, context):
    time.sleep(0.02)
    return {"statusCode": 200, "body": "{}"}
"""
FUNCTION = LambdaFunction("Fn", "fn", "app.handler", "", (), 128, 10, {})


@pytest.fixture
def home(tmp_path: Path) -> Home:
    (tmp_path / "code").mkdir()
    (tmp_path / "code/app.py").write_text(APP)
    return Home({"Fn": tmp_path / "code", RUNTIME: build_runtime(lambda _: None)}, {})


@contextmanager
def served(home: Home, said: list[str], **options: int) -> Iterator[tuple[str, list[int]]]:
    """One worker of 50 calls a second at most behind the gateway: its address, and how many waited."""
    waiting: list[int] = []

    @asynccontextmanager
    async def live() -> AsyncIterator[str]:
        function = WorkerPool(FUNCTION, home, lambda _, line: said.append(line), **options)

        async def invoke(event: bytes) -> pools.InvokeResult:
            waiting.append(function._waiting)
            return await function.invoke(event)

        stack = load_template(ROOT / "template.yaml", region="r", secret="s" * 32, parameters={})
        app = gateway.application(
            stack,
            dict.fromkeys(stack.functions, invoke),
            lambda _, line: said.append(line),
            full=dict.fromkeys(stack.functions, function.full),
        )
        runner = web.AppRunner(app, access_log=None)
        async with contextlib.AsyncExitStack() as held:
            held.push_async_callback(function.stop)
            await function.start()
            held.push_async_callback(runner.cleanup)
            await runner.setup()
            door = socket.create_server((LOOPBACK, 0))
            await web.SockSite(runner, door).start()
            yield f"http://{LOOPBACK}:{door.getsockname()[1]}/v1/fragments"

    with run_in_background(live) as url:
        yield url, waiting


def test_a_crowd_is_refused_politely_and_what_is_taken_is_answered(home: Home) -> None:
    said: list[str] = []
    with served(home, said) as (url, waiting):
        tally = load(LoadSpec(url, rate=350.0, seconds=2.0, body="{}"))
        # It was no trouble: whoever comes next is answered.
        after = load(LoadSpec(url, rate=0.0, seconds=0.5, body="{}", lines=1))
    assert tally.good > 0
    assert tally.shed > 0
    assert tally.unpolite == 0, "each 503 says when to come again"
    assert set(tally.other) <= {"late", "no answer"}, "nothing else ends a request"
    assert max(waiting) <= 16
    assert after.good > 0
    assert after.shed == 0
    assert [line for line in said if "refused, too many requests wait" in line]
    assert len(said) <= 6, "a line a second, not one for each"


def test_the_check_for_shedding_can_fail(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A queue without an end, as a server has that sheds nothing: everybody waits, nobody is told."""
    monkeypatch.setattr(pools, "_PATIENCE_SECONDS", 60.0)
    with served(home, [], queue=100_000) as (url, waiting):
        tally = load(LoadSpec(url, rate=350.0, seconds=1.0, body="{}"))
    assert tally.shed == 0
    assert max(waiting) > 16


def test_a_call_that_waits_too_long_is_refused_though_the_queue_has_room(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def go() -> None:
        function = WorkerPool(FUNCTION, home, lambda *_: None)
        async with contextlib.AsyncExitStack() as held:
            held.push_async_callback(function.stop)
            await function.start()
            worker = await function._idle.get()
            monkeypatch.setattr(pools, "_PATIENCE_SECONDS", 0.05)
            with pytest.raises(Busy):
                await function.invoke(b"{}")
            function._idle.put_nowait(worker)
            monkeypatch.setattr(pools, "_PATIENCE_SECONDS", 30.0)
            assert (await function.invoke(b"{}")).error is None

    event_loops.run(go())


def tally(good: float) -> Tally:
    return Tally(0.0, 0.0, good, 0.0, {}, 0, 0.0, 0.0)


def test_the_share_is_of_the_middle_rounds_at_the_capacity_that_was_found() -> None:
    asked: list[float] = []
    crowd = iter([30.0, 90.0, 80.0])

    def at(rate: float) -> Tally:
        asked.append(rate)
        return tally(next(crowd) if rate > 100 else 100.0)

    found = overload.compare(at, 3)
    assert (found.capacity, found.crowd.good, found.share) == (100.0, 80.0, 0.8)
    assert asked == [0.0] * 4 + [100.0, 700.0] * 3


@pytest.mark.parametrize(("share", "status"), [(0.8, 0), (0.79, 1)])
def test_the_command_prints_one_object_and_says_by_its_status_whether_enough_is_left(
    monkeypatch: pytest.MonkeyPatch, share: float, status: int
) -> None:
    found = overload.Report(100.0, tally(100.0), tally(share * 100), share)
    monkeypatch.setattr(overload, "measure", lambda **_: found)
    said = hemline("bench", "overload", "--json")
    assert said.exit_code == status
    assert json.loads(said.stdout)["crowd"]["good"] == share * 100
    assert "of the goodput is left" in hemline("bench", "overload").stdout
