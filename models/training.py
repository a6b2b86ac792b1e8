"""Trains LambdaMART, seeded: the same rows give the same trees with the same LightGBM version."""

import re
from typing import NamedTuple

import lightgbm as lgb
import numpy as np

from hemline.learn.array_types import Floats, Reals
from models.replay import Rows


class TrainingShape(NamedTuple):
    """Size and regularisation of a ranker."""

    trees: int = 100
    leaves: int = 15
    """Most leaves of a tree."""
    rate: float = 0.06
    """Learning rate."""
    least: int = 40
    """Fewest rows of a leaf."""
    columns: float = 0.6
    """Share of features drawn for each tree."""
    ridge: float = 5.0
    """L2 regularisation."""


SHAPE = TrainingShape(trees=40, leaves=12, rate=0.15)
"""The smallest that keeps the quality of 100 trees of 15 leaves; docs/decisions has the numbers."""


def train(
    rows: Rows, shape: TrainingShape, names: tuple[str, ...], *, seed: int = 7
) -> lgb.Booster:
    """A LambdaMART of this shape, its thresholds floored to float32."""
    parameters = {
        "objective": "lambdarank",
        "num_leaves": shape.leaves,
        "learning_rate": shape.rate,
        "min_data_in_leaf": shape.least,
        "feature_fraction": shape.columns,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "lambda_l2": shape.ridge,
        "lambdarank_truncation_level": 20,
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 2,
        "verbose": -1,
    }
    data = lgb.Dataset(
        rows.features, rows.labels, group=rows.groups, feature_name=list(names), free_raw_data=True
    )
    return floored(lgb.train(parameters, data, shape.trees))


def floored(booster: lgb.Booster) -> lgb.Booster:
    """The same trees with every threshold rounded down to a float32.

    Features are float32 and go left when at or below a threshold, so for them nothing changes;
    but ONNX keeps thresholds as float32, and rounding one up there would send a row another way.
    """
    # `tree_sizes` holds byte lengths of the old text. Without it the reader searches for the trees.
    text = re.sub(r"(?m)^tree_sizes=.*\n", "", booster.model_to_string())

    def down(match: re.Match[str]) -> str:
        values = [floor32(float(value)) for value in match[1].split()]
        return "threshold=" + " ".join(repr(value) for value in values)

    return lgb.Booster(model_str=re.sub(r"(?m)^threshold=(.*)$", down, text))


def floor32(value: float) -> float:
    """The greatest float32 that is not above `value`."""
    near = np.float32(value)
    # As Python floats: numpy would compare a float32 with a float in 32 bits, where they are equal.
    if float(near) <= value:
        return float(near)
    return float(np.nextafter(near, np.float32(-np.inf)))


def predict(booster: lgb.Booster, features: Floats) -> Reals:
    """[r, FEATURES] → [r], higher is better."""
    return np.asarray(booster.predict(features), np.float64)
