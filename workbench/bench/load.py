"""A load generator in its own process: requests at a fixed rate over kept connections.

`python -m workbench.bench.load` reads a LoadSpec as JSON from standard input and prints a tally as one JSON
object. The loop is open, like real traffic: no request waits for the answer of another. It must cost little
compared with what it measures, so it writes HTTP itself and reads only status and length.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec

from workbench import children
from workbench.laptop import ROOT

PATIENCE = 1.0
"""Seconds after which an answer is too late for a page."""
_LINES = 192
"""Connections, as many as a few dozen browsers keep open."""


class Tally(msgspec.Struct, frozen=True):
    """The outcome of a load."""

    asked: float
    """Requests per second that were due."""
    sent: float
    """Requests per second that found a free connection."""
    good: float
    """Answers per second with status 200 within `PATIENCE`."""
    shed: float
    """Answers per second with status 503."""
    other: dict[str, int]
    """Any other outcome of a request → how often."""
    unpolite: int
    """Answers with status 503 but no Retry-After."""
    p50_ms: float
    """Latency of the good answers."""
    p99_ms: float
    """Latency of the good answers."""


class LoadSpec(NamedTuple):
    """One request to repeat for `seconds`: `rate` per second, or with 0 as fast as `lines` answer."""

    url: str
    rate: float
    seconds: float
    body: str
    visitor: str = ""
    lines: int = _LINES


def load(ask: LoadSpec) -> Tally:
    """Run a load in another process and return its tally."""
    done = children.run(
        [sys.executable, "-m", "workbench.bench.load"],
        given=json.dumps(ask._asdict()),
        capture=True,
        text=True,
        check=True,
        cwd=ROOT,
        timeout=ask.seconds + 60,
    )
    return msgspec.json.decode(done.stdout, type=Tally)


class _Connection(asyncio.Protocol):
    """One connection; it sends one request at a time."""

    def __init__(self, pool: "_LoadRun") -> None:
        self._pool = pool
        self._began = 0.0
        self._data = b""
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def send(self, request: bytes) -> None:
        """Send a request and start its clock."""
        assert self.transport is not None
        self._began, self._data = time.perf_counter(), b""
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._data += data
        head, end, rest = self._data.partition(b"\r\n\r\n")
        if not end:
            return
        lower = head.lower()
        start = lower.find(b"content-length:")
        length = int(lower[start + 15 :].partition(b"\r\n")[0]) if start >= 0 else 0
        if len(rest) >= length:
            status = int(head[9:12])
            polite = status != 503 or b"retry-after:" in lower
            self._pool.answered(self, status, time.perf_counter() - self._began, polite=polite)

    def connection_lost(self, exc: Exception | None) -> None:
        self._pool.lost(self, exc)


class _LoadRun:
    """All connections, and the outcomes of their requests."""

    def __init__(self, ask: LoadSpec, request: bytes) -> None:
        self._ask, self._request = ask, request
        self._free: list[_Connection] = []
        self._good: list[float] = []
        self._ends: Counter[str] = Counter()
        self._sent = self._unpolite = 0
        self._over = False

    async def run(self) -> Tally:
        where, loop = urlsplit(self._ask.url), asyncio.get_running_loop()
        for _ in range(self._ask.lines):
            host, port = where.hostname or "", where.port or 80
            _, line = await loop.create_connection(lambda: _Connection(self), host, port)
            self._free.append(line)
        everything = list(self._free)
        began = time.perf_counter()
        due = await self._ask_all(began)
        took = time.perf_counter() - began
        self._over = True
        await asyncio.sleep(PATIENCE)
        self._ends["no answer"] += len(everything) - len(self._free)
        for line in everything:
            if line.transport:
                line.transport.abort()
        return self._tally(due, took)

    async def _ask_all(self, began: float) -> int:
        if not self._ask.rate:
            for line in [*self._free]:
                self._next(line)
            await asyncio.sleep(self._ask.seconds)
            return self._sent
        due = 0
        while (now := time.perf_counter() - began) < self._ask.seconds:
            while due < now * self._ask.rate:
                due += 1
                if self._free:
                    self._next(self._free[-1])
            # Sends what is due in small bursts: one timer per request would cost too much CPU.
            await asyncio.sleep(0.002)
        return due

    def _next(self, line: _Connection) -> None:
        self._free.remove(line)
        self._sent += 1
        line.send(self._request)

    def answered(self, line: _Connection, status: int, took: float, *, polite: bool) -> None:
        """Count the answer that a connection has received."""
        self._free.append(line)
        self._unpolite += not polite
        if status == 200 and took <= PATIENCE:
            self._good.append(took)
        else:
            self._ends[str(status) if status != 200 else "late"] += 1
        if not self._ask.rate and not self._over:
            self._next(line)

    def lost(self, line: _Connection, error: Exception | None) -> None:
        """Count a connection that was closed."""
        if not self._over:
            self._ends[f"lost: {type(error).__name__}"] += 1
            if line in self._free:
                self._free.remove(line)

    def _tally(self, due: int, took: float) -> Tally:
        shed, good = self._ends.pop("503", 0), sorted(self._good)
        ends = {name: count for name, count in self._ends.items() if count}
        return Tally(
            round(due / took, 1), round(self._sent / took, 1), round(len(good) / took, 1),
            round(shed / took, 1), ends, self._unpolite, _at(good, 0.5), _at(good, 0.99),
        )  # fmt: skip


def _at(values: Sequence[float], share: float) -> float:
    """A percentile of sorted seconds, in ms; 0 when there are none."""
    return round(values[min(len(values) - 1, int(len(values) * share))] * 1000, 1) if values else 0


def _request(ask: LoadSpec) -> bytes:
    where = urlsplit(ask.url)
    head = (
        f"POST {where.path} HTTP/1.1\r\nhost: {where.netloc}\r\ncontent-type: application/json\r\n"
        f"hemline-visitor: {ask.visitor}\r\ncontent-length: {len(ask.body.encode())}\r\n\r\n"
    )
    return head.encode() + ask.body.encode()


def main() -> None:
    """Run the load that standard input describes."""
    ask = LoadSpec(**json.loads(sys.stdin.read()))
    print(msgspec.json.encode(asyncio.run(_LoadRun(ask, _request(ask)).run())).decode())


if __name__ == "__main__":
    main()
