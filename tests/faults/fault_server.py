"""A small server that answers as AWS does on its bad days, in the order a test writes down.

Raw sockets, since the faults are below HTTP: a reset, a silence, half an answer.
"""

import json
import socket
import ssl
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from hemline.adapters.aws.connections import drop_connections


class Seen(NamedTuple):
    """One request as it arrived. `connection` counts from 1 in order of accepting."""

    connection: int
    target: str
    body: Any
    headers: dict[str, str]


Step = Callable[[socket.socket, threading.Event], bool]
"""Does one thing to a request; True when the connection may go on."""


def answer(body: Any, status: int = 200) -> Step:
    """A whole answer."""
    return lambda line, _: _send(line, status, _encode(body))


def fault(code: str, status: int = 400) -> Step:
    """An error in DynamoDB's and Kinesis's spelling."""
    return answer({"__type": f"com.amazonaws.v1#{code}", "message": "fault"}, status)


def throttle() -> Step:
    """Too much asked of a table or a shard."""
    return fault("ProvisionedThroughputExceededException")


def then_close(step: Step) -> Step:
    """`step`, and then the connection goes away with no word of it in the answer."""

    def act(line: socket.socket, over: threading.Event) -> bool:
        step(line, over)
        return False

    return act


def reset(line: socket.socket, _over: threading.Event) -> bool:
    """RST instead of an answer: nobody knows what became of the request."""
    # Lingering for zero seconds makes close() send a reset, not a goodbye.
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


def hang(_line: socket.socket, over: threading.Event) -> bool:
    """No answer for as long as the test lasts."""
    over.wait(60)
    return False


def truncated(body: Any) -> Step:
    """The head promises more than comes."""

    def act(line: socket.socket, _: threading.Event) -> bool:
        data = _encode(body)
        line.sendall(_head(200, len(data)) + data[: len(data) // 2])
        return False

    return act


class FaultServer:
    """Takes one step for each request; when they are used up, the last one again."""

    def __init__(self, *steps: Step, tls: ssl.SSLContext | None = None) -> None:
        self._steps, self._last = deque(steps), steps[-1]
        self.seen: list[Seen] = []
        self.accepted = 0
        self._lock, self._over = threading.Lock(), threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._tls = tls
        port = self._listener.getsockname()[1]
        self.endpoint = f"https://localhost:{port}" if tls else f"http://127.0.0.1:{port}"
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        """Ends every connection and thread."""
        self._over.set()
        # A blocked accept() does not notice a close; a last connection wakes it.
        with suppress(OSError):
            socket.create_connection(self._listener.getsockname()).close()
        self._threads[0].join(10)
        self._listener.close()
        for thread in self._threads[1:]:
            thread.join(10)

    def _accept(self) -> None:
        while not self._over.is_set():
            line, _ = self._listener.accept()
            if self._over.is_set():
                line.close()
                return
            self.accepted += 1
            thread = threading.Thread(target=self._serve, args=(line, self.accepted))
            self._threads.append(thread)
            thread.start()

    def _serve(self, line: socket.socket, number: int) -> None:
        with suppress(OSError), self._secured(line) as line:  # noqa: PLR1704 - the same line, in TLS
            line.settimeout(0.02)  # how soon a thread notices the end of the test
            while (seen := self._receive(line, number)) is not None:
                with self._lock:
                    self.seen.append(seen)
                    step = self._steps.popleft() if self._steps else self._last
                if not step(line, self._over):
                    return

    def _secured(self, line: socket.socket) -> socket.socket:
        if self._tls is None:
            return line
        try:
            return self._tls.wrap_socket(line, server_side=True)
        except OSError:
            line.close()
            raise

    def _receive(self, line: socket.socket, number: int) -> Seen | None:
        data = b""
        while b"\r\n\r\n" not in data:
            more = self._read(line)
            if not more:
                return None
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        pairs = (row.partition(b":") for row in head.split(b"\r\n")[1:])
        headers = {k.decode().lower(): v.strip().decode() for k, _, v in pairs}
        while len(body) < int(headers.get("content-length", "0")):
            more = self._read(line)
            if not more:  # the client went away in mid body
                return None
            body += more
        target = headers.get("x-amz-target", head.split(b"\r\n")[0].decode())
        with suppress(ValueError):
            return Seen(number, target.rpartition(".")[2], json.loads(body), headers)
        return Seen(number, target, body, headers)

    def _read(self, line: socket.socket) -> bytes:
        while not self._over.is_set():
            try:
                return line.recv(65536)
            except TimeoutError:
                continue
        return b""


@contextmanager
def serving(*steps: Step, tls: ssl.SSLContext | None = None) -> Iterator[FaultServer]:
    """A server for the length of a block; no connection to it is kept afterwards."""
    server = FaultServer(*steps, tls=tls)
    try:
        yield server
    finally:
        drop_connections()
        server.close()


def _encode(body: Any) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def _head(status: int, length: int) -> bytes:
    return f"HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n\r\n".encode()


def _send(line: socket.socket, status: int, body: bytes) -> bool:
    line.sendall(_head(status, len(body)) + body)
    return True
