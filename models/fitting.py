"""Fits a ranker to examples: holds visitors out, trains, evaluates, exports both files."""

import platform
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import NamedTuple

from hemline.decide.ranking.features.matrix import FEATURES
from hemline.learn.array_types import Floats, Reals
from hemline.model.errors import BadInput
from hemline.model.ids import hash64
from models.examples import Example, rows
from models.export import Files, export
from models.results import OURS, Result, compare
from models.training import SHAPE, TrainingShape, predict, train

Score = Callable[[Floats], Reals]
"""[n, FEATURES] → [n], higher is better."""
LEAST_LISTS = 50
_HELD_OUT = 5
"""One visitor in five."""


class Fitted(NamedTuple):
    """The files, and the ranker's result on held-out visitors."""

    files: Files
    result: Result


def nothing_more(_score: Score) -> dict[str, object]:
    """No further measurements."""
    return {}


def fit(
    found: Sequence[Example],
    source: str,
    *,
    more: Callable[[Score], dict[str, object]] = nothing_more,
    shape: TrainingShape = SHAPE,
    seed: int = 7,
) -> Fitted:
    """Train, evaluate and export. `more` measures the trained ranker and adds the figures to the card.

    Raises BadInput when there are too few lists.
    """
    learnt = [one for one in found if hash64(one.subject) % _HELD_OUT]
    tests = [one for one in found if not hash64(one.subject) % _HELD_OUT and one.known]
    if len(learnt) < LEAST_LISTS or len(tests) < 2:
        raise BadInput(
            "log",
            f"has {len(learnt)} lists to train on and {len(tests)} to test on.",
            f"At least {LEAST_LISTS} lists with a click (or purchases) are needed.",
        )
    booster = train(rows(learnt), shape, FEATURES, seed=seed)
    popularity = FEATURES.index("popularity")
    result = compare(
        "held-out visitors",
        tests,
        {
            OURS: lambda one: predict(booster, one.features),
            "popularity": lambda one: one.features[:, popularity],
        },
    )
    notes: dict[str, object] = {
        "metrics": result.as_json(),
        **more(lambda features: predict(booster, features)),
        "lists": {"train": len(learnt), "test": len(tests)},
        "source": source,
        "seed": seed,
        "shape": shape._asdict(),
        "made_with": {name: version(name) for name in ("lightgbm", "onnxmltools", "numpy")}
        | {"python": platform.python_version()},
    }
    return Fitted(export(booster, FEATURES, rows(list(found)).features, notes), result)
