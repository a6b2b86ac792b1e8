"""The feature matrix: one row per candidate, one pass of numpy. The same functions train and serve.

A block is a file beside this one: `NAMES` are its columns, `base` fills what depends on the item alone
(once per edition), `fill` the rest. To add a feature, add a name to a block and fill its column; where the
block stands in the matrix is computed. Every value is finite float32.
"""

from itertools import accumulate

import numpy as np

from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.ranking.features import (
    affinity,
    item_statistics,
    own_history,
    price_and_age,
    visitor_totals,
)
from hemline.decide.ranking.features import in_list as relative
from hemline.decide.ranking.features.in_list import RELATIVE, in_list
from hemline.decide.ranking.features.inputs import FeatureInputs
from hemline.decide.ranking.visitor import VisitorView
from hemline.learn.array_types import Floats, Ints

__all__ = ["FEATURES", "RELATIVE", "matrix"]

_BLOCKS = (item_statistics, own_history, affinity, price_and_age, visitor_totals)
_ENDS = tuple(accumulate(len(block.NAMES) for block in _BLOCKS))
_PLACES = dict(zip(_BLOCKS, map(slice, (0, *_ENDS), _ENDS), strict=False))
"""Block → its columns."""
_ABSOLUTE = tuple(name for block in _BLOCKS for name in block.NAMES)
FEATURES: tuple[str, ...] = (*_ABSOLUTE, *relative.NAMES)
"""Names of the columns, in order."""

_LIST_AT = len(_ABSOLUTE)
_RELATIVE_COLUMNS = relative.columns_in(_ABSOLUTE)
_BASES = tuple((b.base, _PLACES[b]) for b in (item_statistics, affinity, price_and_age))
_FILLS = tuple((b.fill, _PLACES[b]) for b in (own_history, affinity, price_and_age, visitor_totals))


def matrix(  # noqa: PLR0913 - the two about the page are optional and named
    snapshot: Snapshot,
    view: VisitorView,
    candidates: Ints,
    *,
    now: int,
    page_item: int = -1,
    page_category: int = -1,
) -> Floats:
    """float32 [n candidates, FEATURES]; `now` in epoch ms, page_item and page_category as indices."""
    out = snapshot.once(_base).take(candidates, axis=0)
    if not len(candidates):
        return out
    if page_category < 0 <= page_item:
        page_category = int(snapshot.main_category[page_item])
    inputs = FeatureInputs(snapshot, view, candidates, now, page_item, page_category)
    for fill, columns in _FILLS:
        fill(out[:, columns], inputs)
    out[:, _LIST_AT:] = in_list(out, _RELATIVE_COLUMNS)
    return out


def _base(snapshot: Snapshot) -> Floats:
    """[n items, FEATURES] the values that depend on the item alone; the other columns are 0."""
    out = np.zeros((len(snapshot.item_ids), len(FEATURES)), np.float32)
    for fill, columns in _BASES:
        fill(out[:, columns], snapshot)
    return out
