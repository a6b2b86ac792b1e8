"""Supervised asyncio tasks: a task that fails is reported in one line and started again.

The only place of the local cloud that creates tasks, which a test checks: a task that nobody awaits
fails silently, and its work then stops for good.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")
Say = Callable[[str, str], None]
"""Shows one line: (label, line)."""


class Backoff(NamedTuple):
    """Seconds between an error and the restart: `first`, doubled each time, at most `longest`."""

    first: float = 0.5
    longest: float = 10.0
    calm: float = 60.0
    """After this long without an error the pause is `first` again."""


BACKOFF = Backoff()


async def restart_on_error(label: str, work: Callable[[], Awaitable[T]], say: Say) -> T:
    """Call `work` until it returns, with a growing pause after each error.

    So `work` must be able to continue where an earlier call stopped.
    """
    rules, clock = BACKOFF, asyncio.get_running_loop().time
    pause = rules.first
    while True:
        began = clock()
        try:
            return await work()
        except Exception as error:  # noqa: BLE001 - the work must go on after any error
            if clock() - began >= rules.calm:
                pause = rules.first
            say_safely(say, label, f"stopped by {cause(error)}; starts again in {pause:g} s")
            await asyncio.sleep(pause)
            pause = min(2 * pause, rules.longest)


def supervise(label: str, work: Callable[[], Awaitable[T]], say: Say) -> "asyncio.Task[T]":
    """`restart_on_error` as a task; it ends by itself only when `work` returns."""
    return asyncio.create_task(restart_on_error(label, work, say), name=label)


def run_once(label: str, work: Coroutine[Any, Any, T], say: Say) -> "asyncio.Task[T]":
    """A task for one piece of work; its error is reported even if nobody reads its result."""
    task = asyncio.create_task(work, name=label)

    def look(done: "asyncio.Task[T]") -> None:
        error = None if done.cancelled() else done.exception()
        if error is not None:
            say_safely(say, label, f"ended by {cause(error)}")

    task.add_done_callback(look)
    return task


def report_unhandled_errors(say: Say) -> None:
    """Report errors of callbacks and abandoned tasks of this loop."""

    def look(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        what = f": {cause(error)}" if isinstance(error, BaseException) else ""
        say_safely(say, "hemline", f"{context['message']}{what}")

    asyncio.get_running_loop().set_exception_handler(look)


def say_safely(say: Say, label: str, line: str) -> None:
    """Print a line; ignore a terminal that cannot be written to, which must not end the work."""
    with contextlib.suppress(OSError, ValueError):
        say(label, line)


def cause(error: BaseException) -> str:
    """An error in one line; for system errors such as a full disk, in the system's own words."""
    if isinstance(error, OSError) and error.strerror:
        where = f" ({error.filename})" if error.filename else ""
        return f"{type(error).__name__}: {error.strerror}{where}"
    text = " ".join(str(error).split())[:300]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
