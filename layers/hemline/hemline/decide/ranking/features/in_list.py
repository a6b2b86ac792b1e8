"""Columns repeated in the matrix, standardised within the list of candidates.

Measured: these bring over half of the gain on the RankLens data (docs/decisions/the-ranker.md).
"""

from collections.abc import Sequence

import numpy as np

from hemline.learn.array_types import Floats

RELATIVE = (
    "engaged_ever",
    "rate_ever",
    "popularity",
    "own_bought",
    "own_share",
    "days_since_bought",
    "days_since_engaged",
    "together",
    "lift_mean",
    "lift_most",
    "price",
    "age",
)
NAMES = tuple(f"{name}_in_list" for name in RELATIVE)
_LEAST_SPREAD = np.float32(1e-3)
"""Added to the standard deviation: a constant column gives 0, not NaN."""


def columns_in(absolute: Sequence[str]) -> np.ndarray:
    """Positions of the RELATIVE columns in `absolute`."""
    return np.array([absolute.index(name) for name in RELATIVE])


def in_list(matrix: Floats, columns: np.ndarray) -> Floats:
    """[n, NAMES] how many standard deviations each value is from the mean of its column."""
    # Transposed, so that each sum runs over contiguous memory.
    across: Floats = matrix.T[columns]
    n = np.float32(len(matrix))
    across -= (np.add.reduce(across, axis=1) / n)[:, None]
    spread = np.sqrt(np.add.reduce(across * across, axis=1) / n)
    across /= (spread + _LEAST_SPREAD)[:, None]
    return across.T
