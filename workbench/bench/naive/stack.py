"""Runs the naive function behind its own gateway, on the stores of a running stack.

`python -m workbench.bench.naive.stack PORT` serves until it gets TERM. The gateway, the runtime loop
and the number of workers are those of the stack itself.
"""

import asyncio
import os
import signal
import sys
from contextlib import AsyncExitStack
from pathlib import Path

from workbench.cloud import emulator, parts, resources
from workbench.cloud.built import build_runtime
from workbench.cloud.runtime import Home
from workbench.cloud.screen import Screen
from workbench.cloud.template import load
from workbench.laptop import ROOT, running

_FUNCTION = "FragmentsFunction"


async def serve(port: int) -> None:
    """Serve until TERM."""
    found, screen = running(), Screen(sys.stderr)
    whole = load(ROOT / "template.yaml", region=found.region, secret=found.keys, parameters={})
    function = whole.functions[_FUNCTION]._replace(handler="app.handler", layers=(), timeout=30)
    routes = tuple(route for route in whole.routes if route.function == _FUNCTION)
    stack = whole._replace(functions={_FUNCTION: function}, routes=routes, sources=(), schedules=())
    built = {_FUNCTION: Path(__file__).parent, "runtime": build_runtime(screen.step)}
    packages = [path for path in sys.path if path.endswith("site-packages")]
    path = [str(Path(__file__).parent), str(ROOT / "layers/hemline"), str(ROOT), *packages]
    variables = {
        **resources.CREDENTIALS,
        "AWS_REGION": emulator.REGION,
        "AWS_DEFAULT_REGION": emulator.REGION,
        "AWS_ENDPOINT_URL": found.cloud,
        "PYTHONPATH": os.pathsep.join([*path, str(built["runtime"])]),
    }
    over = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
    async with AsyncExitStack() as held:
        door = held.enter_context(parts.listener(port))
        pools = await held.enter_async_context(parts.pools(stack, Home(built, variables), screen))
        await held.enter_async_context(parts.gateway(stack, pools, door, screen))
        await over.wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
