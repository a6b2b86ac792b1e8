"""The embedded AWS emulator as a child process: start it, wait until it answers, stop it.

ministack lives in its own environment (`requirements/cloud.txt`), since it pins what we do not.
It listens on loopback only. One whose state is kept runs under `durable.py`, which makes sure that what
it acknowledged outlives a kill; it saves its state when it gets TERM, so `stop` asks before it kills.
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
"""Seconds to save its state in, when we are gone."""
_START = 60.0
"""Seconds to answer in; under a second on an idle machine, more when a journal is done again."""


class EmulatorError(RuntimeError):
    """It did not start, with the end of what it said."""


class Emulator(NamedTuple):
    """A running emulator. `endpoint` is for AWS_ENDPOINT_URL."""

    endpoint: str
    process: children.Process


def free_port() -> int:
    """A port of loopback that was free a moment ago."""
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
    """Ready to be called. State lies in `folder`, and outlives the process when `keep`.

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
    """True when it saved its state and left in time; else it is killed. Safe to call again."""
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
    # Somebody else's server there would look ready to us.
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise EmulatorError(f"port {port} for the AWS emulator is taken: {error}") from None


def _end_of(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:].strip() or "it said nothing"


def _module(folder: Path, *, keep: bool) -> list[str]:
    checkpoints = folder.parent / "checkpoints.json"
    return ["workbench.cloud.durable", str(folder), str(checkpoints)] if keep else ["ministack"]


def recovered(folder: Path) -> dict[str, int]:
    """What the last start had to do again, since the emulator had been killed; told once.

    `dynamodb`: writes to tables; `kinesis`: calls that put events; `failed`: those that did not work.
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
        # Settings of our own process (endpoints, accounts, services) are not the emulator's.
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "BIND_HOST": HOST,
        "GATEWAY_PORT": str(port),
        "MINISTACK_REGION": REGION,
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
