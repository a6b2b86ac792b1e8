"""An answer is read whole or not at all, however it is cut on its way."""

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemline.adapters.aws.response import AwsResponse, Garbled, read_answer


@contextmanager
def arriving(pieces: Sequence[bytes]) -> Iterator[socket.socket]:
    """A socket on which these bytes have come, and then the end."""
    here, there = socket.socketpair()
    with here, there:
        here.settimeout(5)
        for piece in pieces:
            there.sendall(piece)
        there.shutdown(socket.SHUT_WR)
        yield here


def read(*pieces: bytes) -> AwsResponse:
    with arriving(pieces) as line:
        return read_answer(line)


def sized(body: bytes, *fields: str) -> bytes:
    head = "".join(f"{field}\r\n" for field in fields)
    return f"HTTP/1.1 200 OK\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def chunked(parts: Sequence[bytes]) -> bytes:
    body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts if part)
    return b"HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n" + body + b"0\r\n\r\n"


class Drip:
    """A socket whose bytes come in pieces of one size."""

    def __init__(self, data: bytes, size: int) -> None:
        self._pieces = [data[i : i + size] for i in range(0, len(data), size)]

    def recv(self, _most: int) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""


@given(st.binary(max_size=300), st.integers(1, 50))
def test_a_sized_answer_is_whole_however_it_is_cut(body: bytes, size: int) -> None:
    assert read_answer(Drip(sized(body, "X-A: b"), size)) == AwsResponse(200, body)  # type: ignore[arg-type] # a fake socket


@given(st.lists(st.binary(max_size=40), max_size=6), st.integers(1, 50))
def test_a_chunked_answer_is_whole_however_it_is_cut(parts: list[bytes], size: int) -> None:
    assert read_answer(Drip(chunked(parts), size)).body == b"".join(parts)  # type: ignore[arg-type] # a fake socket


@given(st.binary(min_size=1, max_size=60), st.data())
def test_an_answer_that_breaks_off_is_never_taken_for_whole(
    body: bytes, data: st.DataObject
) -> None:
    for whole in (sized(body), chunked([body, b"more"])):
        cut = data.draw(st.integers(1, len(whole) - 1))
        with pytest.raises(Garbled):
            read(whole[:cut])


@given(st.binary(min_size=1, max_size=200))
def test_any_bytes_are_an_answer_or_garbled(data: bytes) -> None:
    try:
        read(data)
    except Garbled:
        return


def test_nothing_at_all_is_a_dead_connection_not_a_garbled_answer() -> None:
    with pytest.raises(ConnectionError):
        read()


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\n\r\nbody",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: +1\r\n\r\na",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n-1\r\n0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"x" * 70_000,
    ],
)
def test_an_answer_whose_end_is_not_certain_is_garbled(data: bytes) -> None:
    with pytest.raises(Garbled):
        read(data)


def test_a_goodbye_is_noticed() -> None:
    assert read(sized(b"x", "Connection: close")) == AwsResponse(200, b"x", last=True)
    assert read(b"HTTP/1.1 204 No Content\r\n\r\n") == AwsResponse(204, b"")
    assert read(b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n").last
