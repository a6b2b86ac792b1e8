"""Kept-alive connections to one host, with a deadline for each call.

The deadline covers everything that a call waits for: the DNS lookup, the connection, the TLS handshake,
and an answer that drips. This module knows HTTP and sockets, not AWS. It resends a request in one case
only: a kept connection turns out to be dead before the first byte of the answer.
"""

import os
import select
import socket
import ssl
import time
from collections import deque
from functools import lru_cache
from math import inf
from typing import NamedTuple
from urllib.parse import urlsplit

from hemline.adapters.aws.resolver import Address, Addresses
from hemline.adapters.aws.response import AwsResponse, Garbled, Limit, read_answer

_KEPT = 16  # idle connections of a pool
_TRIED = 3
"""Addresses of a host that one call tries."""
_LEAST = 0.001  # seconds; a timeout of 0 would make the socket non-blocking
_IDLE = 20.0
"""Seconds; after a longer pause (a frozen function) the peer may be gone without notice."""


class AwsRequest(NamedTuple):
    """A signed request as sent; `path` includes the query and is percent-encoded."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Timeouts(NamedTuple):
    """Seconds to connect, for each wait after that, and for the whole call."""

    connect: float
    read: float
    total: float = inf
    """Lookup, connection, handshake, request and answer, and a new connection when the kept one is dead."""


class Broken(Exception):  # noqa: N818 - a state of the line, which `aws` turns into a named error
    """There is no answer. `sent` False: the request cannot have reached the service."""

    def __init__(self, reason: str, *, sent: bool) -> None:
        super().__init__(reason)
        self.sent = sent


class ConnectionPool:
    """Connections to one origin, shared by threads; the one used last is reused first."""

    def __init__(self, origin: str) -> None:
        parts = urlsplit(origin)
        host = parts.hostname or ""
        if parts.scheme not in {"http", "https"} or not host or not host.isascii():
            raise ValueError(f"not an endpoint: {origin}")
        # Bytes: for a str, the resolver and TLS would import the IDNA codec, which is slow.
        self._secure, self._host = parts.scheme == "https", host.encode()
        port = parts.port or (443 if self._secure else 80)
        self._addresses = Addresses(self._host, port)
        self.host_header = parts.netloc.rpartition("@")[2]
        self._kept: deque[tuple[socket.socket, float]] = deque()

    def send(
        self, request: AwsRequest, timeouts: Timeouts, *, again: bool, sink: bytearray | None = None
    ) -> AwsResponse:
        """Sends any method but HEAD. Raises Broken. `sink`: see `read_answer`.

        `again`: the request may be sent twice, so a dead kept connection is replaced by a new one.
        """
        data = _wire(request)
        until = time.monotonic() + timeouts.total
        line = self._take()
        if line is not None:
            try:
                return self._exchange(line, data, Limit(min(timeouts[1:]), until), sink)
            except Broken as error:
                if not (again and isinstance(error.__cause__, _DEAD)):
                    raise
        line = self._connect(min(until, time.monotonic() + timeouts.connect))
        wait = max(min(timeouts.read, until - time.monotonic()), _LEAST)
        return self._exchange(line, data, Limit(wait, until), sink)

    def drop(self) -> None:
        """Close all kept connections."""
        while self._kept:
            self._kept.pop()[0].close()
        self._addresses.expire()

    def _take(self) -> socket.socket | None:
        while self._kept:
            try:
                line, since = self._kept.pop()
            except IndexError:  # another thread took the last one
                return None
            if time.monotonic() - since < _IDLE and not _readable(line):
                return line
            line.close()
        return None

    def _connect(self, until: float) -> socket.socket:
        """A new connection, lookup and TLS handshake included, by `until` (time.monotonic)."""
        try:
            found = self._addresses.get(_left(until))[:_TRIED]
            for at, address in enumerate(found):
                # The last address may use all the time left; each earlier one gets half of it.
                share = 1 if at + 1 == len(found) else 2
                try:
                    return self._open(address, time.monotonic() + _left(until) / share, until)
                except ssl.SSLCertVerificationError:
                    raise  # the peer answers but fails the certificate check
                except OSError:
                    self._addresses.failed(address)
                    if at + 1 == len(found):
                        raise
        except OSError as error:
            raise Broken(f"no connection: {error!r}", sent=False) from error
        raise AssertionError("a host has an address")

    def _open(self, address: Address, connected: float, until: float) -> socket.socket:
        line = socket.socket(address.family, socket.SOCK_STREAM)
        try:
            line.settimeout(_left(connected))
            line.connect(address.where)
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._secure:
                line.settimeout(_left(until))
                # The host name, not the IP address: the certificate names the host.
                line = _tls().wrap_socket(line, server_hostname=self._host)
        except BaseException:
            line.close()
            raise
        return line

    def _exchange(
        self, line: socket.socket, data: bytes, limit: Limit, sink: bytearray | None
    ) -> AwsResponse:
        try:
            # Setting the timeout is a system call, reading it is not; it rarely changes between calls.
            if line.gettimeout() != limit.wait:
                line.settimeout(limit.wait)
            line.sendall(data)
            answer = read_answer(line, limit, sink)
        except (OSError, Garbled) as error:
            line.close()
            raise Broken(f"{error!r}", sent=True) from error
        if answer.last or len(self._kept) >= _KEPT:
            line.close()
        else:
            self._kept.append((line, time.monotonic()))
        return answer


def _left(until: float) -> float:
    """Seconds until then, at least _LEAST."""
    return max(until - time.monotonic(), _LEAST)


def _wire(request: AwsRequest) -> bytes:
    """The request as one byte string: two sends would be two packets."""
    head = f"{request.method} {request.path} HTTP/1.1\r\n" + "".join(
        f"{name}: {value}\r\n" for name, value in request.headers.items()
    )
    lines = len(request.headers) + 1
    if head.count("\n") != lines or head.count("\r") != lines:
        raise ValueError("a header must not hold a line break")
    return f"{head}content-length: {len(request.body)}\r\n\r\n".encode("latin-1") + request.body


_DEAD = ConnectionError
"""Reset, broken pipe, or closed before the first byte of an answer."""


def _readable(line: socket.socket) -> bool:
    # No request is open, so readable bytes mean that the peer is closing.
    poll = select.poll()
    poll.register(line, select.POLLIN)
    return bool(poll.poll(0))


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=os.environ.get("AWS_CA_BUNDLE"))


_pools: dict[str, ConnectionPool] = {}


def pool(origin: str) -> ConnectionPool:
    """The process's one pool for this origin."""
    return _pools.get(origin) or _pools.setdefault(origin, ConnectionPool(origin))


def drop_connections() -> None:
    """Closes all kept connections of all pools. After a snapshot restore their peers are gone."""
    for each in tuple(_pools.values()):
        each.drop()
