"""Runs work in its own thread, for callers that can continue without its result.

Between requests a Lambda is frozen, with its threads. So a task may span several requests, and its
deadlines may have passed when it resumes. A caller that waits for it passes a timeout.
"""

from collections.abc import Callable
from threading import Event, Thread
from typing import Generic, TypeVar

from hemline.model.errors import Unavailable

T = TypeVar("T")


class Background(Generic[T]):
    """One call of `work`, started at once in a daemon thread."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._ended = Event()
        self._result: T | None = None
        self._error: Exception | None = None
        try:
            Thread(target=self._run, daemon=True).start()
        except RuntimeError as error:
            self._error = Unavailable("threads", str(error))
            self._ended.set()

    @property
    def done(self) -> bool:
        """Whether there is a result or an error."""
        return self._ended.is_set()

    def wait(self, seconds: float) -> bool:
        """Waits at most `seconds`; returns whether the work has ended."""
        return self._ended.wait(seconds)

    def result(self) -> T:
        """What `work` returned; raises what it raised. Call only when `done`."""
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value] # of type T once it is done

    def _run(self) -> None:
        try:
            self._result = self._work()
        except Exception as error:  # noqa: BLE001 - any error is raised again by `result`
            self._error = error
        self._ended.set()
