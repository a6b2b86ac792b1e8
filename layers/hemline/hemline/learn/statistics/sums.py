"""Integer sums by integer key, cheap to add to and small to keep: the ground of every statistic.

Knows nothing of what a key means. Integers, so that the order of additions can never show.
"""

import numpy as np

from hemline.learn.array_types import Longs, Mask

_BUFFER = 1 << 18


class Sums:
    """A sparse table of sums; additions are buffered and folded together a quarter million at a time."""

    def __init__(self, buffer: int = _BUFFER) -> None:
        self._buffer = buffer
        self._keys: list[int] = []
        self._values: list[int] = []
        self._parts: list[tuple[Longs, Longs]] = []
        self._waiting = 0

    def add(self, key: int, value: int = 1) -> None:
        """Add one value."""
        self._keys.append(key)
        self._values.append(value)
        if len(self._keys) >= self._buffer:
            self._flush()

    def extend(self, keys: Longs, values: Longs) -> None:
        """Add many: int64 [m], int64 [m]."""
        self._parts.append((keys, values))
        self._waiting += len(keys)
        if self._waiting >= self._buffer:
            self._fold()

    def _flush(self) -> None:
        keys, values = self._keys, self._values
        self._keys, self._values = [], []
        self.extend(np.array(keys, np.int64), np.array(values, np.int64))

    def _fold(self) -> None:
        keys = np.concatenate([part[0] for part in self._parts])
        values = np.concatenate([part[1] for part in self._parts])
        unique, inverse = np.unique(keys, return_inverse=True)
        # Exact below 2**53, which no count of events reaches.
        sums = np.bincount(inverse, values, len(unique)).astype(np.int64)
        self._parts = [(unique, sums)]
        # Fold again only when as much again has come: amortised over a growing table.
        self._waiting = -len(unique)

    def table(self) -> tuple[Longs, Longs]:
        """(keys int64 [m] ascending, sums int64 [m])."""
        if self._keys:
            self._flush()
        if not self._parts:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        if len(self._parts) > 1 or self._waiting > 0:
            self._fold()
        return self._parts[0]

    def keep(self, mask: Mask) -> None:
        """Forget the rows of `table()` that `mask` leaves out."""
        keys, sums = self.table()
        self._parts = [(keys[mask], sums[mask])]
        self._waiting = -int(mask.sum())
