"""Runs the AWS emulator as it is shipped, and keeps what it acknowledged though it is killed.

By itself it saves tables and streams when it gets TERM and at no other time: after a SIGKILL, refusals
and tombstones would be gone, and the forgotten would come back. So each call that writes to a table or
a stream is also put into a journal before its answer leaves, and a start that finds a journal makes
the same calls again, in the same order. Objects are the emulator's own matter: it stores each at once;
where it cannot (a full disk) it only says so in its log, and here the caller hears of it.

A journal belongs to one saved state and names it, so nothing is done twice. It is handed to the
operating system, not to the platter: it outlives a killed process, not a power failure.

For the emulator's own environment: it may import nothing of the project but `journal`.
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
_KEPT = {b"authorization", b"content-type", b"host", b"x-amz-date", b"x-amz-target"}
_SERVICES = {"DynamoDB": "dynamodb", "Kinesis": "kinesis"}
_NOT_KEPT = "Failed to persist"
RECOVERED = "recovered.json"
"""What a start had to do again, for whoever started it."""
_PATIENCE = 5.0
"""Seconds for a stream that was made again to become active."""

_troubles: contextvars.ContextVar[list[str] | None] = contextvars.ContextVar("troubles")
_log = logging.getLogger("durable")


class Durable:
    """The emulator's application with journals around it."""

    def __init__(self, app: App, folder: Path, checkpoints: Path) -> None:
        self._app, self._folder, self._checkpoints = app, folder, checkpoints
        self._journals = {name: Journal(name, folder) for name in _SERVICES.values()}

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request, or the server's own life."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, self._alive(send))
        elif scope["type"] == "http" and (journal := self._journal(scope)):
            await self._write(journal, scope, receive, send)
        elif scope["type"] == "http" and scope["method"] in {"PUT", "POST", "DELETE"}:
            await self._object(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _alive(self, send: Send) -> Send:
        async def sent(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                await self._recover()
            if message["type"] == "lifespan.shutdown.complete":
                for journal in self._journals.values():
                    journal.saved_at_the_end()
            await send(message)

        return sent

    def _journal(self, scope: Message) -> Journal | None:
        """Of a call that may change a table or a stream."""
        target = next(
            (v for k, v in scope["headers"] if k.lower() == b"x-amz-target"), b""
        ).decode()
        service, _, action = target.partition(".")
        name = _SERVICES.get(service.partition("_")[0])
        return self._journals[name] if name and not action.startswith(_READS) else None

    async def _write(self, journal: Journal, scope: Message, receive: Receive, send: Send) -> None:
        body = await _whole(receive)
        # One at a time: the journal has the order in which they were done.
        async with journal.lock:
            try:
                answer = await self._written(journal, scope, body)
            except OSError as error:
                _log.error("cannot write the journal: %s", error)
                answer = _Answer.failed(str(error))
        await answer.send(send)

    async def _written(self, journal: Journal, scope: Message, body: bytes) -> "_Answer":
        """The answer, once it is durable. Raises OSError."""
        # On a disk that is known to be full nothing is done that could not be kept.
        journal.catch_up()
        answer = await self._ask(scope, body)
        if answer.status // 100 == 2:
            journal.add(_entry(scope, body, answer))
            if journal.full:
                journal.save()
        return answer

    async def _object(self, scope: Message, receive: Receive, send: Send) -> None:
        troubles: list[str] = []
        _troubles.set(troubles)
        answer = await self._ask(scope, await _whole(receive))
        if troubles and answer.status // 100 == 2:
            answer = _Answer.failed(troubles[0])
        await answer.send(send)

    async def _ask(self, scope: Message, body: bytes) -> "_Answer":
        answer, sent = _Answer(), iter([{"type": "http.request", "body": body}])

        async def receive() -> Message:
            return next(sent, {"type": "http.disconnect"})

        await self._app(dict(scope), receive, answer.take)
        return answer

    async def _recover(self) -> None:
        """Do again what was acknowledged after the last save, and save at once what came of it."""
        counts: Counter[str] = Counter()
        done = delivered(self._checkpoints)
        for name, journal in self._journals.items():
            for entry in [*journal.entries()]:
                body = remaining_call(entry, done)
                if body is not None:
                    worked = await self._again(entry, body, 0 if name == "dynamodb" else _PATIENCE)
                    counts[name if worked else "failed"] += 1
            # Not said to be done before it is: a kill in between does it once more.
            journal.save() if counts else journal.begin()
        if counts:
            (self._folder / RECOVERED).write_text(json.dumps(counts))

    async def _again(self, entry: dict[str, Any], body: bytes, patience: float) -> bool:
        headers = [(k.encode(), v.encode("latin-1")) for k, v in entry["headers"].items()]
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http",
            "method": "POST", "path": "/", "raw_path": b"/", "query_string": b"", "root_path": "",
            "headers": headers, "client": ("127.0.0.1", 0), "server": ("127.0.0.1", 0),
        }  # fmt: skip
        until = time.monotonic() + patience
        while (await self._ask(scope, body)).status // 100 != 2:
            # A stream that was made again takes a moment.
            if time.monotonic() >= until:
                return False
            await asyncio.sleep(0.05)
        return True


class _Answer:
    """What the emulator answered, held back until it is durable."""

    def __init__(self) -> None:
        self._messages: list[Message] = []

    @classmethod
    def failed(cls, why: str) -> "_Answer":
        """A fault, as AWS has them: whoever called tries again."""
        answer, body = cls(), json.dumps({"__type": "InternalServerError", "message": why}).encode()
        headers = [(b"content-type", b"application/x-amz-json-1.0")]
        start = {"type": "http.response.start", "status": 500, "headers": headers}
        answer._messages = [start, {"type": "http.response.body", "body": body}]
        return answer

    async def take(self, message: Message) -> None:
        """One message of it."""
        self._messages.append(message)

    async def send(self, send: Send) -> None:
        """All of it."""
        for message in self._messages:
            await send(message)

    @property
    def status(self) -> int:
        """500 when there was none."""
        found = (m["status"] for m in self._messages if m["type"] == "http.response.start")
        return int(next(found, 500))

    @property
    def body(self) -> bytes:
        """Whole."""
        return b"".join(m.get("body", b"") for m in self._messages)


async def _whole(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def _entry(scope: Message, body: bytes, answer: _Answer) -> dict[str, Any]:
    headers = {k.lower(): v for k, v in scope["headers"] if k.lower() in _KEPT}
    entry: dict[str, Any] = {
        "headers": {k.decode(): v.decode("latin-1") for k, v in headers.items()}
    }
    if b"PutRecord" in headers[b"x-amz-target"]:
        said = json.loads(answer.body)
        entry["at"] = [
            [one.get("ShardId"), one.get("SequenceNumber")] for one in said.get("Records", [said])
        ]
    return {**entry, "body": base64.b64encode(body).decode()}


class _Listener(logging.Handler):
    """Hears that an object was not stored, in the context of the request that it came with."""

    def emit(self, record: logging.LogRecord) -> None:
        troubles = _troubles.get(None)
        if troubles is not None and _NOT_KEPT in str(record.msg):
            troubles.append(record.getMessage())


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
    # A long journal is done again before anybody is answered.
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
