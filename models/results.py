"""Results of evaluations: one row a ranker, as a table and as JSON."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from models.examples import Example
from models.metrics import ndcg, paired, summary

Scorer = Callable[[Example], npt.ArrayLike]
"""One list → a score for each of its candidates, higher is better."""
OURS = "hemline"


class ResultRow(NamedTuple):
    """One ranker under one protocol. `against`: 95 % interval of our NDCG@10 minus this one's."""

    model: str
    ndcg: float
    se: float
    against: tuple[float, float] | None


class Result(NamedTuple):
    """The table of one protocol, best ranker first. `lists`: number of test lists."""

    protocol: str
    rows: tuple[ResultRow, ...]
    lists: int

    def as_json(self) -> dict[str, object]:
        """`{"protocol", "rows": [{"model", "ndcg@10", "se"}]}`."""
        rows = [
            {"model": row.model, "ndcg@10": round(row.ndcg, 5), "se": round(row.se, 5)}
            for row in self.rows
        ]
        return {"protocol": self.protocol, "rows": rows}


def compare(protocol: str, tests: Sequence[Example], scorers: dict[str, Scorer]) -> Result:
    """Run every scorer on the same lists; OURS must be among them. Ties: a seeded shuffle."""
    values = {name: _values(tests, scorer) for name, scorer in scorers.items()}
    rows = [_row(name, found, values[OURS]) for name, found in values.items()]
    return Result(protocol, tuple(sorted(rows, key=lambda row: -row.ndcg)), len(tests))


def _values(tests: Sequence[Example], scorer: Scorer) -> list[float]:
    rng = np.random.default_rng(0)
    return [ndcg(scorer(test), test.gains > 0, rng, wanted=test.wanted) for test in tests]


def _row(name: str, values: list[float], ours: list[float]) -> ResultRow:
    score = summary(values)
    return ResultRow(name, score.mean, score.se, None if name == OURS else paired(ours, values))
