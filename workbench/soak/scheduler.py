"""Actors that run one at a time and change turns at seeded moments, so that a race can be repeated.

Each actor is a thread, since the code under test blocks; a baton goes from one to the next, so the
order of everything follows from the seed. Knows nothing of what the actors do.
"""

import random
from collections.abc import Callable
from concurrent.futures import Executor, Future
from threading import Semaphore, Thread
from typing import Any, TypeVar

T = TypeVar("T")
_LONGEST_TURN = 300.0
"""Seconds; an actor that waits longer has found a deadlock."""


class Stage:
    """`share` of the moments offered by `breathe` are used for a change of turns."""

    def __init__(self, rng: random.Random, share: float = 0.05) -> None:
        self._rng, self._share = rng, share
        self._waiting: list[Semaphore] = []

    def breathe(self) -> None:
        """A moment at which another actor may go on."""
        if self._waiting and self._rng.random() < self._share:
            self._hand_over()

    def wait_for(self, done: Callable[[], bool]) -> None:
        """Let the others go on until `done`."""
        while not done():
            self._hand_over()

    def start(self, act: Callable[[], None]) -> None:
        """A new actor; it has its first turn when it is drawn. `act` must not raise."""
        turn = Semaphore(0)

        def live() -> None:
            _take(turn)
            act()
            self._draw().release()

        self._waiting.append(turn)
        Thread(target=live, daemon=True).start()

    def _hand_over(self) -> None:
        if not self._waiting:
            raise RuntimeError("an actor waits for something that nobody is left to do")
        mine, other = Semaphore(0), self._draw()
        self._waiting.append(mine)
        other.release()
        _take(mine)

    def _draw(self) -> Semaphore:
        return self._waiting.pop(self._rng.randrange(len(self._waiting)))


def _take(turn: Semaphore) -> None:
    if not turn.acquire(timeout=_LONGEST_TURN):
        raise RuntimeError("the turn never came")


class _Awaited(Future[T]):
    """A future whose reader lets the others go on."""

    stage: Stage

    def result(self, timeout: float | None = None) -> T:
        self.stage.wait_for(self.done)
        return super().result(timeout)


class Actors(Executor):
    """An executor whose tasks are actors of a stage."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:  # noqa: ANN401 - the signature of Executor
        """A new actor for each task."""
        future = _Awaited[T]()
        future.stage = self._stage

        def act() -> None:
            try:
                found = fn(*args, **kwargs)
            except BaseException as error:  # noqa: BLE001 - a killed task is told to whoever waits
                future.set_exception(error)
            else:
                future.set_result(found)

        self._stage.start(act)
        return future
