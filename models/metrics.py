"""How good a ranking is: NDCG at 10 with its standard error, and a paired comparison of two rankers."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

CUT = 10
_DRAWS = 4000
_DISCOUNT = 1.0 / np.log2(np.arange(2, CUT + 2))


class Score(NamedTuple):
    """A mean over lists and its standard error."""

    mean: float
    se: float


def ndcg(scores: npt.ArrayLike, relevant: npt.ArrayLike, rng: np.random.Generator,
         *, wanted: int | None = None) -> float:  # fmt: skip
    """NDCG@10 of one list, binary gain; ties are broken by a shuffle from `rng`.

    `wanted`: number of relevant items in all, if the list may lack some.
    """
    scores, relevant = np.asarray(scores, np.float64), np.asarray(relevant, bool)
    order = np.lexsort((rng.permutation(len(scores)), -scores))[:CUT]
    ideal = int(relevant.sum()) if wanted is None else wanted
    gain = float(_DISCOUNT[: len(order)][relevant[order]].sum())
    return gain / float(_DISCOUNT[: min(max(ideal, 1), CUT)].sum())


def summary(values: npt.ArrayLike) -> Score:
    """Mean and standard error over lists."""
    array = np.asarray(values, np.float64)
    return Score(float(array.mean()), float(array.std(ddof=1) / np.sqrt(len(array))))


def paired(values: npt.ArrayLike, against: npt.ArrayLike, seed: int = 0) -> tuple[float, float]:
    """95 % interval of the mean difference of two rankers on the same lists; 4,000 bootstrap draws."""
    difference = np.asarray(values, np.float64) - np.asarray(against, np.float64)
    rng = np.random.default_rng(seed)
    means = [
        float(difference[rng.integers(0, len(difference), len(difference))].mean())
        for _ in range(_DRAWS)
    ]
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)
