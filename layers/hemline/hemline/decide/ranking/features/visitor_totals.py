"""The visitor's total actions, and the time since the last one: the same for every candidate."""

import numpy as np

from hemline.decide.ranking.features.inputs import FeatureInputs
from hemline.learn.array_types import Floats
from hemline.model.durations import DAY_MS

NAMES = ("visitor_purchases", "visitor_carted", "visitor_engaged", "visitor_shown", "idle")


def fill(out: Floats, inputs: FeatureInputs) -> None:
    """[n candidates, NAMES]: log counts, and the log of days since the last event."""
    view = inputs.view
    found = view.derived.get(("visitor_totals", inputs.now))
    if found is None:
        idle = np.log1p(max(inputs.now - view.seen, 0) / DAY_MS)
        found = np.array([*view.sums.tolist(), idle], np.float32)
        view.derived["visitor_totals", inputs.now] = found
    out[:] = found
