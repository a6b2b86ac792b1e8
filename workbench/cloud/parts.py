"""The parts of the local cloud, each a context manager that starts the part and stops it again.

Does not know their order; `workbench.cloud.local` does.
"""

import asyncio
import contextlib
import fcntl
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import ParamSpec, TypeVar

from aiohttp import web

from workbench import children, laptop
from workbench.background_server import drain_loop
from workbench.cloud import emulator as emulation
from workbench.cloud import resources
from workbench.cloud.gateway import Edge, application
from workbench.cloud.pool import WorkerPool
from workbench.cloud.runtime import Home, emulator_binary
from workbench.cloud.schedules import run_schedule
from workbench.cloud.screen import Screen
from workbench.cloud.streams.checkpoints import Checkpoints
from workbench.cloud.streams.mapping import Mapping, MappingClients
from workbench.cloud.tasks import supervise
from workbench.cloud.template import Stack
from workbench.laptop import ENVIRONMENTS, LOOPBACK, ROOT

_WORKERS = {"fragments": 2}
_DRAIN_PATIENCE = 8.0
_SEED = "workbench.seed"
_SHOP = "workbench.demo.pages"
_SIGN_IN = "workbench.demo.sign_in"
_PID = "emulator.pid"

P = ParamSpec("P")
T = TypeVar("T")


class StartRefusal(Exception):  # noqa: N818 - reported to the user, not a bug
    """The stack cannot start; the message says what to do."""


@contextlib.contextmanager
def only_one() -> Iterator[None]:
    """Lock the state folder: two stacks on one folder would overwrite each other's tables."""
    with (laptop.state() / "lock").open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartRefusal(
                "a stack runs from this checkout already; stop it first, or name another state"
                " folder in HEMLINE_STATE"
            ) from None
        yield


@contextlib.contextmanager
def listener(port: int) -> Iterator[socket.socket]:
    """Bind the gateway's port early, so that a taken port fails at once; it answers when all is up."""
    door = socket.socket()
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    with door:
        try:
            door.bind((LOOPBACK, port))
        except OSError as error:
            raise StartRefusal(
                f"port {port} cannot be used ({error.strerror}); choose another one:"
                f" make run PORT={port + 10}"
            ) from None
        yield door


@contextlib.asynccontextmanager
async def emulator(screen: Screen) -> AsyncIterator[emulation.Emulator]:
    """Run the emulator on the state folder; it saves its state at the end."""
    python = ENVIRONMENTS / "cloud/bin/python"
    if not python.exists():
        raise StartRefusal("the AWS emulator is not installed; run `make setup`")
    folder = laptop.state() / "cloud"
    folder.mkdir(exist_ok=True)
    if await in_thread(end_stale, folder):
        screen.step("ended the AWS emulator of a stack that was killed")
    screen.step("starting the AWS emulator")
    started: list[emulation.Emulator] = []
    try:
        await in_thread(lambda: started.append(emulation.start(python, folder)))
        if again := emulation.recovered(folder):
            screen.step(_recovered(again))
        laptop.write_private(folder / _PID, str(started[0].process.pid).encode())
        yield started[0]
    finally:
        for one in started:
            if not await in_thread(emulation.stop, one):
                screen.step("the AWS emulator had to be killed: its last writes may be lost")


def _recovered(again: dict[str, int]) -> str:
    writes, events, failed = (again.get(name, 0) for name in ("dynamodb", "kinesis", "failed"))
    return (
        f"the AWS emulator had been killed: {writes} acknowledged writes to tables and {events} calls"
        f" with events were repeated, {failed} failed"
    )


def end_stale(folder: Path, seconds: float = 10.0) -> bool:
    """End the emulator that a killed stack left on this folder (Linux). Returns whether there was one.

    It gets TERM first, so that it saves its state; two emulators on one folder would overwrite each other.
    """
    try:
        pid = int((folder / _PID).read_text())
        ours = f"STATE_DIR={folder}".encode() in Path(f"/proc/{pid}/environ").read_bytes()
    except (OSError, ValueError):
        return False
    if not ours:
        return False
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + seconds
    while laptop.alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    if laptop.alive(pid):
        os.kill(pid, signal.SIGKILL)
    return True


@contextlib.asynccontextmanager
async def pools(stack: Stack, home: Home, screen: Screen) -> AsyncIterator[dict[str, WorkerPool]]:
    """Run the workers; yields logical id of a function → its pool, with every worker listening."""
    if emulator_binary() is None:
        screen.step("no Lambda runtime emulator for this machine: functions run in plain workers")
    pools = {
        name: WorkerPool(function, home, screen.say, size=_WORKERS.get(function.label, 1))
        for name, function in stack.functions.items()
    }
    try:
        await asyncio.gather(*(pool.start() for pool in pools.values()))
        yield pools
    finally:
        await asyncio.gather(*(pool.stop() for pool in pools.values()))


@contextlib.asynccontextmanager
async def mappings(
    stack: Stack, pools: dict[str, WorkerPool], endpoint: str, screen: Screen, hurry: asyncio.Event
) -> AsyncIterator[None]:
    """Run every event source mapping; at the end, deliver what the stream still holds."""
    clients = MappingClients(
        resources.client("kinesis", endpoint, emulation.REGION),
        resources.client("s3", endpoint, emulation.REGION),
        emulation.REGION,
    )
    kept = Checkpoints(laptop.state() / "checkpoints.json")
    mappings = [
        Mapping(source, clients, pools[source.function].invoke, kept, screen.say)
        for source in stack.sources
    ]
    try:
        for mapping in mappings:
            await mapping.start()
        yield
    finally:
        for mapping in mappings:
            if not await mapping.stop(_DRAIN_PATIENCE, hurry):
                screen.step("stopped before ingest had taken all events; the next start continues")


@contextlib.asynccontextmanager
async def schedules(
    stack: Stack, pools: dict[str, WorkerPool], screen: Screen
) -> AsyncIterator[None]:
    """Run every schedule."""
    tasks = [
        supervise(
            schedule.name,
            partial(
                run_schedule,
                schedule,
                emulation.REGION,
                pools[schedule.function].invoke,
                screen.say,
            ),
            screen.say,
        )
        for schedule in stack.schedules
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def gateway(
    stack: Stack, pools: dict[str, WorkerPool], door: socket.socket, screen: Screen
) -> AsyncIterator[None]:
    """Serve the API and the shop on the socket `door`."""
    invoke = {name: pool.invoke for name, pool in pools.items()}
    full = {name: pool.full for name, pool in pools.items()}
    app = application(stack, invoke, screen.say, *_shop(), full=full)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    try:
        await web.SockSite(runner, door).start()
        yield
    finally:
        await drain_loop(door)
        await runner.cleanup()


def _shop() -> tuple[list[web.AbstractRouteDef], Edge]:
    """The routes of the demo shop, and what its CDN would change in a request."""
    if not find_spec(_SHOP):
        return [], lambda request: request
    return list(import_module(_SHOP).routes()), import_module(_SIGN_IN).with_bearer


async def seed(screen: Screen) -> None:
    """Fill the shop and publish a first edition, in a process of its own so that it can be stopped."""
    if not find_spec(_SEED):
        return
    process = await children.spawn(
        [sys.executable, "-m", _SEED],
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        assert process.stdout is not None
        async for line in process.stdout:
            screen.say("seed", line.decode(errors="replace").rstrip())
        if await process.wait():
            screen.step("the demo shop could not be filled: slots show their default content")
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


async def in_thread(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call it in a thread. A cancel waits for its end, so that what it started can be stopped."""
    job = asyncio.ensure_future(asyncio.to_thread(call, *args, **kwargs))
    try:
        return await asyncio.shield(job)
    except asyncio.CancelledError:
        await asyncio.wait([job])
        raise
