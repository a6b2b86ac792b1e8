"""Reads one HTTP/1.1 answer from a socket, strictly.

The standard library's reader parses every header into an email message, which costs as much as all
the rest of a call. Here three headers count: Content-Length, Transfer-Encoding and Connection.
Whatever is not certain (two lengths, a length and chunks, bytes after the end) is an error.
"""

import re
import socket
from typing import NamedTuple

_MOST_HEAD = 65_536
_PIECE = 65_536
_STATUS = re.compile(rb"HTTP/1\.[01] ([2-5]\d\d)[ \r]")
_FIELD = re.compile(rb"(?i)\r\n(content-length|transfer-encoding|connection):[ \t]*([^\r\n]*)")
_LENGTH = re.compile(rb"\d{1,12}")
_CHUNK = re.compile(rb"([0-9a-fA-F]{1,8})(?:;[^\r\n]*)?\r\n")


class Answer(NamedTuple):
    """What came back, read whole. `last`: the other end will close this connection."""

    status: int
    body: bytes
    last: bool = False


class Garbled(Exception):  # noqa: N818 - a state of the line, as its sibling `Broken`
    """The answer broke off or is not HTTP that we read; its first byte had come."""


def read_answer(line: socket.socket) -> Answer:
    """Raises ConnectionError when closed before a byte came, Garbled after; and TimeoutError."""
    data = bytearray(line.recv(_PIECE))
    if not data:
        raise ConnectionResetError("closed before an answer")
    try:
        return _read(line, data)
    except ConnectionError as error:
        raise Garbled(str(error)) from None


def _read(line: socket.socket, data: bytearray) -> Answer:
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
        return Answer(int(status[1]), b"", last)
    if codings == [b"chunked"] and not lengths:
        return Answer(int(status[1]), _chunks(line, data), last)
    if codings or len(lengths) != 1 or not _LENGTH.fullmatch(lengths[0]):
        raise Garbled("an answer whose end cannot be told")
    return Answer(int(status[1]), _exactly(line, data, int(lengths[0])), last)


def _exactly(line: socket.socket, data: bytearray, length: int) -> bytes:
    while len(data) < length:
        _more(line, data)
    if len(data) != length:
        raise Garbled("bytes after the answer's end")
    return bytes(data)


def _chunks(line: socket.socket, data: bytearray) -> bytes:
    body = bytearray()
    while True:
        end = _until(line, data, b"\r\n", 0) + 2
        found = _CHUNK.fullmatch(data[:end])
        if not found:
            raise Garbled("not a chunk")
        stop = end + int(found[1], 16)
        while len(data) < stop + 2:
            _more(line, data)
        # The last chunk is empty; trailers, which nobody sends us, would not match this.
        if data[stop : stop + 2] != b"\r\n":
            raise Garbled("a chunk without its end")
        body += data[end:stop]
        del data[: stop + 2]
        if stop == end:
            return bytes(body) + _exactly(line, data, 0)


def _until(line: socket.socket, data: bytearray, mark: bytes, start: int) -> int:
    while (at := data.find(mark, start)) < 0:
        if len(data) > _MOST_HEAD:
            raise Garbled("a line without end")
        start = max(len(data) - len(mark) + 1, 0)
        _more(line, data)
    return at


def _more(line: socket.socket, data: bytearray) -> None:
    piece = line.recv(_PIECE)
    if not piece:
        raise Garbled("the answer broke off")
    data += piece
