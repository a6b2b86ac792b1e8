"""Runs the unmodified AWS emulator so that acknowledged writes survive a SIGKILL.

The emulator saves tables and streams only on TERM. After a SIGKILL, withdrawn consent and tombstones
would be lost, and forgotten people would come back. So each call that writes to a table or a stream is
written to a journal before its answer is sent; a start that finds a journal repeats the calls in order.
The emulator stores objects at once by itself. When it cannot (a full disk) it only logs that; here the
caller gets an error.

A journal names the saved state that it continues, so nothing is applied twice. It is written to the
operating system but not synced: it survives a killed process, not a power failure.

Runs in the emulator's own environment, so it may import only `journal` from the project.
usage: python -m workbench.cloud.durable FOLDER CHECKPOINTS, the emulator's settings in the environment
"""

import asyncio
import base64
import contextvars
import json
import logging
import os
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from importlib import import_module
from pathlib import Path
from typing import Any

from workbench.cloud.journal import Journal, delivered, remaining_call

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

_READS = ("Get", "BatchGet", "TransactGet", "Query", "Scan", "Describe", "List", "Subscribe")
_KEPT_HEADERS = {b"authorization", b"content-type", b"host", b"x-amz-date", b"x-amz-target"}
_SERVICES = {"DynamoDB": "dynamodb", "Kinesis": "kinesis"}
_PERSIST_FAILED = "Failed to persist"
RECOVERED = "recovered.json"
"""File in which a start reports how many calls it had to repeat."""
_PATIENCE = 5.0
"""Seconds that a re-created stream may take to become active."""

_write_errors: contextvars.ContextVar[list[str] | None] = contextvars.ContextVar("write_errors")
_log = logging.getLogger("durable")


class Durable:
    """The emulator's ASGI application, wrapped with one journal per service."""

    def __init__(self, app: App, folder: Path, checkpoints: Path) -> None:
        self._app, self._folder, self._checkpoints = app, folder, checkpoints
        self._journals = {name: Journal(name, folder) for name in _SERVICES.values()}

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Handle one request, or the server's start-up and shutdown."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, self._lifespan(send))
        elif scope["type"] == "http" and (journal := self._journal(scope)):
            await self._write(journal, scope, receive, send)
        elif scope["type"] == "http" and scope["method"] in {"PUT", "POST", "DELETE"}:
            await self._object(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _lifespan(self, send: Send) -> Send:
        async def sent(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                await self._recover()
            if message["type"] == "lifespan.shutdown.complete":
                for journal in self._journals.values():
                    journal.saved_at_the_end()
            await send(message)

        return sent

    def _journal(self, scope: Message) -> Journal | None:
        """The journal for a call that may change a table or a stream; None for any other call."""
        target = next(
            (v for k, v in scope["headers"] if k.lower() == b"x-amz-target"), b""
        ).decode()
        service, _, action = target.partition(".")
        name = _SERVICES.get(service.partition("_")[0])
        return self._journals[name] if name and not action.startswith(_READS) else None

    async def _write(self, journal: Journal, scope: Message, receive: Receive, send: Send) -> None:
        body = await _whole(receive)
        # One write at a time, so that the journal has the order in which they were applied.
        async with journal.lock:
            try:
                answer = await self._written(journal, scope, body)
            except OSError as error:
                _log.error("cannot write the journal: %s", error)
                answer = _Answer.failed(str(error))
        await answer.send(send)

    async def _written(self, journal: Journal, scope: Message, body: bytes) -> "_Answer":
        """The answer, once it is durable. Raises OSError."""
        # When the disk is full, refuse before the emulator applies what the journal cannot record.
        journal.catch_up()
        answer = await self._forward(scope, body)
        if answer.status // 100 == 2:
            journal.add(_entry(scope, body, answer))
            if journal.full:
                journal.save()
        return answer

    async def _object(self, scope: Message, receive: Receive, send: Send) -> None:
        write_errors: list[str] = []
        _write_errors.set(write_errors)
        answer = await self._forward(scope, await _whole(receive))
        if write_errors and answer.status // 100 == 2:
            answer = _Answer.failed(write_errors[0])
        await answer.send(send)

    async def _forward(self, scope: Message, body: bytes) -> "_Answer":
        answer, sent = _Answer(), iter([{"type": "http.request", "body": body}])

        async def receive() -> Message:
            return next(sent, {"type": "http.disconnect"})

        await self._app(dict(scope), receive, answer.take)
        return answer

    async def _recover(self) -> None:
        """Repeat the calls acknowledged after the last save, then save the result at once."""
        counts: Counter[str] = Counter()
        done = delivered(self._checkpoints)
        for name, journal in self._journals.items():
            for entry in [*journal.entries()]:
                body = remaining_call(entry, done)
                if body is not None:
                    worked = await self._repeat(entry, body, 0 if name == "dynamodb" else _PATIENCE)
                    counts[name if worked else "failed"] += 1
            # The journal is cleared only after the save: a kill in between repeats the calls.
            journal.save() if counts else journal.begin()
        if counts:
            (self._folder / RECOVERED).write_text(json.dumps(counts))

    async def _repeat(self, entry: dict[str, Any], body: bytes, patience: float) -> bool:
        headers = [(k.encode(), v.encode("latin-1")) for k, v in entry["headers"].items()]
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http",
            "method": "POST", "path": "/", "raw_path": b"/", "query_string": b"", "root_path": "",
            "headers": headers, "client": ("127.0.0.1", 0), "server": ("127.0.0.1", 0),
        }  # fmt: skip
        until = time.monotonic() + patience
        while (await self._forward(scope, body)).status // 100 != 2:
            # A re-created stream is not active at once.
            if time.monotonic() >= until:
                return False
            await asyncio.sleep(0.05)
        return True


class _Answer:
    """The emulator's answer, held back until the write is in the journal."""

    def __init__(self) -> None:
        self._messages: list[Message] = []

    @classmethod
    def failed(cls, why: str) -> "_Answer":
        """A server error in the form that AWS uses, so that the client retries."""
        answer, body = cls(), json.dumps({"__type": "InternalServerError", "message": why}).encode()
        headers = [(b"content-type", b"application/x-amz-json-1.0")]
        start = {"type": "http.response.start", "status": 500, "headers": headers}
        answer._messages = [start, {"type": "http.response.body", "body": body}]
        return answer

    async def take(self, message: Message) -> None:
        """Collect one message of the answer."""
        self._messages.append(message)

    async def send(self, send: Send) -> None:
        """Send the whole answer."""
        for message in self._messages:
            await send(message)

    @property
    def status(self) -> int:
        """The HTTP status; 500 when the application sent none."""
        found = (m["status"] for m in self._messages if m["type"] == "http.response.start")
        return int(next(found, 500))

    @property
    def body(self) -> bytes:
        """The whole body."""
        return b"".join(m.get("body", b"") for m in self._messages)


async def _whole(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def _entry(scope: Message, body: bytes, answer: _Answer) -> dict[str, Any]:
    headers = {k.lower(): v for k, v in scope["headers"] if k.lower() in _KEPT_HEADERS}
    entry: dict[str, Any] = {
        "headers": {k.decode(): v.decode("latin-1") for k, v in headers.items()}
    }
    if b"PutRecord" in headers[b"x-amz-target"]:
        result = json.loads(answer.body)
        # Where each record went, so that a repeat can leave out those that were delivered since.
        entry["at"] = [
            [one.get("ShardId"), one.get("SequenceNumber")]
            for one in result.get("Records", [result])
        ]
    return {**entry, "body": base64.b64encode(body).decode()}


class _Listener(logging.Handler):
    """Catches the emulator's log line that an object was not stored, in the request's context."""

    def emit(self, record: logging.LogRecord) -> None:
        write_errors = _write_errors.get(None)
        if write_errors is not None and _PERSIST_FAILED in str(record.msg):
            write_errors.append(record.getMessage())


def main(folder: Path, checkpoints: Path) -> None:
    """Serve until TERM."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    logging.getLogger("s3").addHandler(_Listener())
    application = Durable(import_module("ministack.app").app, folder, checkpoints)
    config = import_module("hypercorn.config").Config()
    config.bind = [f"{os.environ['BIND_HOST']}:{os.environ['GATEWAY_PORT']}"]
    config.keep_alive_timeout = 75
    config.loglevel = os.environ["LOG_LEVEL"]
    # A long journal is repeated before the first request is answered.
    config.startup_timeout = 600
    serve = import_module("hypercorn.asyncio").serve

    async def live() -> None:
        over = asyncio.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, over.set)
        await serve(application, config, shutdown_trigger=over.wait)

    asyncio.run(live())


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
