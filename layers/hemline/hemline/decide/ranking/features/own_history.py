"""What the visitor did with the item itself: how often, how long ago, and whether a next purchase is due."""

import numpy as np

from hemline.decide.ranking.features.inputs import FeatureInputs
from hemline.decide.ranking.visitor import LAST, OWN, VisitorView
from hemline.learn.array_types import Floats
from hemline.model.durations import DAY_MS

NAMES = (*OWN, *(f"days_since_{deed}" for deed in LAST), "overdue")
_MOST_OVERDUE = np.float32(9.0)


def fill(out: Floats, inputs: FeatureInputs) -> None:
    """[n candidates, NAMES]: one row for each item of the visitor's own, row 0 for all others."""
    view = inputs.view
    out[:] = _table(view, inputs.now).take(view.slot.take(inputs.candidates), axis=0)


def _table(view: VisitorView, now: int) -> Floats:
    """[m + 1, NAMES], indexed by `view.slot`; made once for all lists of a page."""
    found = view.derived.get(("own_history", now))
    if found is None:
        found = view.derived["own_history", now] = _made(view, now)
    return found


def _made(view: VisitorView, now: int) -> Floats:
    """Log days since each kind of action (never: since 1970), and time since purchase over the usual gap."""
    table = np.empty((len(view.own), len(NAMES)), np.float32)
    table[:, : len(OWN)] = view.own
    # Subtract in float64, which milliseconds since 1970 need; days fit float32.
    days = np.maximum((now - view.last) / DAY_MS, 0.0).astype(np.float32)
    gap = view.gap
    np.log1p(days, out=table[:, len(OWN) : -1])
    if not np.count_nonzero(gap):
        table[:, -1] = -1.0
        return table
    due = np.minimum(days[:, 0] / np.maximum(gap, np.float32(1.0)), _MOST_OVERDUE)
    table[:, -1] = np.where(gap > 0, due, np.float32(-1.0))
    return table
