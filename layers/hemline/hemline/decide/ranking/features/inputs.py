"""The inputs of every feature block, and how a block marks an unknown value."""

from typing import NamedTuple

import numpy as np

from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.ranking.visitor import VisitorView
from hemline.learn.array_types import Floats, Ints

UNKNOWN_GAP = -32768.0
"""Stands for an unknown difference. Known gaps are a few thousand years at most."""


class FeatureInputs(NamedTuple):
    """One list of candidates, and the visitor and page that they are ranked for."""

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
    """`values`, changed in place: `blank` replaces each NaN. `complete` says that there is no NaN."""
    if not complete:
        values[np.isnan(values)] = blank
    return values
