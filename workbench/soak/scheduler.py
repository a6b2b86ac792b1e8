"""A deterministic scheduler: actors run one at a time and switch at seeded moments.

Each actor is a thread, because the code under test blocks. Only the thread that holds the turn runs, so
the order of everything follows from the seed and a race can be repeated. Knows nothing of what actors do.
"""

import random
from collections.abc import Callable
from concurrent.futures import Executor, Future
from threading import Semaphore, Thread
from typing import Any, TypeVar

T = TypeVar("T")
_LONGEST_TURN = 300.0
"""Seconds. An actor that waits longer is in a deadlock."""


class Scheduler:
    """Hands the turn from actor to actor. `share`: how many calls of `yield_turn` switch (0 to 1)."""

    def __init__(self, rng: random.Random, share: float = 0.05) -> None:
        self._rng, self._share = rng, share
        self._waiting: list[Semaphore] = []

    def yield_turn(self) -> None:
        """A point at which another actor may take the turn."""
        if self._waiting and self._rng.random() < self._share:
            self._hand_over()

    def wait_for(self, done: Callable[[], bool]) -> None:
        """Give the turn to others until `done` is true."""
        while not done():
            self._hand_over()

    def start(self, act: Callable[[], None]) -> None:
        """Add an actor. It begins when it is first drawn. `act` must not raise."""
        turn = Semaphore(0)

        def live() -> None:
            _take(turn)
            act()
            self._draw().release()

        self._waiting.append(turn)
        Thread(target=live, daemon=True).start()

    def _hand_over(self) -> None:
        if not self._waiting:
            raise RuntimeError("deadlock: an actor waits, and no other actor is left to run")
        # The own semaphore is queued before the other is released: from then on only `other` runs.
        mine, other = Semaphore(0), self._draw()
        self._waiting.append(mine)
        other.release()
        _take(mine)

    def _draw(self) -> Semaphore:
        return self._waiting.pop(self._rng.randrange(len(self._waiting)))


def _take(turn: Semaphore) -> None:
    if not turn.acquire(timeout=_LONGEST_TURN):
        raise RuntimeError(f"no turn within {_LONGEST_TURN:.0f} s")


class _Awaited(Future[T]):
    """A future. `result` gives the turn to others until it is there, or the wait would never end."""

    scheduler: Scheduler

    def result(self, timeout: float | None = None) -> T:
        self.scheduler.wait_for(self.done)
        return super().result(timeout)


class Actors(Executor):
    """An executor whose tasks are actors of a scheduler."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:  # noqa: ANN401 - the signature of Executor
        """Run `fn` as a new actor."""
        future = _Awaited[T]()
        future.scheduler = self._scheduler

        def act() -> None:
            try:
                result = fn(*args, **kwargs)
            except BaseException as error:  # noqa: BLE001 - `Killed` too must reach the future
                future.set_exception(error)
            else:
                future.set_result(result)

        self._scheduler.start(act)
        return future
