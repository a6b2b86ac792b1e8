"""Measures diversity: P1's test lists, ranked and then diversified at several strengths.

Relevance is NDCG@10 as in P1. Variety is measured over the first ten items: the intra-list distance (1
minus the mean content similarity of two items), and the number of main categories.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hemline.decide.ranking.diversify import diversify, spread
from hemline.decide.ranking.features.matrix import FEATURES
from hemline.learn.array_types import Ints, Order
from hemline.learn.statistics import content
from hemline.model.item import Item
from hemline.model.site.slot import Slot
from hemline.usecases.publishing.variety import sections
from models.examples import Example, rows, split
from models.metrics import CUT, ndcg, paired, summary
from models.ranklens import DATA, TRAIN
from models.training import SHAPE, TrainingShape, predict, train

STRENGTHS = (0.0, 0.1, 0.2, 0.3, 0.5, 0.8)
Vary = Callable[[list[int], Ints, float], list[int]]
"""(positions by rank, item indices of the list, strength) → positions as shown."""


class DiversityRow(NamedTuple):
    """One strength over one kind of similarity; means over the test lists."""

    over: str
    """category, tags or content."""
    strength: float
    ndcg: float
    loss: tuple[float, float]
    """95 % interval of the plain ranking's NDCG@10 minus this one."""
    distance: float
    categories: float


def evaluate(
    found: Sequence[Example], items: Sequence[Item], shape: TrainingShape = SHAPE
) -> list[DiversityRow]:
    """Train as P1 does, then diversify its rankings. `items`: in the order of the examples' indices."""
    learnt, tests = split(found, TRAIN, DATA)
    booster = train(rows(learnt), shape, FEATURES)
    orders = [np.argsort(-predict(booster, one.features), kind="stable") for one in tests]
    judge = _Evaluator(tests, orders, items)
    plain = judge.values(lambda order, _candidates, _strength: order, 0.0)[0]
    return [
        judge.row(over, vary, strength, plain)
        for over, vary in _likenesses(items).items()
        for strength in STRENGTHS
    ]


def _likenesses(items: Sequence[Item]) -> dict[str, Vary]:
    groups = _main(items)
    tags, whole = (_vectors(over, items) for over in ("tags", "content"))
    return {
        "category": lambda order, at, s: diversify(order, groups[at[order]].tolist(), CUT, s),
        "tags": lambda order, at, s: spread(order, tags[at[order]], CUT, s),
        "content": lambda order, at, s: spread(order, whole[at[order]], CUT, s),
    }


def _main(items: Sequence[Item]) -> Ints:
    number: dict[str, int] = {}
    own = (item.categories[0] if item.categories else "" for item in items)
    return np.array([number.setdefault(n, len(number)) if n else -1 for n in own], np.int32)


def _vectors(over: str, items: Sequence[Item]) -> npt.NDArray[np.int8]:
    """Item vectors as an edition holds them for a slot with `diverse_over`."""
    dtype, shape, data = sections([Slot("", diversity=1.0, diverse_over=over)], items)[
        f"diverse_{over}"
    ]
    return np.frombuffer(data, dtype).reshape(shape).astype(np.int8)


class _Evaluator:
    """Measures relevance and variety of the first ten items of each test list."""

    def __init__(
        self,
        tests: Sequence[Example],
        orders: Sequence[Order],
        items: Sequence[Item],
    ) -> None:
        self._tests, self._orders = tests, orders
        self._vectors, self._groups = content.vectors(items), _main(items)

    def row(self, over: str, vary: Vary, strength: float, plain: Sequence[float]) -> DiversityRow:
        values, distance, categories = self.values(vary, strength)
        low, high = paired(plain, values)
        means = float(np.mean(distance)), float(np.mean(categories))
        return DiversityRow(over, strength, summary(values).mean, (low, high), *means)

    def values(self, vary: Vary, strength: float) -> tuple[list[float], list[float], list[int]]:
        """Of each list: NDCG@10, intra-list distance, main categories."""
        rng = np.random.default_rng(0)
        values, distances, categories = [], [], []
        for one, order in zip(self._tests, self._orders, strict=True):
            shown = vary(order.tolist(), one.candidates, strength)
            places = np.empty(len(shown))
            places[shown] = np.arange(len(shown))
            values.append(ndcg(-places, one.gains > 0, rng, wanted=one.wanted))
            ten = one.candidates[shown[:CUT]]
            distances.append(_distance(self._vectors[ten]))
            categories.append(len(set(self._groups[ten].tolist())))
        return values, distances, categories


def _distance(vectors: npt.NDArray[np.float32]) -> float:
    """1 minus the mean dot product of two different rows."""
    n = len(vectors)
    alike = float((vectors @ vectors.T).sum() - (vectors * vectors).sum())
    return 1.0 - alike / max(n * (n - 1), 1)
