"""Kept connections to one host, with deadlines that are stated for each call.

Knows HTTP and sockets; nothing of AWS. It never repeats a request, but for one case: a connection
that had been kept turns out to be dead before the answer's head has come.
"""

import os
import select
import ssl
import time
from collections import deque
from functools import lru_cache
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import NamedTuple
from urllib.parse import urlsplit

_KEPT = 16
_IDLE = 20.0
"""Seconds; a longer sleep (a frozen function) may have lost the other end without a sign."""


class Request(NamedTuple):
    """What goes out; `path` with its query, ready encoded."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Answer(NamedTuple):
    """What came back, read whole."""

    status: int
    body: bytes


class Timeouts(NamedTuple):
    """Seconds for the connection, and for each wait on it afterwards."""

    connect: float
    read: float


class Broken(Exception):  # noqa: N818 - a state of the line, which `aws` turns into a named error
    """No answer. `sent` False: the request cannot have reached the service."""

    def __init__(self, reason: str, *, sent: bool) -> None:
        super().__init__(reason)
        self.sent = sent


class Pool:
    """Connections to one origin, shared by threads; the last one used is the next."""

    def __init__(self, origin: str) -> None:
        parts = urlsplit(origin)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"not an endpoint: {origin}")
        self._secure, self._host, self._port = parts.scheme == "https", parts.hostname, parts.port
        self.host_header = parts.netloc.rpartition("@")[2]
        self._kept: deque[tuple[HTTPConnection, float]] = deque()

    def send(self, request: Request, timeouts: Timeouts, *, again: bool) -> Answer:
        """No HEAD. Raises Broken. `again`: may be sent twice, so a dead kept connection costs a new one."""
        data = _wire(request)
        connection = self._take()
        if connection is not None:
            try:
                return self._exchange(connection, data, timeouts)
            except Broken as error:
                if not (again and isinstance(error.__cause__, _DEAD)):
                    raise
        return self._exchange(self._connect(timeouts.connect), data, timeouts)

    def drop(self) -> None:
        """Close all kept connections."""
        while self._kept:
            self._kept.pop()[0].close()

    def _take(self) -> HTTPConnection | None:
        while self._kept:
            try:
                connection, since = self._kept.pop()
            except IndexError:  # another thread took the last one
                return None
            if time.monotonic() - since < _IDLE and not _readable(connection):
                return connection
            connection.close()
        return None

    def _connect(self, timeout: float) -> HTTPConnection:
        if self._secure:
            connection: HTTPConnection = HTTPSConnection(
                self._host, self._port, timeout=timeout, context=_tls()
            )
        else:
            connection = HTTPConnection(self._host, self._port, timeout=timeout)
        try:
            connection.connect()
        except OSError as error:
            connection.close()
            raise Broken(f"no connection: {error!r}", sent=False) from error
        return connection

    def _exchange(self, connection: HTTPConnection, data: bytes, waits: Timeouts) -> Answer:
        began = False
        try:
            connection.sock.settimeout(waits.read)
            connection.sock.sendall(data)
            with HTTPResponse(connection.sock) as response:
                response.begin()
                began = True
                answer = Answer(response.status, response.read())
                ends = response.will_close
        except (OSError, HTTPException) as error:
            connection.close()
            # Once the answer has begun, the other end was alive: not a dead kept connection.
            raise Broken(f"{error!r}", sent=True) from (None if began else error)
        if ends or len(self._kept) >= _KEPT:
            connection.close()
        else:
            self._kept.append((connection, time.monotonic()))
        return answer


def _wire(request: Request) -> bytes:
    """The request as one piece: http.client would send head and body apart, at twice the cost."""
    head = f"{request.method} {request.path} HTTP/1.1\r\n" + "".join(
        f"{name}: {value}\r\n" for name, value in request.headers.items()
    )
    lines = len(request.headers) + 1
    if head.count("\n") != lines or head.count("\r") != lines:
        raise ValueError("a header must not hold a line break")
    return f"{head}content-length: {len(request.body)}\r\n\r\n".encode("latin-1") + request.body


_DEAD = ConnectionError
"""Reset, broken pipe, or closed without a response (RemoteDisconnected is one of them)."""


def _readable(connection: HTTPConnection) -> bool:
    # Nothing was asked, so anything to read is the other end's goodbye.
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN)
    return bool(poll.poll(0))


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=os.environ.get("AWS_CA_BUNDLE"))


_pools: dict[str, Pool] = {}


def pool(origin: str) -> Pool:
    """The process's one pool for this origin."""
    return _pools.get(origin) or _pools.setdefault(origin, Pool(origin))


def drop_connections() -> None:
    """Close what is kept, everywhere: after a restore from a snapshot, whose peers are gone."""
    for each in tuple(_pools.values()):
        each.drop()
