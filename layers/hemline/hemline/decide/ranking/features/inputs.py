"""What every block of features is filled from, and how a block marks a value that is not known."""

from typing import NamedTuple

import numpy as np

from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.ranking.visitor import VisitorView
from hemline.learn.array_types import Floats, Ints

UNKNOWN_GAP = -32768.0
"""Where a difference is not known: gaps that are known are some thousand years at the most."""


class FeatureInputs(NamedTuple):
    """One list of candidates and who they are ranked for."""

    snapshot: Snapshot
    view: VisitorView
    candidates: Ints
    """[n] item indices."""
    now: int
    """Epoch ms."""
    page_item: int
    """Index of the page's item, -1 for none."""
    page_category: int
    """Index of the page's category, or of its item's main one; -1 for none."""


def known_or(values: Floats, blank: float, *, complete: bool = False) -> Floats:
    """`values`, changed in place, with `blank` for each NaN; `complete`: there is none to look for."""
    if not complete:
        values[np.isnan(values)] = blank
    return values
