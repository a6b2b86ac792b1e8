"""The plan of kills and faults: spread evenly over the work, each drawn from a seed.

A fault is due once the work has reached its place. It then happens at one of the next calls of its
operation. Knows the names of faults, not how they are injected.
"""

import random
from collections import Counter
from collections.abc import Sequence
from itertools import chain
from threading import RLock

KILLS = {
    "before the archive": 0.5,
    "after the archive": 0.5,
    "before the profiles": 0.3,
    "between profiles": 0.1,
    "after a profile": 0.1,
    "before the answer": 0.5,
}
"""Place where a function may die → the chance that a due kill happens when the place is reached."""

FAULTS = {
    "put": ("throttled", "error 500", "partly refused", "sent twice", "answer lost"),
    "read": ("throttled", "error 500", "timeout"),
    "write": (
        "throttled",
        "error 500",
        "timeout",
        "answer lost",
        "answer lost, sent again",
        "a rival was faster",
        "TransactionConflict",
    ),
    "batch": ("throttled", "error 500", "timeout", "answer lost", "answer lost, sent again"),
    "object": ("throttled", "error 500", "timeout", "answer lost"),
}
"""Operation → the faults that it may meet."""

# Writes are many: a lower chance spreads their faults over a batch instead of its first writes.
_CHANCE = {"put": 0.5, "read": 0.5, "write": 0.1, "batch": 0.5, "object": 0.5}
_LAST = 0.95
"""Share of the work at which the last fault is due. A later one might find no call left to hit."""
_ONCE = {"put", "write", "batch", "before the profiles", "between profiles", "after a profile"}
"""Faults of the first half of the work only: the replay puts nothing and writes no profile."""


class FaultPlan:
    """Decides at each call whether it is killed or fails.

    `done` counts what happened: ("kill", place) and (operation, kind).
    """

    def __init__(self, rng: random.Random, *, kills: int, faults: int) -> None:
        self.done: Counter[tuple[str, str]] = Counter()
        self._rng, self._lock = rng, RLock()
        self._due: dict[str, Counter[str]] = {operation: Counter() for operation in FAULTS}
        self._kills: Counter[str] = Counter()
        self._ahead = self._drawn(kills, faults)

    def _drawn(self, kills: int, faults: int) -> list[tuple[float, str, str]]:
        every = [(operation, kind) for operation, kinds in FAULTS.items() for kind in kinds]
        killing = [("kill", self._rng.choice(list(KILLS))) for _ in range(kills)]
        failing = [self._rng.choice(every) for _ in range(faults)]
        places = ((self._place(*what), *what) for what in chain(killing, failing))
        return sorted(places, reverse=True)

    def _place(self, operation: str, kind: str) -> float:
        return self._rng.random() * _LAST * (0.42 if _ONCE & {operation, kind} else 1.0)

    def advance(self, share: float) -> None:
        """Make due what belongs to the first `share` (0 to 1) of the work."""
        with self._lock:
            while self._ahead and self._ahead[-1][0] <= share:
                _, operation, kind = self._ahead.pop()
                due = self._kills if operation == "kill" else self._due[operation]
                due[kind] += 1

    def kills(self, place: str) -> bool:
        """Whether the function is killed here."""
        with self._lock:
            if not self._kills[place] or self._rng.random() >= KILLS[place]:
                return False
            self._kills[place] -= 1
            self.done["kill", place] += 1
            return True

    def fault(self, operation: str) -> str:
        """The fault of this call; empty: none."""
        with self._lock:
            due = self._due[operation]
            if not due or self._rng.random() >= _CHANCE[operation]:
                return ""
            kind = self._rng.choice(list(due.elements()))
            due[kind] -= 1
            self._due[operation] = +due
            self.done[operation, kind] += 1
            return kind

    def named(self) -> dict[str, int]:
        """`operation: kind` → how often it happened."""
        return {f"{what}: {kind}": count for (what, kind), count in sorted(self.done.items())}

    def totals(self) -> tuple[int, int]:
        """(kills, faults) that happened."""
        kills = sum(count for (what, _), count in self.done.items() if what == "kill")
        return kills, sum(self.done.values()) - kills


def some(rng: random.Random, most: int) -> Sequence[int]:
    """A random subset of 0 … most-1: at least one, and not all unless `most` is 1."""
    return sorted(rng.sample(range(most), rng.randint(1, max(1, most - 1))))
