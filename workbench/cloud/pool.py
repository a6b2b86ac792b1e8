"""A pool of workers of one function behind one queue; stands for Lambda's concurrency limit.

A worker takes one request at a time (two at once break the runtime emulator), so callers wait for an
idle worker. When the queue is full, or a call has waited too long, it is refused as Lambda would.
Answers are inspected for failures, because the emulator reports timeouts and exceptions with status 200.
"""

import asyncio
import contextlib
import json
from functools import partial
from typing import NamedTuple

import aiohttp

from workbench.cloud.runtime import Home, Worker, WorkerError, start, stop
from workbench.cloud.tasks import Say, run_once, supervise
from workbench.cloud.template import LambdaFunction

_GRACE_SECONDS = 5.0
"""How long after its timeout a function may still answer before its worker is killed."""
_TIMED_OUT = "Task timed out"
_QUEUE_PER_WORKER = 16
"""Calls that may wait per worker: about a tenth of a second of work."""
_PATIENCE_SECONDS = 2.0
"""How long a call may wait; by then the page has given up, and the answer would be wasted work."""


class Busy(Exception):  # noqa: N818 - Lambda's TooManyRequestsException
    """All workers are busy, and the queue is full or does not move."""


class InvokeResult(NamedTuple):
    """The result of an invocation."""

    body: bytes
    error: str | None = None
    """None when the handler returned, else the reason."""


def read_answer(status: int, body: bytes) -> InvokeResult:
    """Distinguish a result from a failure: the emulator reports both with status 200."""
    if status != 200:
        return InvokeResult(body, f"the runtime answered {status}: {_short(body)}")
    if body.startswith(_TIMED_OUT.encode()):
        return InvokeResult(body, body.decode(errors="replace"))
    if b'"errorType"' in body:
        with contextlib.suppress(ValueError):
            said = json.loads(body)
            if isinstance(said, dict) and "errorType" in said and "statusCode" not in said:
                return InvokeResult(body, f"{said['errorType']}: {said.get('errorMessage', '')}")
    return InvokeResult(body)


class WorkerPool:
    """Workers of one function. `start` before the first `invoke`; `stop` ends every process."""

    def __init__(
        self,
        function: LambdaFunction,
        home: Home,
        say: Say,
        *,
        size: int = 1,
        queue: int | None = None,
    ) -> None:
        self.function = function
        self._home, self._say, self._size = home, say, size
        self._queue = size * _QUEUE_PER_WORKER if queue is None else queue
        self._idle: asyncio.Queue[Worker] = asyncio.Queue()
        self._workers: set[Worker] = set()
        self._calls: set[asyncio.Task[InvokeResult]] = set()
        self._repairs: set[asyncio.Task[None]] = set()
        self._waiting = 0
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Start every worker and wait until it listens. Raises WorkerError."""
        # No keep-alive: aiohttp would resend on a stale connection and run the function twice.
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True))
        await asyncio.gather(*(self._add() for _ in range(self._size)))

    async def stop(self) -> None:
        """Let running calls end (bounded by their timeout), then end every process."""
        for repair in self._repairs:
            repair.cancel()
        await asyncio.gather(*self._repairs, return_exceptions=True)
        if self._calls:
            await asyncio.wait(self._calls, timeout=_GRACE_SECONDS)
        await asyncio.gather(*(stop(worker) for worker in self._workers))
        self._workers.clear()
        if self._session:
            await self._session.close()

    def full(self) -> bool:
        """Whether one more call would be refused."""
        return self._waiting >= self._queue

    async def invoke(self, event: bytes) -> InvokeResult:
        """Call the function. Raises Busy."""
        if self.full():
            raise Busy(self.function.name)
        self._waiting += 1
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                worker = await self._take_idle()
        except TimeoutError:
            raise Busy(self.function.name) from None
        finally:
            self._waiting -= 1
        call = run_once(self.function.label, self._call(worker, event), self._say)
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)
        # If the caller goes away, the worker is still busy until its function has answered.
        return await asyncio.shield(call)

    async def _take_idle(self) -> Worker:
        """Wait for an idle worker; replace those whose process has ended in the meantime."""
        while (worker := await self._idle.get()).process.returncode is not None:
            self._say(self.function.label, f"ended by itself ({worker.process.returncode})")
            self._repair(worker)
        return worker

    async def _call(self, worker: Worker, event: bytes) -> InvokeResult:
        assert self._session is not None
        patience = aiohttp.ClientTimeout(total=self.function.timeout + _GRACE_SECONDS)
        try:
            async with self._session.post(worker.url, data=event, timeout=patience) as response:
                found = read_answer(response.status, await response.read())
        except (aiohttp.ClientError, TimeoutError) as error:
            self._repair(worker)
            return InvokeResult(b"", f"the runtime is gone: {type(error).__name__}")
        except BaseException:
            self._repair(worker)
            raise
        if found.error and found.error.startswith(_TIMED_OUT):
            # The handler may still be running, so the next call gets a new worker.
            self._repair(worker)
        else:
            self._release(worker)
        return found

    def _release(self, worker: Worker) -> None:
        if worker.process.returncode is None:
            self._idle.put_nowait(worker)
        else:
            self._repair(worker)

    def _repair(self, worker: Worker) -> None:
        repair = supervise(self.function.label, partial(self._replace, worker), self._say)
        self._repairs.add(repair)
        repair.add_done_callback(self._repairs.discard)

    async def _replace(self, worker: Worker) -> None:
        self._workers.discard(worker)
        await stop(worker)
        await self._add()

    async def _add(self) -> None:
        worker = await self._start()
        self._workers.add(worker)
        self._idle.put_nowait(worker)

    async def _start(self) -> Worker:
        """Start a worker, with one retry: another process may take its port before it listens."""
        try:
            return await start(self.function, self._home, self._say)
        except WorkerError:
            return await start(self.function, self._home, self._say)


def _short(body: bytes) -> str:
    return body[:200].decode(errors="replace")
