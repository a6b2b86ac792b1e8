"""An object that is fetched in pieces: what had come is kept, and the next try asks for the rest."""

import socket
import threading

import pytest

from hemline.adapters.aws.s3 import S3Objects
from hemline.model.errors import Unavailable
from tests.faults.fault_server import Step, answer, serving, truncated
from tests.harness.aws_clients import client


def ranged(data: bytes, cut: int) -> Step:
    """As S3: the range that is asked for, but only so many bytes of it at a time."""

    def act(line: socket.socket, _over: threading.Event) -> bool:
        start = asked.pop(0)
        part = data[start:]
        status = 206 if start else 200
        head = f"HTTP/1.1 {status} X\r\ncontent-length: {len(part)}\r\n\r\n".encode()
        line.sendall(head + part[:cut])
        return False

    asked = list(range(0, len(data), cut))
    return act


def test_an_object_that_breaks_off_goes_on_where_it_stopped() -> None:
    data = bytes(range(256)) * 10
    with serving(ranged(data, 1000)) as server:
        objects, held = S3Objects(client(server, "s3"), "b"), bytearray()
        for got in (1000, 2000):
            with pytest.raises(Unavailable):
                objects.fetch("k", held)
            assert len(held) == got
        assert objects.fetch("k", held)
        assert held == data
        ranges = [seen.headers.get("range") for seen in server.seen]
    assert ranges == [None, "bytes=1000-", "bytes=2000-"]


def test_a_store_that_sends_all_of_it_again_is_not_added_to_what_was_there() -> None:
    with serving(truncated(b"abcdef"), answer(b"abcdef")) as server:
        objects, held = S3Objects(client(server, "s3"), "b"), bytearray()
        with pytest.raises(Unavailable):
            objects.fetch("k", held)
        assert held == b"abc"
        assert objects.fetch("k", held)
        assert held == b"abcdef"


def test_an_error_puts_nothing_into_an_object_and_a_missing_one_is_told() -> None:
    missing = b"<Error><Code>NoSuchKey</Code></Error>"
    with serving(answer(b"<Error/>", 500), answer(missing, 404)) as server:
        objects, held = S3Objects(client(server, "s3"), "b"), bytearray()
        with pytest.raises(Unavailable):
            objects.fetch("k", held)
        assert not objects.fetch("k", held)
        assert (bytes(held), len(server.seen)) == (b"", 2)
