"""A server in an event loop of its own, beside whoever needs it: ready at once, gone without a trace.

Knows loops and threads; not what is served.
"""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, contextmanager
from socket import socket
from typing import TypeVar

_T = TypeVar("_T")
_TURNS = 10
"""More turns of the loop than it takes from an accepted connection to one that somebody serves,
and from a closed one to a closed socket."""


@contextmanager
def run_in_background(served: Callable[[], AbstractAsyncContextManager[_T]]) -> Iterator[_T]:
    """What `served` yields, for the length of the block; it lives in another thread. Raises its errors."""
    began: Future[tuple[_T, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def live() -> None:
        async with served() as value:
            over = asyncio.Event()
            began.set_result((value, asyncio.get_running_loop(), over))
            await over.wait()
        await drain_loop()

    with ThreadPoolExecutor(1) as thread:
        ended = thread.submit(asyncio.run, live())
        ended.add_done_callback(lambda done: _not_begun(began, done))
        value, loop, over = began.result()
        try:
            yield value
        finally:
            loop.call_soon_threadsafe(over.set)
            ended.result()


async def drain_loop(door: socket | None = None) -> None:
    """Until the loop has done what is begun; a listening `door` takes nobody else from now on.

    To be called before the door's server is closed and after its connections are. A server that is
    closed cannot take up a connection that it has just accepted, and leaves it open for good; nor
    is a socket closed in the turn in which that is asked.
    """
    if door:
        asyncio.get_running_loop().remove_reader(door)
    for _ in range(_TURNS):
        await asyncio.sleep(0)


def _not_begun(began: "Future[_T]", ended: "Future[None]") -> None:
    """A start that failed is told as it is, not as a start that never comes."""
    if not began.done():
        began.set_exception(ended.exception() or RuntimeError("the server did not begin"))
