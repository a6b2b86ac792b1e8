"""Runs the whole stack on this machine: starts its parts in order and stops them in reverse order.

The composition root of the local cloud. When start-up is interrupted (Ctrl-C, a function that does not
start), every part already started is stopped.
"""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from workbench import laptop
from workbench.cloud import emulator as emulation
from workbench.cloud import parts, resources
from workbench.cloud.built import build
from workbench.cloud.runtime import Home
from workbench.cloud.screen import Screen
from workbench.cloud.tasks import report_unhandled_errors
from workbench.cloud.template import Stack, load
from workbench.laptop import LOOPBACK, ROOT, Running

LAPTOP_PARAMETERS = {
    # Two shards, so that code which relies on order between shards fails here too.
    "StreamShards": "2",
    "BatchWindowSeconds": "0",
    # Often enough that a newcomer sees popularity move.
    "PublishRate": "rate(1 minute)",
    # The browser and the emulator share this machine's CPU, so reads take longer.
    "ReadTimeoutMs": "250",
}
"""What differs from the template's defaults on a laptop."""


class RunOptions(NamedTuple):
    """The options of `hemline run`."""

    port: int
    """Loopback port of the shop and the API."""
    template: Path = ROOT / "template.yaml"
    seed: bool = True
    """Stock the demo shop and publish its first edition when there is none."""
    ask_first: bool = False
    """Remember visitors only after they agreed (ConsentDefault is false)."""


async def run_stack(options: RunOptions, screen: Screen) -> None:
    """Run until Ctrl-C or TERM. Raises parts.StartRefusal when the stack cannot start."""
    main = asyncio.current_task()
    assert main is not None
    report_unhandled_errors(screen.say)
    hurry = asyncio.Event()
    with _signals(main.cancel, hurry.set), contextlib.suppress(asyncio.CancelledError):
        async with up(options, screen, hurry) as emulator:
            await _until_it_ends(emulator)


@contextlib.asynccontextmanager
async def up(
    options: RunOptions, screen: Screen, hurry: asyncio.Event
) -> AsyncIterator[emulation.Emulator]:
    """Run the stack for the length of the block; `hurry` skips the final delivery of the stream."""
    began = time.monotonic()
    async with contextlib.AsyncExitStack() as held:
        held.enter_context(parts.only_one())
        door = held.enter_context(parts.listener(options.port))
        stack = load(
            options.template,
            region=emulation.REGION,
            secret=laptop.checkout_secret(),
            secrets={"UserSecret": f"laptop:{laptop.checkout_secret('user-secret')}"},
            parameters={
                **LAPTOP_PARAMETERS,
                "ConsentDefault": "false" if options.ask_first else "true",
            },
        )
        built = await parts.in_thread(build, stack, screen.step)
        emulator = await held.enter_async_context(parts.emulator(screen))
        await parts.in_thread(resources.create, stack, emulator.endpoint, emulation.REGION)
        running = _running(stack, options.port, emulator.endpoint)
        held.enter_context(laptop.announced(running))
        if options.seed:
            await parts.seed(screen)
        variables = {
            **resources.CREDENTIALS,
            "AWS_REGION": emulation.REGION,
            "AWS_DEFAULT_REGION": emulation.REGION,
            "AWS_ENDPOINT_URL": emulator.endpoint,
        }
        pools = await held.enter_async_context(parts.pools(stack, Home(built, variables), screen))
        await held.enter_async_context(
            parts.mappings(stack, pools, emulator.endpoint, screen, hurry)
        )
        await held.enter_async_context(parts.schedules(stack, pools, screen))
        await held.enter_async_context(parts.gateway(stack, pools, door, screen))
        _welcome(stack, running, screen, time.monotonic() - began)
        try:
            yield emulator
        finally:
            screen.step("stopping")


async def _until_it_ends(emulator: emulation.Emulator) -> None:
    while emulator.process.poll() is None:  # noqa: ASYNC110 - a process sets no event
        await asyncio.sleep(1.0)
    log = laptop.state() / "cloud/emulator.log"
    raise emulation.EmulatorError(
        f"the AWS emulator has ended by itself; its last output is in {log}"
    )


@contextlib.contextmanager
def _signals(stop: Callable[[], object], hurry: Callable[[], object]) -> Iterator[None]:
    """The first Ctrl-C or TERM calls `stop`, each later one `hurry`; both shut down cleanly."""
    loop = asyncio.get_running_loop()
    next_call = iter([stop])

    def call() -> None:
        next(next_call, hurry)()

    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(name, call)
    try:
        yield
    finally:
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.remove_signal_handler(name)


def _running(stack: Stack, port: int, endpoint: str) -> Running:
    variables = next(iter(stack.functions.values())).environment
    return Running(
        pid=os.getpid(),
        gateway=f"http://{LOOPBACK}:{port}",
        cloud=endpoint,
        region=emulation.REGION,
        site=variables["HEMLINE_SITE"],
        table=variables["HEMLINE_TABLE"],
        stream=variables["HEMLINE_STREAM"],
        bucket=variables["HEMLINE_BUCKET"],
        keys=variables["HEMLINE_KEYS"],
        consent_default=variables["HEMLINE_CONSENT_DEFAULT"] == "true",
        user_keys=variables["HEMLINE_USER_KEYS"],
        failed=next((source.destination for source in stack.sources if source.destination), ""),
    )


def _welcome(stack: Stack, running: Running, screen: Screen, seconds: float) -> None:
    for route in stack.routes:
        if route.method not in {"", "HEAD"}:
            screen.step(f"{route.method:4} {running.gateway}{route.path}")
    for schedule in stack.schedules:
        label = stack.functions[schedule.function].label
        screen.step(f"{label} runs every {schedule.seconds:g} s here")
    screen.step(f"AWS emulator at {running.cloud}; state in {laptop.state()}")
    screen.step(f"the shop is at {running.gateway}/")
    screen.step(f"ready in {seconds:.1f} s; Ctrl-C stops everything")
