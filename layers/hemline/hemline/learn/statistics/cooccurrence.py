"""Co-occurrence: weights of item pairs that one visitor interacted with close to each other.

Items are numbers here. A pair in one basket weighs `UNIT`; a pair in sequence weighs less with each
step between (gap decay), and nothing beyond the window. Memory is bounded: a few recent items of the
latest visitors, and the lightest pairs are dropped when there are too many.
"""

from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hemline.learn.array_types import Floats, Ints, Longs
from hemline.learn.statistics.sums import Sums

UNIT = 64
_RECENT = 10
_WINDOW_MS = 14 * 86_400_000
# A basket's pairs grow with its square: 60 items are 1,770 pairs.
_BASKET = 60
_VISITORS = 50_000
_PAIRS = 3_000_000
_SHIFT = 32
# Without this prior, pairs of rare items would outrank pairs with much evidence.
_SHRINK = 4.0 * UNIT
_GRADES = 1 << 20
"""Levels that a similarity is quantised to."""

Recent = tuple[tuple[int, int], ...]


class Cooccurrence:
    """Accumulates pairs event by event; `neighbours` reads them."""

    def __init__(self) -> None:
        self._pairs = Sums()
        self._recent: OrderedDict[str, Recent] = OrderedDict()
        self._added = 0

    def add(self, subject: str, time: int, items: Sequence[int]) -> None:
        """Adds one event of `subject` (any stable name) with its distinct items; time in epoch ms."""
        recent = self._recent.pop(subject, ())
        self._add_basket(items)
        for item in items[:_RECENT]:
            self._add_sequence(recent, item, time)
        seen = set(items)
        kept = [pair for pair in recent if pair[0] not in seen]
        self._recent[subject] = (*kept, *((item, time) for item in items))[-_RECENT:]
        if len(self._recent) > _VISITORS:
            self._recent.popitem(last=False)

    def _add_basket(self, items: Sequence[int]) -> None:
        if len(items) < 2:
            return
        line = np.array(items[:_BASKET], np.int64)
        first, second = np.triu_indices(len(line), 1)
        low, high = np.minimum(line[first], line[second]), np.maximum(line[first], line[second])
        self._pairs.extend(low << _SHIFT | high, np.full(len(low), UNIT, np.int64))
        self._bound(len(low))

    def _add_sequence(self, recent: Recent, item: int, time: int) -> None:
        for steps, (other, met) in enumerate(reversed(recent), start=1):
            if other != item and abs(time - met) <= _WINDOW_MS:
                self._pairs.add(min(item, other) << _SHIFT | max(item, other), UNIT // (1 + steps))
        self._bound(len(recent))

    def _bound(self, more: int) -> None:
        self._added += more
        if self._added < _PAIRS:
            return
        self._added = 0
        _, weights = self._pairs.table()
        if len(weights) > _PAIRS:
            self._pairs.keep(weights >= np.partition(weights, -_PAIRS)[-_PAIRS])

    def neighbours(self, position: Ints, count: int, k: int) -> tuple[Ints, Floats]:
        """([count, k] positions padded with -1, [count, k] similarities in (0, 1), best first).

        `position`: our item number → the caller's position below `count`, or -1 for none.
        """
        left, right, weight = _current(*self._pairs.table(), position)
        mass = np.bincount(left, weight, count) + np.bincount(right, weight, count)
        similar = weight / (np.sqrt(mass[left] * mass[right]) + _SHRINK)
        return best(
            np.concatenate([left, right]),
            np.concatenate([right, left]),
            np.concatenate([similar, similar]),
            (count, k),
        )


def _current(
    keys: Longs, weights: Longs, position: npt.NDArray[np.int32]
) -> tuple[Longs, Longs, npt.NDArray[np.float64]]:
    left = position[keys >> _SHIFT].astype(np.int64)
    right = position[keys & 0xFFFFFFFF].astype(np.int64)
    known = (left >= 0) & (right >= 0)
    return left[known], right[known], weights[known].astype(np.float64)


def best(
    owner: Longs, other: Longs, score: npt.NDArray[np.float64], shape: tuple[int, int]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    """The best others of each owner, [n, k] padded with -1, and their scores in (0, 1]."""
    # One sort of packed integers (owner, grade descending in 20 bits, other in 24) is several times faster
    # than an indirect sort of three columns: a million pairs take a tenth of a second.
    grade = np.minimum((score * _GRADES).astype(np.int64), _GRADES - 1)
    keys = np.sort(owner << 44 | (_GRADES - 1 - grade) << 24 | other)
    owner, other = keys >> 44, keys & 0xFFFFFF
    grade = _GRADES - 1 - (keys >> 24 & _GRADES - 1)
    starts = np.searchsorted(owner, np.arange(shape[0]))
    rank = np.arange(len(owner)) - starts[owner]
    fits = (rank < shape[1]) & (grade > 0)
    best, weight = np.full(shape, -1, np.int32), np.zeros(shape, np.float32)
    best[owner[fits], rank[fits]] = other[fits]
    weight[owner[fits], rank[fits]] = grade[fits] / _GRADES
    return best, weight
