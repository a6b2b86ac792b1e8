"""Functions as processes, under the real runtime loop and in plain workers: same events, same answers."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.harness import event_loops
from workbench.cloud import pool as pools
from workbench.cloud import runtime
from workbench.cloud.built import RUNTIME, build_runtime
from workbench.cloud.pool import Busy, WorkerPool
from workbench.cloud.runtime import Home, emulator_binary
from workbench.cloud.template import LambdaFunction
from workbench.laptop import alive

APP = """
import importlib.util, os, sys, time
from shared import word

def handler(event, context):
    print("called", event)
    if "sleep" in event:
        time.sleep(event["sleep"])
    if "raise" in event:
        raise ValueError("bad")
    if "exit" in event:
        os._exit(3)
    if "find" in event:
        return importlib.util.find_spec(event["find"]) is not None
    if "environ" in event:
        return sorted(os.environ)
    return {"word": word, "pid": os.getpid(), "id": context.aws_request_id, "says": event}
"""


@pytest.fixture(params=["emulator", "plain"], autouse=True)
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "plain":
        monkeypatch.setattr(runtime, "emulator_binary", lambda: None)
    elif emulator_binary() is None:
        pytest.skip("no Lambda runtime emulator for this machine")
    return str(request.param)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    (tmp_path / "code").mkdir()
    (tmp_path / "code/app.py").write_text(APP)
    (tmp_path / "layer/python").mkdir(parents=True)
    (tmp_path / "layer/python/shared.py").write_text("word = 'layered'")
    built = {
        "Fn": tmp_path / "code",
        "Layer": tmp_path / "layer",
        RUNTIME: build_runtime(lambda _: None),
    }
    return Home(built, {"AWS_REGION": "us-east-1"})


def function(timeout: int) -> LambdaFunction:
    return LambdaFunction(
        "Fn", "fn", "app.handler", "", ("Layer",), 128, timeout, {"HEMLINE_SITE": "demo"}
    )


def run(
    home: Home,
    use: Callable[[WorkerPool], Awaitable[Any]],
    *,
    said: list[str] | None = None,
    timeout: int = 30,
    **options: Any,
) -> Any:
    """What `use` finds with a pool that is started and stopped around it."""
    lines = said if said is not None else []

    async def go() -> Any:
        pool = WorkerPool(function(timeout), home, lambda _, line: lines.append(line), **options)
        async with contextlib.AsyncExitStack() as held:
            held.push_async_callback(pool.stop)
            await pool.start()
            return await use(pool)

    return event_loops.run(go())


async def ask(pool: WorkerPool, **event: Any) -> tuple[Any, str | None]:
    answer = await pool.invoke(json.dumps(event).encode())
    return (None if answer.error else json.loads(answer.body)), answer.error


def test_a_function_is_called_with_its_layer_and_its_lines_are_shown(home: Home) -> None:
    said: list[str] = []

    async def use(pool: WorkerPool) -> Any:
        return await ask(pool, hello="é")

    found, error = run(home, use, said=said)
    assert error is None
    assert found["word"] == "layered"
    assert found["says"] == {"hello": "é"}
    assert said == ["called {'hello': 'é'}"]


@pytest.mark.parametrize("package", ["aiohttp", "hemline", "boto3", "numpy"])
def test_nothing_is_on_the_path_but_its_own_code_and_layers(home: Home, package: str) -> None:
    """What is missing from a layer must fail here, not on AWS."""

    async def use(pool: WorkerPool) -> Any:
        return await ask(pool, find=package), await ask(pool, find="shared")

    assert run(home, use) == ((False, None), (True, None))


def test_the_developers_environment_stays_outside(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_TOKEN", "secret")

    async def use(pool: WorkerPool) -> Any:
        return (await ask(pool, environ=1))[0]

    names = run(home, use)
    assert "MY_TOKEN" not in names
    assert {"HEMLINE_SITE", "AWS_REGION", "AWS_LAMBDA_FUNCTION_NAME"} <= set(names)


@pytest.mark.parametrize(
    ("event", "says"),
    [({"raise": 1}, "ValueError: bad"), ({"sleep": 30}, "Task timed out"), ({"exit": 1}, "")],
)
def test_a_broken_call_is_an_error_and_the_next_one_works(
    home: Home, event: dict[str, int], says: str
) -> None:
    async def use(pool: WorkerPool) -> Any:
        return await ask(pool, **event), await ask(pool, again=1)

    (_, broken), (next_one, error) = run(home, use, timeout=4)
    assert broken is not None
    assert says in broken
    assert error is None
    assert next_one["word"] == "layered"


def test_one_worker_takes_one_request_at_a_time(home: Home) -> None:
    async def use(pool: WorkerPool) -> Any:
        return await asyncio.gather(*(ask(pool, n=n) for n in range(20)))

    found = run(home, use, queue=20)
    assert [answer["says"]["n"] for answer, _ in found] == list(range(20))
    assert len({answer["pid"] for answer, _ in found}) == 1


def test_calls_past_the_queue_are_refused(home: Home) -> None:
    async def use(pool: WorkerPool) -> Any:
        slow = [asyncio.create_task(ask(pool, sleep=0.5)) for _ in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await ask(pool, n=1)
        return await asyncio.gather(*slow)

    assert len(run(home, use, queue=2)) == 3


def test_a_caller_that_goes_away_does_not_free_its_worker_early(home: Home) -> None:
    async def use(pool: WorkerPool) -> Any:
        gone = asyncio.create_task(ask(pool, sleep=0.4))
        await asyncio.sleep(0.1)
        gone.cancel()
        return await ask(pool, n=1)

    found, error = run(home, use)
    assert (error, found["says"]) == (None, {"n": 1})


def test_a_silent_worker_is_killed_and_replaced(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def use(pool: WorkerPool) -> Any:
        monkeypatch.setattr(pools, "_GRACE_SECONDS", -29.5)
        silent = await ask(pool, sleep=60)
        monkeypatch.setattr(pools, "_GRACE_SECONDS", 30.0)
        return silent, await ask(pool, n=1)

    (_, broken), (found, error) = run(home, use)
    assert broken == "the runtime is gone: TimeoutError"
    assert (error, found["says"]) == (None, {"n": 1})


def test_a_worker_that_ends_while_it_has_nothing_to_do_costs_no_call(home: Home) -> None:
    said: list[str] = []

    async def use(pool: WorkerPool) -> Any:
        (worker,) = pool._workers
        worker.process.kill()
        await worker.process.wait()
        return await ask(pool, n=1)

    found, error = run(home, use, said=said)
    assert (error, found["says"]) == (None, {"n": 1})
    assert "ended by itself (-9)" in said


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_stop_leaves_no_process(home: Home) -> None:
    async def use(pool: WorkerPool) -> Any:
        return (await ask(pool, n=1))[0]["pid"]

    assert not alive(run(home, use))
    assert os.getpid()
