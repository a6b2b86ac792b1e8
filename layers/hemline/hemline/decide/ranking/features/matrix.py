"""The feature matrix: one row a candidate, one pass of numpy. The same functions train and serve.

Pure: `now` is handed in. Every value is finite float32; what is unknown has a value of its own.
"""

import math

import numpy as np

from hemline.decide.facts.snapshot import Floats, Ints, Snapshot
from hemline.decide.ranking.visitor import LAST, OWN, VisitorView
from hemline.learn.statistics.columns import STATS

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
# What is unknown lies where nothing that is known can: ages are 0 or more, a price's logarithm is cut
# off above -1, gaps are some thousand years at the most.
_UNKNOWN_PRICE, _UNKNOWN_AGE, _UNKNOWN_GAP = -1.0, -1.0, -32768.0
_LEAST_LOG_PRICE = np.float32(-0.99)


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
    own, visitor = _of_visitor(view, now)
    out[:, _OWN_AT : _JOINED_AT + 4] = own.take(view.slot.take(candidates), axis=0)
    _joined(out, snapshot, view, candidates)
    if page_item >= 0 or page_category >= 0:
        _page(out, snapshot, candidates, page_item, page_category)
    _gaps(out, snapshot, view, candidates, now)
    out[:, _VISITOR_AT:_LIST_AT] = visitor
    out[:, _LIST_AT:] = _in_list(out)
    return out


def _base(snapshot: Snapshot) -> Floats:
    """[n, FEATURES] what is known of each item whoever asks, on a page about nothing; else 0."""
    base = np.zeros((len(snapshot.item_ids), len(FEATURES)), np.float32)
    base[:, :_OWN_AT] = snapshot.item_stats if snapshot.item_stats.size else 0.0
    price: Floats = np.maximum(snapshot.log_price, _LEAST_LOG_PRICE)
    base[:, _AT["price"]] = _known(price, _UNKNOWN_PRICE)
    base[:, _AT["page_together"]] = base[:, _AT["page_category"]] = -1.0
    base[:, _AT["page_price_gap"]] = _UNKNOWN_GAP
    return base


def _of_visitor(view: VisitorView, now: int) -> tuple[Floats, Floats]:
    """What is the same for all lists of a page: (rows by `view.slot`, the visitor's own columns).

    [m + 1, OWN and 4]: after `own` the log days since each deed (never: since 1970), and how far a
    next purchase is due; [5].
    """
    found = view.derived.get(now)
    if found is None:
        idle = np.log1p(max(now - view.seen, 0) / _DAY)
        visitor = np.array([*view.sums.tolist(), idle], np.float32)
        found = view.derived[now] = _own(view, now), visitor
    return found


def _own(view: VisitorView, now: int) -> Floats:
    table = np.empty((len(view.own), len(OWN) + 4), np.float32)
    table[:, : len(OWN)] = view.own
    # Milliseconds since 1970 need float64; days do not.
    days = np.maximum((now - view.last) / _DAY, 0.0).astype(np.float32)
    gap = view.gap
    np.log1p(days, out=table[:, len(OWN) : -1])
    if not np.count_nonzero(gap):
        table[:, -1] = -1.0
        return table
    due = np.minimum(days[:, 0] / np.maximum(gap, np.float32(1.0)), np.float32(9.0))
    table[:, -1] = np.where(gap > 0, due, np.float32(-1.0))
    return table


def _joined(out: Floats, snapshot: Snapshot, view: VisitorView, candidates: Ints) -> None:
    out[:, _AT["together"]] = view.together.take(candidates)
    # Terms lie along the first axis, so that both reductions run over whole rows of candidates.
    lift = view.lift.take(snapshot.terms_across.take(candidates, axis=1))
    total = np.add.reduce(lift, axis=0)
    out[:, _AT["lift_mean"]] = total / snapshot.term_counts.take(candidates)
    out[:, _AT["lift_most"]] = np.maximum.reduce(lift, axis=0)
    out[:, _AT["category_share"]] = view.category_share[snapshot.main_category.take(candidates)]


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
    if page_category >= 0:
        out[:, _AT["page_category"]] = main[candidates] == page_category


def _gaps(out: Floats, snapshot: Snapshot, view: VisitorView, candidates: Ints, now: int) -> None:
    # What is known of every item, and of the visitor, need not be looked at for blanks.
    priced, dated = snapshot.all_priced, snapshot.all_dated
    price, born = snapshot.price_and_born.take(candidates, axis=1)
    price -= np.float32(view.price)
    whole = priced and math.isfinite(view.price)
    out[:, _AT["price_gap"]] = _known(price, _UNKNOWN_GAP, whole=whole)
    # Days since 1970 in float32 are good to three minutes.
    age = np.log1p(np.maximum(np.float32(now / _DAY) - born, np.float32(0.0)))
    out[:, _AT["age"]] = _known(age, _UNKNOWN_AGE, whole=dated)
    born -= np.float32(view.born)
    born /= _YEAR
    whole = dated and math.isfinite(view.born)
    out[:, _AT["age_gap"]] = _known(born, _UNKNOWN_GAP, whole=whole)


def _known(values: Floats, blank: float, *, whole: bool = False) -> Floats:
    """`values` with `blank` for each NaN; `whole`: there is none."""
    if not whole:
        values[np.isnan(values)] = blank
    return values


def _in_list(out: Floats) -> Floats:
    """Each relative column against the list: how many standard deviations from its mean."""
    # Transposed, so that sums run along memory.
    across: Floats = out.T[_RELATIVE_COLUMNS]
    n = np.float32(len(out))
    across -= (np.add.reduce(across, axis=1) / n)[:, None]
    spread = np.sqrt(np.add.reduce(across * across, axis=1) / n)
    across /= (spread + _LEAST_SPREAD)[:, None]
    return across.T
