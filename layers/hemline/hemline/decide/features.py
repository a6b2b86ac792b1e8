"""The feature matrix: one row a candidate, one pass of numpy. The same functions train and serve.

Pure: `now` is handed in. Every value is finite float32; what is unknown has a value of its own.
"""

import math

import numpy as np

from hemline.decide.snapshot import Floats, Ints, Snapshot
from hemline.decide.visitor import LAST, OWN, VisitorView
from hemline.learn.statistics_columns import STATS

_DAY = 86_400_000.0
_YEAR = np.float32(365.0)
_JOINED = (
    *(f"days_since_{deed}" for deed in LAST),
    "overdue",
    "together",
    "page_together",
    "lift_mean",
    "lift_most",
    "category_share",
    "page_category",
    "price",
    "price_gap",
    "page_price_gap",
    "age",
    "age_gap",
)
_VISITOR = ("visitor_purchases", "visitor_carted", "visitor_engaged", "visitor_shown", "idle")
RELATIVE = (
    "engaged_ever",
    "rate_ever",
    "popularity",
    "own_bought",
    "own_share",
    "days_since_bought",
    "days_since_engaged",
    "together",
    "lift_mean",
    "lift_most",
    "price",
    "age",
)
"""Columns that stand in the matrix a second time, against the other candidates of the list."""

_ABSOLUTE = (*STATS, *OWN, *_JOINED, *_VISITOR)
FEATURES: tuple[str, ...] = (*_ABSOLUTE, *(f"{name}_in_list" for name in RELATIVE))
"""Names of the columns, in order."""

_AT = {name: column for column, name in enumerate(FEATURES)}
_OWN_AT = len(STATS)
_JOINED_AT = _OWN_AT + len(OWN)
_VISITOR_AT = _JOINED_AT + len(_JOINED)
_LIST_AT = len(_ABSOLUTE)
_RELATIVE_COLUMNS = np.array([_ABSOLUTE.index(name) for name in RELATIVE])
_LEAST_SPREAD = np.float32(1e-3)
_UNKNOWN_PRICE, _UNKNOWN_AGE, _UNKNOWN_GAP = -1.0, -1.0, -9.0


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
    out = np.empty((len(candidates), len(FEATURES)), np.float32)
    if not len(candidates):
        return out
    slot = view.slot[candidates]
    stats = snapshot.item_stats
    out[:, :_OWN_AT] = stats.take(candidates, axis=0) if stats.size else 0.0
    out[:, _OWN_AT:_JOINED_AT] = view.own.take(slot, axis=0)
    out[:, _JOINED_AT : _JOINED_AT + 4] = _times(view, slot, now)
    _joined(out, snapshot, view, candidates)
    _page(out, snapshot, candidates, page_item, page_category)
    _ages(out, snapshot, view, candidates, now)
    out[:, _VISITOR_AT : _VISITOR_AT + 4] = view.sums
    out[:, _AT["idle"]] = np.log1p(max(now - view.seen, 0) / _DAY)
    out[:, _LIST_AT:] = _in_list(out.take(_RELATIVE_COLUMNS, axis=1))
    return out


def _times(view: VisitorView, slot: Ints, now: int) -> Floats:
    """[n, 4]: log days since each deed (never: since 1970), and how far a next purchase is due."""
    # Milliseconds since 1970 need float64; days do not.
    days = np.maximum((now - view.last) / _DAY, 0.0).astype(np.float32)
    gap = view.gap
    table = np.empty((len(days), 4), np.float32)
    np.log1p(days, out=table[:, :3])
    due = np.minimum(days[:, 0] / np.maximum(gap, np.float32(1.0)), np.float32(9.0))
    table[:, 3] = np.where(gap > 0, due, np.float32(-1.0))
    return table.take(slot, axis=0)


def _joined(out: Floats, snapshot: Snapshot, view: VisitorView, candidates: Ints) -> None:
    out[:, _AT["together"]] = view.together[candidates]
    # Terms lie along the first axis, so that both reductions run over whole rows of candidates.
    lift = view.lift.take(snapshot.terms_across.take(candidates, axis=1))
    total = np.add.reduce(lift, axis=0)
    out[:, _AT["lift_mean"]] = total / snapshot.term_counts[candidates]
    out[:, _AT["lift_most"]] = np.maximum.reduce(lift, axis=0)
    out[:, _AT["category_share"]] = view.category_share[snapshot.main_category[candidates]]


def _page(
    out: Floats, snapshot: Snapshot, candidates: Ints, page_item: int, page_category: int
) -> None:
    main, price = snapshot.main_category, snapshot.log_price
    if page_item >= 0:
        page_category = page_category if page_category >= 0 else int(main[page_item])
        near, weight = snapshot.neighbours
        # A small dense row instead of a search: -1, the padding, falls into the place cut off.
        row = np.zeros(len(snapshot.item_ids) + 1, np.float32)
        row[near[page_item]] = weight[page_item]
        out[:, _AT["page_together"]] = row[candidates]
        gap = price[candidates] - price[page_item]
        out[:, _AT["page_price_gap"]] = _known(gap, _UNKNOWN_GAP)
    else:
        out[:, _AT["page_together"]], out[:, _AT["page_price_gap"]] = -1.0, _UNKNOWN_GAP
    same = main[candidates] == page_category if page_category >= 0 else -1.0
    out[:, _AT["page_category"]] = same


def _ages(out: Floats, snapshot: Snapshot, view: VisitorView, candidates: Ints, now: int) -> None:
    # What is known of every item, and of the visitor, need not be looked at for blanks.
    priced, dated = snapshot.all_priced, snapshot.all_dated
    price = snapshot.log_price.take(candidates)
    gap = price - np.float32(view.price)
    out[:, _AT["price_gap"]] = _known(gap, _UNKNOWN_GAP, whole=priced and math.isfinite(view.price))
    out[:, _AT["price"]] = _known(price, _UNKNOWN_PRICE, whole=priced)
    # Days since 1970 in float32 are good to three minutes.
    born = snapshot.born.take(candidates)
    age = np.log1p(np.maximum(np.float32(now / _DAY) - born, np.float32(0.0)))
    out[:, _AT["age"]] = _known(age, _UNKNOWN_AGE, whole=dated)
    years = (born - np.float32(view.born)) / _YEAR
    out[:, _AT["age_gap"]] = _known(years, _UNKNOWN_GAP, whole=dated and math.isfinite(view.born))


def _known(values: Floats, blank: float, *, whole: bool = False) -> Floats:
    """`values` with `blank` for each NaN; `whole`: there is none."""
    if not whole:
        values[np.isnan(values)] = blank
    return values


def _in_list(block: Floats) -> Floats:
    """Each column against the list: how many standard deviations from its mean."""
    # Transposed, so that sums run along memory.
    across = np.ascontiguousarray(block.T)
    n = np.float32(len(block))
    across -= (np.add.reduce(across, axis=1) / n)[:, None]
    spread = np.sqrt(np.add.reduce(across * across, axis=1) / n)
    across /= (spread + _LEAST_SPREAD)[:, None]
    return across.T
