"""Runs an asyncio server in a background thread for the length of a `with` block.

Knows event loops and threads, not what is served.
"""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, contextmanager
from socket import socket
from typing import TypeVar

_T = TypeVar("_T")
_TURNS = 10
"""Turns of the loop to wait: more than an accepted connection needs to reach its handler, and more
than a closed connection needs to close its socket."""


@contextmanager
def run_in_background(served: Callable[[], AbstractAsyncContextManager[_T]]) -> Iterator[_T]:
    """Enter `served` in another thread and yield its value; leave it at the end. Raises its errors."""
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


async def drain_loop(listener: socket | None = None) -> None:
    """Let the loop finish what it has begun; `listener` accepts no more connections.

    Call it before closing the listener's server and after closing its connections. A closed server
    cannot serve a connection that it has just accepted and leaves it open for ever, and a socket is
    not yet closed in the turn that closes it.
    """
    if listener:
        asyncio.get_running_loop().remove_reader(listener)
    for _ in range(_TURNS):
        await asyncio.sleep(0)


def _not_begun(began: "Future[_T]", ended: "Future[None]") -> None:
    """Pass the error of a failed start on, so that the caller does not wait for ever."""
    if not began.done():
        began.set_exception(ended.exception() or RuntimeError("the server did not begin"))
