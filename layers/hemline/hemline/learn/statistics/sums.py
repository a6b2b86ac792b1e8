"""Sums of integers by integer key, cheap to add to and compact: every statistic is built on them.

Knows nothing of what a key means. Integers, so that the result never depends on the order of additions.
"""

import numpy as np
import numpy.typing as npt

from hemline.learn.array_types import Longs

_BUFFER = 1 << 18


class Sums:
    """A sparse table of sums. Additions are buffered and merged in batches of `buffer`."""

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
        # Fold again only after as many additions as the table has rows: amortised over a growing table.
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

    def keep(self, mask: npt.NDArray[np.bool_]) -> None:
        """Keep the rows of `table()` where `mask` is true, drop the others."""
        keys, sums = self.table()
        self._parts = [(keys[mask], sums[mask])]
        self._waiting = -int(mask.sum())
