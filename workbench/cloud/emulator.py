"""The embedded AWS emulator as a child process: start it, wait until it answers, stop it.

ministack has its own environment (`requirements/cloud.txt`), because its pins conflict with ours. It
listens on loopback only. With `keep` it runs under `durable.py`, so that acknowledged writes survive a
kill. It saves its state on TERM, so `stop` sends TERM before KILL.
Knows nothing of tables, streams or templates.
"""

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import IO, NamedTuple

from workbench import children
from workbench.laptop import ROOT

HOST = "127.0.0.1"
REGION = "us-east-1"
_POLL = 0.05
_SAVE = 30.0
"""Seconds that it has to save its state when this process is gone."""
_START = 60.0
"""Seconds until it must answer; it takes less than one, and longer when it repeats a journal."""


class EmulatorError(RuntimeError):
    """The emulator did not start; the message ends with its last output."""


class Emulator(NamedTuple):
    """A running emulator. `endpoint` is for AWS_ENDPOINT_URL."""

    endpoint: str
    process: children.Process


def free_port() -> int:
    """A loopback port that is free now; another process may still take it."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def start(
    python: Path,
    folder: Path,
    *,
    port: int | None = None,
    keep: bool = True,
    output: IO[bytes] | None = None,
) -> Emulator:
    """Start the emulator and return when it answers. Its state is in `folder`, and survives if `keep`.

    `python` is the interpreter of the emulator's own environment; what it prints goes to `output`,
    else to `folder/emulator.log`. Raises EmulatorError, and then leaves nothing running.
    """
    address = port or free_port()
    _refuse_busy(address)
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "emulator.log"
    with log.open("ab") as file:
        process = children.start(
            [str(python), "-P", "-m", *_module(folder, keep=keep)],
            grace=_SAVE,
            env=_environment(folder, address, keep=keep),
            stdin=subprocess.DEVNULL,
            stdout=output or file,
            stderr=subprocess.STDOUT,
        )
    emulator = Emulator(f"http://{HOST}:{address}", process)
    try:
        _wait(emulator, address, time.monotonic() + _START)
    except EmulatorError as error:
        stop(emulator)
        raise EmulatorError(f"{error}: {_end_of(log)}") from None
    except BaseException:
        stop(emulator)
        raise
    return emulator


def stop(emulator: Emulator, *, timeout: float = 10.0) -> bool:
    """Stop it. True when it saved its state and ended in time, else it is killed. Safe to call again."""
    process = emulator.process
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(timeout)
        return False
    return True


@contextmanager
def running(python: Path, folder: Path, *, keep: bool = False) -> Iterator[Emulator]:
    """An emulator for the length of a block; for tests and benchmarks."""
    emulator = start(python, folder, keep=keep)
    try:
        yield emulator
    finally:
        stop(emulator)


def _refuse_busy(port: int) -> None:
    # Another server on that port would look like a ready emulator.
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise EmulatorError(f"port {port} for the AWS emulator is taken: {error}") from None


def _end_of(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:].strip() or "it printed nothing"


def _module(folder: Path, *, keep: bool) -> list[str]:
    checkpoints = folder.parent / "checkpoints.json"
    return ["workbench.cloud.durable", str(folder), str(checkpoints)] if keep else ["ministack"]


def recovered(folder: Path) -> dict[str, int]:
    """How many calls the last start repeated after a kill; the second call returns nothing.

    `dynamodb`: writes to tables; `kinesis`: calls that put events; `failed`: calls that failed again.
    """
    path = folder / "recovered.json"
    try:
        found: dict[str, int] = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    path.unlink()
    return found


def _environment(folder: Path, port: int, *, keep: bool) -> dict[str, str]:
    kept = {
        "PERSIST_STATE": "1",
        "STATE_DIR": str(folder / "state"),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(folder / "objects"),
        "PYTHONPATH": str(ROOT),
    }
    return {
        # Not inherited: endpoints and accounts of our own process are not meant for the emulator.
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "BIND_HOST": HOST,
        "GATEWAY_PORT": str(port),
        "MINISTACK_REGION": REGION,
        # Not above WARNING: `durable` learns from the log that an object was not stored.
        "LOG_LEVEL": "WARNING",
        "PYTHONUNBUFFERED": "1",
        **(kept if keep else {}),
    }


def _wait(emulator: Emulator, port: int, deadline: float) -> None:
    while not _ready(port):
        status = emulator.process.poll()
        if status is not None:
            raise EmulatorError(f"the AWS emulator ended with status {status} while starting")
        if time.monotonic() > deadline:
            raise EmulatorError("the AWS emulator did not answer in time")
        time.sleep(_POLL)


def _ready(port: int) -> bool:
    connection = HTTPConnection(HOST, port, timeout=1)
    try:
        connection.request("GET", "/_ministack/ready")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
