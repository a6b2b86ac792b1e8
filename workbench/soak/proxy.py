"""A fault-injecting proxy in front of an emulated AWS: hangs, resets, throttles, loses answers.

Loopback only; its event loop runs in a thread of its own. Which request is hit is drawn from a seed. Some
faults last for a burst of requests of one operation, or the client's retries would hide every fault.
Knows HTTP and how AWS spells errors, and nothing of what is stored.
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
"""Requests in a burst: more than a client's tries."""
_LONG = 0.2
_RARE = {"UpdateItem": 1, "TransactWriteItems": 1, "BatchExecuteStatement": 8}
"""Operation → factor on the share of the dose; 4 for all others, as they are fewer calls."""
_Kind = TypeVar("_Kind", bound="Proxy")
_HOP = {"content-length", "transfer-encoding", "connection", "expect", "x-amz-crc32"}

ANY = ("hang", "refuse", "throttle", "error 500", "cut after the commit", "truncate")
FAULTS: Mapping[str, tuple[str, ...]] = {
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
"""Operation (for S3 the method) → the faults that it may meet."""


class Dose(NamedTuple):
    """`share` (0 to 1) of single writes are hit, `most` requests in all; a hang lasts `hang` seconds."""

    share: float = 0.05
    most: int = 1000
    hang: float = 0.5


class Message(NamedTuple):
    """A request or a response: first line, headers as received, body."""

    start: str
    headers: Sequence[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        """The value of a header (name in lower case); empty when it is missing."""
        return next((value for key, value in self.headers if key.lower() == name), "")

    def encode(self) -> bytes:
        """The bytes to send on, with one content-length and `connection: close`."""
        kept = [f"{k}: {v}\r\n" for k, v in self.headers if k.lower() not in _HOP]
        head = f"{self.start}\r\n{''.join(kept)}connection: close\r\n"
        return f"{head}content-length: {len(self.body)}\r\n\r\n".encode("latin-1") + self.body


class Proxy:
    """Passes requests to `upstream`. `endpoint` is for clients; `done` counts (operation, fault)."""

    def __init__(self, upstream: str, rng: random.Random, dose: Dose) -> None:
        where = urlsplit(upstream)
        self._upstream = (where.hostname or "", where.port or 80)
        self._rng, self._dose = rng, dose
        self._burst: dict[str, tuple[str, int]] = {}
        self._decks: dict[str, list[str]] = {operation: [] for operation in FAULTS}
        self.endpoint = ""
        self.done: Counter[tuple[str, str]] = Counter()

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        """One connection, which carries one request."""
        # Cancelled when the proxy stops: that ends a connection as a client's leaving does.
        ended = (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError)
        with contextlib.suppress(*ended):
            async with _closing(writer):
                request = await _read(reader)
                await self._answer(request, self._draw(operation_of(request)), writer)

    async def _answer(self, request: Message, fault: str, writer: StreamWriter) -> None:
        if fault == "hang":
            await asyncio.sleep(self._dose.hang)
        elif fault == "refuse":
            _reset(writer)
        elif fault in _REFUSALS:
            writer.write(refusal(fault, request))
            await writer.drain()
        else:
            await self._pass_on(request, fault, writer)

    async def _pass_on(self, request: Message, fault: str, writer: StreamWriter) -> None:
        """Carry the request out; the response may be cut, truncated or partly changed."""
        partly = _PARTLY.get(fault)
        request, out = self._part(request, partly) if partly else (request, [])
        answer = await self._forward(request)
        if fault == "cut after the commit":
            _reset(writer)
            return
        data = (_filled(answer, out, partly) if partly and out else answer).encode()
        writer.write(data[: len(data) - 1 - len(answer.body) // 2] if fault == "truncate" else data)
        await writer.drain()

    def _draw(self, operation: str) -> str:
        kind, left = self._burst.get(operation, ("", 0))
        if not left:
            if self._dose.most <= self.done.total() or operation not in FAULTS:
                return ""
            if self._rng.random() >= self._dose.share * _RARE.get(operation, 4):
                return ""
            kind = self._dealt(operation)
            # A burst of hangs would cost time and show nothing new.
            left = _BURST if kind != "hang" and self._rng.random() < _LONG else 1
        self._burst[operation] = (kind, left - 1)
        self.done[operation, kind] += 1
        return kind

    def _dealt(self, operation: str) -> str:
        """The next fault of an operation: each once before any comes again."""
        deck = self._decks[operation]
        if not deck:
            deck += self._rng.sample(FAULTS[operation], len(FAULTS[operation]))
        return deck.pop()

    async def _forward(self, request: Message) -> Message:
        reader, writer = await asyncio.open_connection(*self._upstream, limit=_LIMIT)
        async with _closing(writer):
            writer.write(request.encode())
            await writer.drain()
            return await _read(reader)

    def _part(self, request: Message, partly: "_Partly") -> tuple[Message, list[int]]:
        """The request without the members that must not be done, and the positions reported as failed."""
        body = json.loads(request.body)
        asked = body[partly.asked]
        out = [i for i in range(1, len(asked)) if self._rng.random() < 0.5]
        if partly.done:
            return request, out
        body[partly.asked] = [one for i, one in enumerate(asked) if i not in set(out)]
        return request._replace(body=json.dumps(body).encode()), out


class _Partly(NamedTuple):
    """A fault of some members of a batch."""

    asked: str
    """Field of the request that lists the members."""
    answered: str
    """Field of the response that lists them."""
    fault: Mapping[str, object]
    """What a failed member gets in the response."""
    done: bool = False
    """The member is carried out all the same."""


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
    """The operation of a JSON service, else the HTTP method."""
    target = request.header("x-amz-target")
    return target.rpartition(".")[2] or request.start.partition(" ")[0]


_CODES = {
    "throttle": (400, "ProvisionedThroughputExceededException"),
    "error 500": (500, "InternalServerError"),
    "TransactionConflict": (400, "TransactionConflictException"),
}
_REFUSALS = _CODES.keys()
_S3_CODES = {"throttle": (503, "SlowDown"), "error 500": (500, "InternalError")}


def refusal(fault: str, request: Message) -> bytes:
    """An error response as the addressed service spells it; nothing was done."""
    if not request.header("x-amz-target"):
        status, code = _S3_CODES[fault]
        return _answer(status, f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode())
    status, code = _CODES[fault]
    error: dict[str, Any] = {"__type": f"com.amazonaws.v1#{code}", "message": "a bad day"}
    if fault == "TransactionConflict" and operation_of(request) == "TransactWriteItems":
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
    """The response to a part of a batch, completed to one for the whole batch."""
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
    # With a linger time of zero, close() sends RST instead of FIN.
    writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    writer.close()


def running(upstream: str, seed: str, dose: Dose) -> AbstractContextManager[Proxy]:
    """Run a proxy for a `with` block. Faults are drawn from `seed`."""
    return listening(Proxy(upstream, random.Random(seed), dose))


@contextmanager
def listening(proxy: _Kind) -> Iterator[_Kind]:
    """Let a proxy take connections for a `with` block."""

    @asynccontextmanager
    async def served() -> AsyncIterator[_Kind]:
        listener = create_server((LOOPBACK, 0))
        server = await asyncio.start_server(proxy.serve, sock=listener, limit=_LIMIT)
        proxy.endpoint = f"http://{LOOPBACK}:{listener.getsockname()[1]}"
        yield proxy
        await drain_loop(listener)
        server.close()
        waiting = asyncio.all_tasks() - {asyncio.current_task()}
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    with run_in_background(served):
        yield proxy
