"""A proxy in front of an emulated AWS that has bad days: hangs, refuses, throttles, loses answers.

Loopback only, an event loop in a thread of its own. Which request is hit is drawn from a seed; a
trouble lasts for a burst of requests of its operation, since a client that tries again would else
never show it to anybody. Knows HTTP and how AWS spells errors; nothing of what is stored.
"""

import asyncio
import contextlib
import json
import random
import struct
from asyncio import StreamReader, StreamWriter
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from socket import SO_LINGER, SOL_SOCKET, create_server
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

from workbench.background_server import drain_loop, run_in_background
from workbench.laptop import LOOPBACK

_LIMIT = 1 << 26
_BURST = 6
"""Requests that a long trouble lasts: more than a client tries."""
_LONG = 0.2
_RARE = {"UpdateItem": 1, "TransactWriteItems": 1, "BatchExecuteStatement": 8}
"""How much likelier a trouble is than the dose says; 4 times for all else that goes by the batch."""
_Kind = TypeVar("_Kind", bound="Proxy")
_HOP = {"content-length", "transfer-encoding", "connection", "expect", "x-amz-crc32"}

ANY = ("hang", "refuse", "throttle", "error 500", "cut after the commit", "truncate")
TROUBLES: Mapping[str, tuple[str, ...]] = {
    "UpdateItem": (*ANY, "TransactionConflict"),
    "TransactWriteItems": (*ANY, "TransactionConflict"),
    "BatchExecuteStatement": (
        *ANY,
        "members throttled",
        "members conflict",
        "members beaten",
        "members in doubt",
    ),
    "BatchGetItem": ANY,
    "PutRecords": (*ANY, "partly refused"),
    "PUT": ANY,
}
"""Operation (of S3 the method) → what may happen to it."""


class Dose(NamedTuple):
    """`share` of the writes meet a trouble, `most` requests in all; a hang lasts `hang` seconds."""

    share: float = 0.05
    most: int = 1000
    hang: float = 0.5


class Message(NamedTuple):
    """A request or an answer: its first line, its headers as they came, its body."""

    start: str
    headers: Sequence[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        """Empty when it is not there."""
        return next((value for key, value in self.headers if key.lower() == name), "")

    def encode(self) -> bytes:
        """As it goes on: one length, and the connection closes."""
        kept = [f"{k}: {v}\r\n" for k, v in self.headers if k.lower() not in _HOP]
        head = f"{self.start}\r\n{''.join(kept)}connection: close\r\n"
        return f"{head}content-length: {len(self.body)}\r\n\r\n".encode("latin-1") + self.body


class Proxy:
    """`endpoint` is for clients; `done` counts (operation, trouble)."""

    def __init__(self, upstream: str, rng: random.Random, dose: Dose) -> None:
        where = urlsplit(upstream)
        self._upstream = (where.hostname or "", where.port or 80)
        self._rng, self._dose = rng, dose
        self._burst: dict[str, tuple[str, int]] = {}
        self._decks: dict[str, list[str]] = {operation: [] for operation in TROUBLES}
        self.endpoint = ""
        self.done: Counter[tuple[str, str]] = Counter()

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        """One connection, which carries one request."""
        # A connection that the proxy's end cuts off has ended, like one that its client leaves.
        ended = (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError)
        with contextlib.suppress(*ended):
            async with _closing(writer):
                request = await _read(reader)
                await self._answer(request, self._draw(operation_of(request)), writer)

    async def _answer(self, request: Message, trouble: str, writer: StreamWriter) -> None:
        if trouble == "hang":
            await asyncio.sleep(self._dose.hang)
        elif trouble == "refuse":
            _reset(writer)
        elif trouble in _REFUSALS:
            writer.write(refusal(trouble, request))
            await writer.drain()
        else:
            await self._pass_on(request, trouble, writer)

    async def _pass_on(self, request: Message, trouble: str, writer: StreamWriter) -> None:
        """What is done, though its answer may not arrive whole."""
        partly = _PARTLY.get(trouble)
        request, out = self._part(request, partly) if partly else (request, [])
        answer = await self._forward(request)
        if trouble == "cut after the commit":
            _reset(writer)
            return
        data = (_filled(answer, out, partly) if partly and out else answer).encode()
        writer.write(
            data[: len(data) - 1 - len(answer.body) // 2] if trouble == "truncate" else data
        )
        await writer.drain()

    def _draw(self, operation: str) -> str:
        kind, left = self._burst.get(operation, ("", 0))
        if not left:
            if self._dose.most <= self.done.total() or operation not in TROUBLES:
                return ""
            if self._rng.random() >= self._dose.share * _RARE.get(operation, 4):
                return ""
            kind = self._dealt(operation)
            # A long silence would only cost time.
            left = _BURST if kind != "hang" and self._rng.random() < _LONG else 1
        self._burst[operation] = (kind, left - 1)
        self.done[operation, kind] += 1
        return kind

    def _dealt(self, operation: str) -> str:
        """Each trouble of an operation once before any comes again."""
        deck = self._decks[operation]
        if not deck:
            deck += self._rng.sample(TROUBLES[operation], len(TROUBLES[operation]))
        return deck.pop()

    async def _forward(self, request: Message) -> Message:
        reader, writer = await asyncio.open_connection(*self._upstream, limit=_LIMIT)
        async with _closing(writer):
            writer.write(request.encode())
            await writer.drain()
            return await _read(reader)

    def _part(self, request: Message, partly: "_Partly") -> tuple[Message, list[int]]:
        """The request with what is to be done of it, and the positions of what is reported as not."""
        body = json.loads(request.body)
        asked = body[partly.asked]
        out = [i for i in range(1, len(asked)) if self._rng.random() < 0.5]
        if partly.done:
            return request, out
        body[partly.asked] = [one for i, one in enumerate(asked) if i not in set(out)]
        return request._replace(body=json.dumps(body).encode()), out


class _Partly(NamedTuple):
    """A trouble of some members of a batch: where they lie in request and answer, what they get."""

    asked: str
    answered: str
    fault: Mapping[str, object]
    done: bool = False
    """Though it is done."""


def _member(code: str, *, done: bool = False) -> _Partly:
    fault = {"Error": {"Code": code, "Message": "a bad day"}}
    return _Partly("Statements", "Responses", fault, done)


_PARTLY: Mapping[str, _Partly] = {
    "partly refused": _Partly(
        "Records",
        "Records",
        {"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "a bad day"},
    ),
    "members throttled": _member("ProvisionedThroughputExceeded"),
    "members conflict": _member("TransactionConflict"),
    "members beaten": _member("ConditionalCheckFailed"),
    "members in doubt": _member("InternalServerError", done=True),
}


def operation_of(request: Message) -> str:
    """Of a JSON service the operation, else the method."""
    target = request.header("x-amz-target")
    return target.rpartition(".")[2] or request.start.partition(" ")[0]


_CODES = {
    "throttle": (400, "ProvisionedThroughputExceededException"),
    "error 500": (500, "InternalServerError"),
    "TransactionConflict": (400, "TransactionConflictException"),
}
_REFUSALS = _CODES.keys()
_S3_CODES = {"throttle": (503, "SlowDown"), "error 500": (500, "InternalError")}


def refusal(trouble: str, request: Message) -> bytes:
    """An error as the service that was asked spells it; nothing was done."""
    if not request.header("x-amz-target"):
        status, code = _S3_CODES[trouble]
        return _answer(status, f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode())
    status, code = _CODES[trouble]
    error: dict[str, Any] = {"__type": f"com.amazonaws.v1#{code}", "message": "a bad day"}
    if trouble == "TransactionConflict" and operation_of(request) == "TransactWriteItems":
        items = json.loads(request.body)["TransactItems"]
        reasons = [{"Code": "TransactionConflict"}] + [{"Code": "None"}] * (len(items) - 1)
        error["__type"] = "com.amazonaws.v1#TransactionCanceledException"
        error["CancellationReasons"] = reasons
    return _answer(status, json.dumps(error).encode())


def _answer(status: int, body: bytes) -> bytes:
    return Message(
        f"HTTP/1.1 {status} X", [("content-type", "application/x-amz-json-1.0")], body
    ).encode()


def _filled(answer: Message, out: Sequence[int], partly: _Partly) -> Message:
    """The answer to a part, as one to the whole."""
    body = json.loads(answer.body)
    held = body[partly.answered]
    if partly.done:
        found = [partly.fault if i in out else one for i, one in enumerate(held)]
    else:
        rest = iter(held)
        found = [partly.fault if i in out else next(rest) for i in range(len(held) + len(out))]
    body[partly.answered] = found
    if "FailedRecordCount" in body:
        body["FailedRecordCount"] = len(out)
    return answer._replace(body=json.dumps(body).encode())


async def _read(reader: StreamReader) -> Message:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    start, *lines = head.rstrip("\r\n").split("\r\n")
    headers = [(name, value.strip()) for name, _, value in (x.partition(":") for x in lines)]
    message = Message(start, headers, b"")
    if "chunked" in message.header("transfer-encoding").lower():
        return message._replace(body=b"".join([part async for part in _chunks(reader)]))
    return message._replace(
        body=await reader.readexactly(int(message.header("content-length") or 0))
    )


async def _chunks(reader: StreamReader) -> AsyncIterator[bytes]:
    while size := int((await reader.readline()).partition(b";")[0], 16):
        yield await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readline()


@asynccontextmanager
async def _closing(writer: StreamWriter) -> AsyncIterator[None]:
    try:
        yield
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


def _reset(writer: StreamWriter) -> None:
    # Lingering for zero seconds makes close() send a reset, not a goodbye.
    writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    writer.close()


def running(upstream: str, seed: str, dose: Dose) -> AbstractContextManager[Proxy]:
    """A proxy for the length of a block."""
    return listening(Proxy(upstream, random.Random(seed), dose))


@contextmanager
def listening(proxy: _Kind) -> Iterator[_Kind]:
    """It takes connections for the length of a block."""

    @asynccontextmanager
    async def served() -> AsyncIterator[_Kind]:
        door = create_server((LOOPBACK, 0))
        server = await asyncio.start_server(proxy.serve, sock=door, limit=_LIMIT)
        proxy.endpoint = f"http://{LOOPBACK}:{door.getsockname()[1]}"
        yield proxy
        await drain_loop(door)
        server.close()
        waiting = asyncio.all_tasks() - {asyncio.current_task()}
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    with run_in_background(served):
        yield proxy
