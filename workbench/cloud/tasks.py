"""Long-lived tasks: one that ends by an error is seen, said in a line, and started again.

The only place that makes a task (a test holds the rest of the local cloud to it): an asyncio task
that nobody awaits dies without a word, and its work then stands still for good.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")
Say = Callable[[str, str], None]
"""Shows one line: (label, line)."""


class Backoff(NamedTuple):
    """Seconds between an error and the next start: `first`, doubled each time, `longest` at most."""

    first: float = 0.5
    longest: float = 10.0
    calm: float = 60.0
    """After so long without an error the pauses begin anew."""


BACKOFF = Backoff()


async def restart_on_error(label: str, work: Callable[[], Awaitable[T]], say: Say) -> T:
    """What `work` returns in the end; after an error it is called again, for as long as it takes.

    So `work` must be able to begin where an earlier call stopped.
    """
    rules, clock = BACKOFF, asyncio.get_running_loop().time
    pause = rules.first
    while True:
        began = clock()
        try:
            return await work()
        except Exception as error:  # noqa: BLE001 - whatever it is, the work must go on
            if clock() - began >= rules.calm:
                pause = rules.first
            say_safely(say, label, f"stopped by {cause(error)}; starts again in {pause:g} s")
            await asyncio.sleep(pause)
            pause = min(2 * pause, rules.longest)


def supervise(label: str, work: Callable[[], Awaitable[T]], say: Say) -> "asyncio.Task[T]":
    """`kept`, as a task; ends by itself only when `work` returns."""
    return asyncio.create_task(restart_on_error(label, work, say), name=label)


def run_once(label: str, work: Coroutine[Any, Any, T], say: Say) -> "asyncio.Task[T]":
    """A task for one piece of work, whose error is said even when nobody asks for its result."""
    task = asyncio.create_task(work, name=label)

    def look(done: "asyncio.Task[T]") -> None:
        error = None if done.cancelled() else done.exception()
        if error is not None:
            say_safely(say, label, f"ended by {cause(error)}")

    task.add_done_callback(look)
    return task


def report_unhandled_errors(say: Say) -> None:
    """What goes wrong in a callback or a forgotten task of this loop is said, too."""

    def look(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        what = f": {cause(error)}" if isinstance(error, BaseException) else ""
        say_safely(say, "hemline", f"{context['message']}{what}")

    asyncio.get_running_loop().set_exception_handler(look)


def say_safely(say: Say, label: str, line: str) -> None:
    """Said, if it can be: a terminal that takes nothing must not end the work as well."""
    with contextlib.suppress(OSError, ValueError):
        say(label, line)


def cause(error: BaseException) -> str:
    """An error in one line; the system's own words where it has them, as for a full disk."""
    if isinstance(error, OSError) and error.strerror:
        where = f" ({error.filename})" if error.filename else ""
        return f"{type(error).__name__}: {error.strerror}{where}"
    text = " ".join(str(error).split())[:300]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
