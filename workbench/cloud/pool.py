"""A few workers of one function behind one queue, as Lambda's concurrency would be.

A worker takes one request at a time (two at once break the emulator), so a caller waits for an
idle one; when too many wait already, or one has waited so long that nobody wants its answer any
more, the call is refused as Lambda refuses it. What a worker says is read for failure: a timeout or
an exception comes back with HTTP status 200.
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
"""How long past its timeout a function may stay silent before its worker is killed."""
_TIMED_OUT = "Task timed out"
_QUEUE = 16
"""Calls that may wait for a worker, for each of them: about a tenth of a second of work."""
_PATIENCE_SECONDS = 2.0
"""How long a call may wait: a page has given up by then, and its answer would be work for nothing."""


class Busy(Exception):  # noqa: N818 - Lambda's TooManyRequestsException
    """All workers are taken, and the queue is full or does not move."""


class InvokeResult(NamedTuple):
    """What an invocation came to."""

    body: bytes
    error: str | None = None
    """None when the handler returned; else why it did not."""


def read_answer(status: int, body: bytes) -> InvokeResult:
    """Tell a result from a failure, which the emulator reports with status 200 as well."""
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
        self._queue = size * _QUEUE if queue is None else queue
        self._idle: asyncio.Queue[Worker] = asyncio.Queue()
        self._workers: set[Worker] = set()
        self._calls: set[asyncio.Task[InvokeResult]] = set()
        self._repairs: set[asyncio.Task[None]] = set()
        self._waiting = 0
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Every worker listens. Raises WorkerError."""
        # A request that is sent again because a kept socket was stale would run a function twice.
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
                worker = await self._living()
        except TimeoutError:
            raise Busy(self.function.name) from None
        finally:
            self._waiting -= 1
        call = run_once(self.function.label, self._call(worker, event), self._say)
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)
        # The caller may go away; the worker is busy until its function has answered all the same.
        return await asyncio.shield(call)

    async def _living(self) -> Worker:
        """An idle worker; one that ended while it had nothing to do is replaced, not asked."""
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
            # It may still run: what comes next gets a fresh one.
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
        """Twice at most: somebody else may take a port between its choice and its use."""
        try:
            return await start(self.function, self._home, self._say)
        except WorkerError:
            return await start(self.function, self._home, self._say)


def _short(body: bytes) -> str:
    return body[:200].decode(errors="replace")
