"""A server beside a test leaves nothing open, whoever knocks in its last moment."""

import asyncio
import gc
import socket
import warnings
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from workbench.background_server import drain_loop, run_in_background
from workbench.soak.proxy import Dose, running

Before = Callable[[socket.socket], Awaitable[None]]


async def leave(_: StreamReader, writer: StreamWriter) -> None:
    writer.close()


async def at_once(_: socket.socket) -> None:
    """No patience: what one would write first."""


def left_open(before: Before) -> list[str]:
    """Sockets that a server left open whose door was knocked at in the turn before it is closed."""
    knocking: list[socket.socket] = []

    @asynccontextmanager
    async def served() -> AsyncIterator[socket.socket]:
        door = socket.create_server(("127.0.0.1", 0))
        server = await asyncio.start_server(leave, sock=door)
        yield door
        knocking.extend(socket.create_connection(door.getsockname()) for _ in range(5))
        # Two turns: the loop sees them, and accepts them.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await before(door)
        server.close()

    gc.collect()
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        with run_in_background(served):
            pass
        gc.collect()
    for one in knocking:
        one.close()
    return [str(warning.message) for warning in found if warning.category is ResourceWarning]


# asyncio itself stumbles over what it accepted for a server that is closed.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_connection_of_the_last_moment_is_closed() -> None:
    assert left_open(drain_loop) == []
    assert left_open(at_once), "this test can fail"


def test_a_server_that_cannot_start_says_why() -> None:
    @asynccontextmanager
    async def served() -> AsyncIterator[None]:
        raise OSError("no such address")
        yield  # type: ignore[unreachable] # makes it a generator

    with pytest.raises(OSError, match="no such address"), run_in_background(served):
        pass


def test_what_goes_wrong_in_the_block_is_told_and_the_server_ends() -> None:
    ended: list[bool] = []

    @asynccontextmanager
    async def served() -> AsyncIterator[int]:
        yield 7
        ended.append(True)

    with pytest.raises(ValueError, match="7"), run_in_background(served) as value:
        raise ValueError(value)
    assert ended


def test_a_proxy_ends_while_its_clients_wait() -> None:
    with running("http://127.0.0.1:9", "seed", Dose()) as proxy:
        port = int(proxy.endpoint.rpartition(":")[2])
        waiting = [socket.create_connection(("127.0.0.1", port)) for _ in range(5)]
    for one in waiting:
        assert one.recv(1) == b""
        one.close()
