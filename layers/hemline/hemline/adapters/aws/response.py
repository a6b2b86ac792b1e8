"""Reads one HTTP/1.1 answer from a socket, strictly.

The standard library's reader parses the headers as an email message, which takes as long as the rest of
a call. This one reads only Content-Length, Transfer-Encoding and Connection. Anything ambiguous (two
lengths, a length and chunks, bytes after the end) is an error.
"""

import re
import socket
import time
from typing import NamedTuple

_MOST_HEAD = 65_536  # bytes of a status line with its headers, or of a chunk's line
_PIECE = 65_536  # bytes of one read
_STATUS = re.compile(rb"HTTP/1\.[01] ([2-5]\d\d)[ \r]")
_FIELD = re.compile(rb"(?i)\r\n(content-length|transfer-encoding|connection):[ \t]*([^\r\n]*)")
_LENGTH = re.compile(rb"\d{1,12}")
_CHUNK = re.compile(rb"([0-9a-fA-F]{1,8})(?:;[^\r\n]*)?\r\n")


class AwsResponse(NamedTuple):
    """A complete answer. `last`: the peer will close this connection."""

    status: int
    body: bytes
    last: bool = False


class Garbled(Exception):  # noqa: N818 - a state of the line, as its sibling `Broken`
    """The answer broke off or is not HTTP that this module reads, after its first byte."""


class Limit(NamedTuple):
    """Limits of reading one answer: seconds for each wait, and the deadline (time.monotonic)."""

    wait: float
    until: float


def read_answer(
    line: socket.socket, limit: Limit | None = None, sink: bytearray | None = None
) -> AwsResponse:
    """Raises ConnectionError when closed before the first byte, Garbled after it, or TimeoutError.

    The first wait uses the socket's own timeout; later waits stay within `limit`, so an answer that
    drips ends too. With `sink`, the body of a 200 or 206 of known length is appended to it piece by
    piece, and the answer's own body is empty. A 200 (the whole) clears `sink` first, a 206 (the rest)
    does not.
    """
    data = bytearray(line.recv(_PIECE))
    if not data:
        raise ConnectionResetError("closed before an answer")
    try:
        return _read(_Line(line, limit), data, sink)
    except ConnectionError as error:
        raise Garbled(str(error)) from None


class _Line:
    """Receives the pieces after the first one, within a limit."""

    def __init__(self, line: socket.socket, limit: Limit | None) -> None:
        self._line, self._limit = line, limit

    def more(self, data: bytearray) -> None:
        if self._limit is not None:
            left = self._limit.until - time.monotonic()
            if left <= 0:
                raise TimeoutError("timed out: the answer drips")
            self._line.settimeout(min(left, self._limit.wait))
        piece = self._line.recv(_PIECE)
        if not piece:
            raise Garbled("the answer broke off")
        data += piece


def _read(line: _Line, data: bytearray, sink: bytearray | None) -> AwsResponse:
    end = _until(line, data, b"\r\n\r\n", 0)
    head = bytes(data[: end + 2])
    del data[: end + 4]
    status = _STATUS.match(head)
    if not status:
        raise Garbled("not an HTTP answer")
    fields = [(name.lower(), value.strip().lower()) for name, value in _FIELD.findall(head)]
    last = (b"connection", b"close") in fields or head.startswith(b"HTTP/1.0")
    lengths = [value for name, value in fields if name == b"content-length"]
    codings = [value for name, value in fields if name == b"transfer-encoding"]
    if status[1] in {b"204", b"304"} and not data:
        return AwsResponse(int(status[1]), b"", last)
    if codings == [b"chunked"] and not lengths:
        return AwsResponse(int(status[1]), _chunks(line, data), last)
    if codings or len(lengths) != 1 or not _LENGTH.fullmatch(lengths[0]):
        raise Garbled("an answer without a usable length")
    if sink is not None and status[1] in {b"200", b"206"}:
        _pour(line, data, int(lengths[0]), sink, whole=status[1] == b"200")
        return AwsResponse(int(status[1]), b"", last)
    return AwsResponse(int(status[1]), _exactly(line, data, int(lengths[0])), last)


def _pour(line: _Line, data: bytearray, length: int, sink: bytearray, *, whole: bool) -> None:
    """Appends the body to `sink`; received bytes stay there when the connection breaks."""
    if whole:
        sink.clear()
    end = len(sink) + length
    sink += data
    while len(sink) < end:
        line.more(sink)
    if len(sink) != end:
        sink.clear()  # its content is not trustworthy
        raise Garbled("bytes after the answer's end")


def _exactly(line: _Line, data: bytearray, length: int) -> bytes:
    while len(data) < length:
        line.more(data)
    if len(data) != length:
        raise Garbled("bytes after the answer's end")
    return bytes(data)


def _chunks(line: _Line, data: bytearray) -> bytes:
    body = bytearray()
    while True:
        end = _until(line, data, b"\r\n", 0) + 2
        found = _CHUNK.fullmatch(data[:end])
        if not found:
            raise Garbled("not a chunk")
        stop = end + int(found[1], 16)
        while len(data) < stop + 2:
            line.more(data)
        # The last chunk is empty. Trailers would fail here; AWS sends none.
        if data[stop : stop + 2] != b"\r\n":
            raise Garbled("a chunk without its end")
        body += data[end:stop]
        del data[: stop + 2]
        if stop == end:
            return bytes(body) + _exactly(line, data, 0)


def _until(line: _Line, data: bytearray, mark: bytes, start: int) -> int:
    while (at := data.find(mark, start)) < 0:
        if len(data) > _MOST_HEAD:
            raise Garbled("a line without end")
        start = max(len(data) - len(mark) + 1, 0)
        line.more(data)
    return at
