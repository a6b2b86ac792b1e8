"""Whatever a call waits for, its deadline holds: name, connection, handshake, an answer that drips."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from hemline.adapters.aws import resolver as aws_names
from hemline.adapters.aws.client import AwsClient, Retries, connect
from hemline.adapters.aws.connections import Timeouts, drop_connections
from hemline.adapters.aws.credentials import Credentials
from hemline.adapters.aws.dynamodb import DynamoTable
from hemline.adapters.aws.kinesis import KinesisStream
from hemline.adapters.aws.resolver import Address, Addresses
from hemline.adapters.aws.s3 import S3Objects
from hemline.model.errors import Unavailable
from hemline.usecases.ports import StreamEntry
from tests.faults.fault_server import answer, hang, serving
from tests.faults.resolver import Resolver
from tests.faults.waiting import until
from tests.harness.aws_clients import FOUND, GOT, client, read, table

SLACK = 1.5
"""Seconds that a busy machine may add; what is bounded here took 5 s and more, or never ended."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds + SLACK


def named(port: int, service: str = "dynamodb") -> AwsClient:
    """A client of a host that has to be looked up."""
    return connect(
        service,
        region="eu-west-1",
        endpoint=f"http://localhost:{port}",
        credentials=lambda _: Credentials("AKID", "secret"),
    )


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Resolver]:
    found = Resolver(monkeypatch)
    yield found
    found.end()


# --- names


def test_a_silent_resolver_costs_a_read_its_deadline_and_no_more(resolver: Resolver) -> None:
    resolver.trouble = "silent"
    with serving(GOT) as server, at_most(0.05):
        held = DynamoTable(named(port_of(server.endpoint)), "t")
        with pytest.raises(Unavailable, match="resolver did not answer in time"):
            read(held, timeout=0.05)


def test_an_address_that_was_found_once_is_used_while_the_resolver_is_silent(
    resolver: Resolver,
) -> None:
    with serving(GOT) as server:
        held = DynamoTable(named(port_of(server.endpoint)), "t")
        assert read(held) == FOUND
        resolver.trouble = "silent"
        for _ in range(5):
            drop_connections()  # and what is known is to be looked up again
            with at_most(0):
                assert read(held) == FOUND
        assert server.accepted == 6
    assert 1 <= resolver.asked - 1 <= 4, "beside, and never more than a few at a time"


def test_what_is_known_is_looked_up_again_beside_and_the_new_address_is_used(
    resolver: Resolver,
) -> None:
    clock = [0.0]
    held = Addresses(b"localhost", 1, lambda: clock[0])
    first = held.get(5)
    clock[0] = aws_names._FRESH + 1
    moved, asked = [(socket.AF_INET, 0, 0, "", ("127.0.0.9", 1))], threading.Event()
    resolver.finds = lambda: asked.wait(10) and moved
    assert held.get(5) == first, "not waited for"
    asked.set()
    until(lambda: held.get(5) == [Address(socket.AF_INET, ("127.0.0.9", 1))])


def test_an_old_address_is_used_only_after_some_wait_for_a_new_one(resolver: Resolver) -> None:
    clock = [0.0]
    held = Addresses(b"localhost", 1, lambda: clock[0])
    first = held.get(5)
    clock[0] = aws_names._OLD + 1
    assert held.get(5) == first
    assert held._since == clock[0], "there was time for a new look, and it was waited for"
    clock[0] *= 3
    resolver.trouble = "silent"
    with at_most(0.05):
        assert held.get(0.1) == first


def test_a_resolver_that_says_no_is_told_as_it_is_and_asked_again(resolver: Resolver) -> None:
    resolver.trouble = "sorry"
    held = Addresses(b"localhost", 1)
    for _ in range(2):
        with pytest.raises(socket.gaierror):
            held.get(5)
    resolver.trouble = ""
    assert held.get(5)


@pytest.mark.parametrize("host", [b"127.0.0.1", b"::1"])
def test_an_address_that_is_spelled_out_asks_no_thread(host: bytes) -> None:
    before = threading.active_count()
    assert Addresses(host, 1).get(0)[0].where[0] == host.decode()
    assert threading.active_count() == before


def test_of_several_addresses_a_silent_one_does_not_take_the_other_ones_time(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(GOT) as server, nobody_accepts() as silent:
        port = port_of(server.endpoint)
        found = [(socket.AF_INET, 0, 0, "", ("127.0.0.1", p)) for p in (silent, port)]
        resolver.finds = lambda: found
        held = DynamoTable(named(port), "t")
        with at_most(0.4):
            assert read(held, timeout=0.4) == FOUND
        drop_connections()
        began = time.monotonic()
        assert read(held, timeout=0.4) == FOUND
        assert time.monotonic() - began < 0.2, "the silent one is tried last from now on"


@contextmanager
def nobody_accepts() -> Iterator[int]:
    """A port whose queue is full: a connection to it hangs, as to a machine that is gone."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as door:
        port: int = door.getsockname()[1]
        waiting = [socket.socket() for _ in range(8)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", port))
        yield port
        for each in waiting:
            each.close()


def port_of(endpoint: str) -> int:
    return int(endpoint.rpartition(":")[2])


# --- answers


def drip(line: socket.socket, over: threading.Event) -> bool:
    """A byte now and then, for ever: no single wait is long."""
    line.sendall(b"HTTP/1.1 200 X\r\ncontent-length: 100000\r\n\r\n")
    while not over.wait(0.02):
        line.sendall(b"x")
    return False


def test_an_answer_that_drips_ends_with_the_deadline() -> None:
    with serving(drip) as server:
        with at_most(0.1), pytest.raises(Unavailable, match=r"drips|timed out"):
            read(table(server), timeout=0.1)
        held = client(server, "s3")
        held.timeouts, held.retries = Timeouts(1, 1), Retries(total=0.3)
        with at_most(0.3), pytest.raises(Unavailable):
            S3Objects(held, "b").get("k")


def test_a_put_of_many_calls_has_one_deadline_for_all_of_them() -> None:
    with serving(hang) as server:
        held = client(server, "kinesis")
        held.timeouts, held.retries = Timeouts(0.2, 0.2), Retries(total=0.3)
        # 9 MB: two calls of PutRecords.
        entries = [StreamEntry(f"v:{n}", b"x" * 900_000) for n in range(10)]
        with at_most(0.3):
            reasons = KinesisStream(held, "s").put(entries)
    assert all(reasons)


def test_a_batch_read_that_is_left_out_again_and_again_ends_with_the_deadline() -> None:
    left = {"Responses": {"t": []}, "UnprocessedKeys": {"t": {"Keys": [{}]}}}
    with serving(answer(left)) as server:
        held, ticks = client(server), iter(range(100))
        held.clock = lambda: 2.0 * next(ticks)
        with pytest.raises(Unavailable, match=r"never read|no time"):
            DynamoTable(held, "t").read_profiles("demo", ["v:a"])
        assert len(server.seen) < 4


def test_what_is_left_of_an_invocation_bounds_every_call_and_without_any_nothing_is_asked() -> None:
    with serving(hang) as server:
        held = client(server)
        left = [0.1]
        held.budget = lambda: left[0]
        with at_most(0.1), pytest.raises(Unavailable, match="timed out"):
            DynamoTable(held, "t").read_pointer("demo")
        asked, left[0] = len(server.seen), 0.0
        with pytest.raises(Unavailable, match="no time was left"):
            DynamoTable(held, "t").read_pointer("demo")
        assert len(server.seen) == asked


# --- the checks above can fail


def test_a_lookup_on_the_path_would_be_noticed(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def at_once(self: Addresses, _seconds: float) -> list[Address]:
        self._look()
        return self._found

    monkeypatch.setattr(Addresses, "get", at_once)
    monkeypatch.setattr(resolver, "_over", _Late(resolver))
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        test_a_silent_resolver_costs_a_read_its_deadline_and_no_more(resolver)


class _Late:
    """Silent for as long as `at_most` does not forgive."""

    def __init__(self, resolver: Resolver) -> None:
        self.set: Callable[[], None] = resolver._over.set

    def wait(self, _seconds: float) -> None:
        time.sleep(SLACK + 0.1)
