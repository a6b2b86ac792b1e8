"""`bench serve`: a fragment through the gateway and the real Lambda runtime loop.

Takes the stack that `hemline run` has up, else starts one that is thrown away. A visitor of its own
clicks a few things first, so that the model answers. CPU is that of the whole stack (gateway,
runtime, function, emulator), read from /proc; where there is none it says 0.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import msgspec

from hemline.runtime.identity import sign_visitor
from workbench.bench.measure import Row, rounds, row
from workbench.demo.catalogue import by_id
from workbench.laptop import NotRunning, Running, free_ports, running

CANDIDATES = 100
SLOT = "for-you"
_START = 240.0
_LEARN = 30.0
_CALLS = 60


class NotLearnedError(RuntimeError):
    """The clicks never reached the answer."""


def rows(*, repeats: int = 5) -> list[Row]:
    """Hot and paced, one request at a time."""
    with _stack() as stack:
        ask = _Shopper(stack)
        ask.learn()
        clock = _cpu_of(stack.pid)
        variants = {"hemline": ask.fragment}
        calls = dict.fromkeys(variants, _CALLS)
        hot = rounds(variants, calls=calls, repeats=repeats, clock=clock)
        paced = rounds(variants, calls=calls, repeats=repeats, paced=True, clock=clock)
        ask.close()
    return [
        *(row(name, CANDIDATES, samples) for name, samples in hot.items()),
        *(row(f"{name} paced", CANDIDATES, samples) for name, samples in paced.items()),
    ]


class _Shopper:
    """One visitor with one kept connection to the gateway."""

    def __init__(self, stack: Running) -> None:
        parts = urlsplit(stack.gateway)
        self._line = HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        keys = tuple(key.encode() for key in stack.keys.split(","))
        self._headers = {
            "hemline-visitor": sign_visitor(f"bench-{os.getpid()}", keys),
            "content-type": "application/json",
        }
        self._items = list(by_id())[:CANDIDATES]
        want = {"name": SLOT, "candidates": self._items}
        self._body = json.dumps({"page": {"type": "home"}, "slots": [want], "format": "html"})

    def learn(self) -> None:
        """Click, and wait until the model answers. Raises NotLearnedError."""
        now = time.time_ns() // 1_000_000
        events = [
            {"id": f"bench-{now}-{n}", "type": "click", "time": now - n, "item": item}
            for n, item in enumerate(self._items[:8])
        ]
        self._post("/v1/events", json.dumps({"events": events}))
        until = time.monotonic() + _LEARN
        while self.fragment()["fragments"][SLOT]["rung"] != "model":
            if time.monotonic() > until:
                raise NotLearnedError("the model never answered: is an edition with a ranker live?")
            time.sleep(0.2)

    def fragment(self) -> dict[str, dict[str, dict[str, object]]]:
        """One answer."""
        answer: dict[str, dict[str, dict[str, object]]] = json.loads(
            self._post("/v1/fragments", self._body)
        )
        return answer

    def close(self) -> None:
        """Hang up."""
        self._line.close()

    def _post(self, path: str, body: str) -> bytes:
        self._line.request("POST", path, body, self._headers)
        response = self._line.getresponse()
        data = response.read()
        if response.status >= 300:
            raise RuntimeError(f"{path} answered {response.status}: {data[:200]!r}")
        return data


@contextmanager
def _stack() -> Iterator[Running]:
    try:
        found = running()
    except NotRunning:
        with TemporaryDirectory() as folder, _throw_away(Path(folder)) as started:
            yield started
    else:
        yield found


@contextmanager
def _throw_away(folder: Path) -> Iterator[Running]:
    (port,) = free_ports(1)
    print("starting a stack for this benchmark", file=sys.stderr)
    process = subprocess.Popen(
        [sys.executable, "-m", "workbench.cli", "run", "--port", str(port)],
        env={**os.environ, "HEMLINE_STATE": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield _announced(process, folder / "run.json", port)
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def _announced(process: "subprocess.Popen[bytes]", path: Path, port: int) -> Running:
    until = time.monotonic() + _START
    while process.poll() is None and time.monotonic() < until:
        if path.exists() and _answers(port):
            return msgspec.json.decode(path.read_bytes(), type=Running)
        time.sleep(0.2)
    raise RuntimeError("the stack did not start: try `hemline run`, which shows why")


def _answers(port: int) -> bool:
    line = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        line.request("GET", f"/v1/fragments/{SLOT}")
        return line.getresponse().status == 200
    except OSError:
        return False
    finally:
        line.close()


def _cpu_of(root: int) -> Callable[[], float]:
    """A clock: CPU seconds of a process and all below it."""
    tick = os.sysconf("SC_CLK_TCK")

    def seconds() -> float:
        parents: dict[int, int] = {}
        used: dict[int, int] = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except OSError:  # it has just ended
                continue
            number = int(stat.parent.name)
            parents[number], used[number] = int(fields[1]), int(fields[11]) + int(fields[12])
        return sum(used[n] for n in used if _below(n, root, parents)) / tick

    return seconds


def _below(number: int, root: int, parents: dict[int, int]) -> bool:
    while number and number != root:
        number = parents.get(number, 0)
    return number == root
