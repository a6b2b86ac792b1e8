"""Worker processes: each runs one function in the real Lambda runtime loop, isolated from our packages.

On Linux a worker is the Runtime Interface Emulator with awslambdaric. Elsewhere there is no such binary,
and `workbench.cloud.worker` accepts the same events at the same address. Starts and stops single
processes; knows nothing of their callers.
"""

import asyncio
import contextlib
import os
import platform
import signal
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from workbench import children
from workbench.cloud.built import RUNTIME
from workbench.cloud.tasks import Say, supervise
from workbench.cloud.template import LambdaFunction
from workbench.laptop import ENVIRONMENTS, LOOPBACK, ROOT, free_ports

INVOKE = "/2015-03-31/functions/function/invocations"
"""The path at which a worker accepts events."""

_START_SECONDS = 15.0
_STOP_SECONDS = 5.0
_POLL = 0.005
_MACHINES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}
# Hidden, so that a developer sees the function's own lines.
_PLATFORM_LINES = ("START RequestId:", "END RequestId:", "REPORT RequestId:")
_BOILERPLATE = "LAMBDA_WARNING: Unhandled exception."


class WorkerError(RuntimeError):
    """A worker did not start; the message is the last line that it printed."""


class Worker(NamedTuple):
    """A running worker. It takes one request at a time."""

    url: str
    process: asyncio.subprocess.Process
    lines: "asyncio.Task[str]"
    """The task that shows its output; its result is the last line."""


def emulator_binary() -> Path | None:
    """The Runtime Interface Emulator for this machine, or None when there is none."""
    machine = _MACHINES.get(platform.machine().lower(), "")
    found = ENVIRONMENTS / f"rie/samcli/local/rapid/aws-lambda-rie-{machine}"
    return found if sys.platform == "linux" and found.exists() else None


class Home(NamedTuple):
    """What the workers of one function share."""

    built: Mapping[str, Path]
    """Logical id → built folder, for functions, layers and the runtime loop."""
    variables: Mapping[str, str]
    """Environment in addition to the template's: credentials, region, the emulator's address."""


def environment(function: LambdaFunction, home: Home) -> dict[str, str]:
    """A worker's environment: Lambda's variables and the template's, nothing of this process."""
    root = home.built[function.name]
    layers = [str(home.built[layer] / "python") for layer in function.layers]
    path = [str(root), *layers, str(home.built[RUNTIME])]
    return {
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "TZ": ":UTC",
        "LAMBDA_TASK_ROOT": str(root),
        "PYTHONPATH": os.pathsep.join(path),
        "PYTHONDONTWRITEBYTECODE": "1",
        "_HANDLER": function.handler,
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(function.timeout),
        **function.environment,
        **home.variables,
    }


def command(function: LambdaFunction, port: int, api_port: int, binary: Path | None) -> list[str]:
    """The worker's command line. `-S` hides the packages of this interpreter."""
    python = getattr(sys, "_base_executable", sys.executable)
    if binary is None:
        return [python, "-S", str(ROOT / "workbench/cloud/worker.py"), str(port)]
    # The handler is named on the command line, as on AWS.
    loop = [python, "-S", "-m", "awslambdaric", function.handler]
    listen = ["--runtime-interface-emulator-address", f"{LOOPBACK}:{port}"]
    api = ["--runtime-api-address", f"{LOOPBACK}:{api_port}"]
    return [str(binary), "--log-level", "fatal", *listen, *api, *loop]


async def start(function: LambdaFunction, home: Home, say: Say) -> Worker:
    """Start a worker and return when it listens. Raises WorkerError, and then leaves nothing running."""
    port, api_port = free_ports(2)
    process = await children.spawn(
        command(function, port, api_port, emulator_binary()),
        grace=_STOP_SECONDS,
        cwd=home.built[function.name],
        env=environment(function, home),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        limit=1 << 20,
    )
    lines = supervise(function.label, partial(_show, function.label, process, say), say)
    worker = Worker(f"http://{LOOPBACK}:{port}{INVOKE}", process, lines)
    try:
        async with asyncio.timeout(_START_SECONDS):
            await _listening(port, worker)
    except BaseException as error:
        await stop(worker)
        if isinstance(error, TimeoutError | ChildProcessError):
            raise WorkerError(f"{function.label} did not start: {await lines}") from None
        raise
    return worker


async def stop(worker: Worker) -> None:
    """Send TERM, then KILL to the whole process group. Safe to call again."""
    process = worker.process
    if process.returncode is None:
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), _STOP_SECONDS)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    # Bounded: a grandchild may still hold the output pipe open.
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asyncio.shield(worker.lines), 1.0)


async def _show(label: str, process: asyncio.subprocess.Process, say: Say) -> str:
    assert process.stdout is not None
    last = ""
    while True:
        try:
            raw = await process.stdout.readline()
        except ValueError:
            say(label, "(a line of more than 1 MB is not shown)")
            continue
        if not raw:
            return last
        # The runtime writes a traceback as one line with carriage returns.
        line = raw.decode(errors="replace").rstrip().replace("\r", "\n")
        if line and not line.startswith(_PLATFORM_LINES) and _BOILERPLATE not in line:
            last = line
            say(label, line)


async def _listening(port: int, worker: Worker) -> None:
    while True:
        if worker.process.returncode is not None:
            raise ChildProcessError(worker.process.returncode)
        try:
            _, writer = await asyncio.open_connection(LOOPBACK, port)
        except OSError:
            await asyncio.sleep(_POLL)
        else:
            writer.close()
            return
