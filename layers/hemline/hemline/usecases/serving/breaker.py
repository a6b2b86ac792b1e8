"""A breaker for each dependency of a decision, and the deadline that bounds its model rung.

State of one warm function, which answers one request at a time; clocks are handed in.
"""

from collections.abc import Callable
from enum import StrEnum
from math import isfinite
from typing import NamedTuple

import numpy as np

from hemline.decide.ladder import Ranker
from hemline.learn.array_types import Floats
from hemline.model.site.slot import Slot

FAILURES = 3
"""Failures in a row that open a breaker: one slow answer is chance, three are an outage."""
TABLE_SECONDS = 1.0
"""Short, since pointer and brake come from there: a brake has to be in force within 5 s."""
RANKER_SECONDS = 5.0
Clock = Callable[[], float]
"""Monotonic seconds."""


class BreakerState(StrEnum):
    """closed: calls pass. open: calls are skipped. half-open: one trial call decides."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class Breaker:
    """Skips a dependency for `seconds` after `failures` failures in a row."""

    def __init__(self, name: str, seconds: float, clock: Clock, failures: int = FAILURES) -> None:
        self.name = name
        self._seconds, self._clock, self._most = seconds, clock, failures
        self._failed, self._opened = 0, 0.0

    @property
    def state(self) -> BreakerState:
        """As of now."""
        if self._failed < self._most:
            return BreakerState.CLOSED
        waited = self._clock() - self._opened
        return BreakerState.HALF_OPEN if waited >= self._seconds else BreakerState.OPEN

    @property
    def open(self) -> bool:
        """Whether calls must be skipped now."""
        return self.state is BreakerState.OPEN

    def succeeded(self) -> None:
        """A call succeeded: closes the breaker."""
        self._failed = 0

    def failed(self) -> None:
        """A call was late or failed. A failed trial call starts the wait again."""
        self._failed += 1
        self._opened = self._clock()


class Health(NamedTuple):
    """The breakers of one warm function."""

    table: Breaker
    ranker: Breaker

    @property
    def states(self) -> dict[str, str]:
        """Dependency → state, of those that are not closed."""
        found = {breaker.name: breaker.state for breaker in self}
        return {name: s.value for name, s in found.items() if s is not BreakerState.CLOSED}


def health(clock: Clock) -> Health:
    """All closed."""
    return Health(Breaker("table", TABLE_SECONDS, clock), Breaker("ranker", RANKER_SECONDS, clock))


class Run:
    """The ranker during one decision: bounded by slot deadlines, and reporting to its breaker."""

    def __init__(self, ranker: Ranker, breaker: Breaker, clock: Clock, started: float) -> None:
        self._ranker, self._breaker = ranker, breaker
        self._clock, self._started = clock, started
        self._until = started
        self._over = 0.0

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The ranker's own."""
        return self._ranker.feature_names

    def obstacle(self, slot: Slot) -> str:
        """Why the ranker may not be asked for this slot now; empty when it may."""
        self._until = self._started + slot.deadline_ms / 1000
        if self._clock() >= self._until:
            return f"past the deadline of {slot.deadline_ms} ms"
        return "the ranker is left alone, its breaker is open" if self._breaker.open else ""

    def late(self, slot: Slot) -> str:
        """How late the slot's scores were; empty when they were in time."""
        if self._over <= 0:
            return ""
        past = f"past the deadline of {slot.deadline_ms} ms"
        return f"model: used, though {1000 * self._over:.0f} ms {past}"

    def score(self, matrix: Floats) -> Floats:
        """The ranker's scores. Late scores are still used, but count as a failure for the breaker."""
        try:
            scores = self._ranker.score(matrix)
        except Exception:
            self._breaker.failed()
            raise
        self._over = self._clock() - self._until
        if self._over > 0 or not isfinite(np.add.reduce(scores)):
            self._breaker.failed()
        else:
            self._breaker.succeeded()
        return scores
