"""A profile joined with an edition: what a visitor did, as arrays over the edition's items.

Made once a request and shared by all its slots. Pure; knows neither the clock nor candidates.
Items that the edition no longer has are left out.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hemline.decide.snapshot import Floats, Ints, Snapshot
from hemline.learn.profile import BOUGHT, ENGAGED, SHOWN, TYPES, Profile
from hemline.learn.profile_columns import Columns
from hemline.learn.statistics_counts import DAY_MS
from hemline.model.event import DEEDS, Deed

Reals = npt.NDArray[np.float64]

OWN = ("own_bought", "own_carted", "own_quantity", "own_engaged", "own_shown", "own_share")
"""Columns of `VisitorView.own`."""
LAST = ("bought", "engaged", "shown")
"""Columns of `VisitorView.last`."""

_CODES = ("purchase", "cart", "engaged", "shown")
_ENGAGED_CODE = 2
_COUNTS, _QUANTITY, _SHARE = [0, 1, 3, 4], 2, 5
"""Columns of `own`: the counts of _CODES, the quantity, the share."""
_DEED_CODES = {Deed.BOUGHT: 0, Deed.CARTED: 1, Deed.ENGAGED: _ENGAGED_CODE, Deed.SHOWN: 3}
_CODE = np.array([_DEED_CODES[DEEDS[name] or Deed.SHOWN] for name in TYPES], np.int64)
"""Kind of an action → its place in _CODES."""
_RING_OF = np.array([0, 0, 1, 2], np.int64)
"""Place in _CODES → column of `last`."""
# What a deed says about taste, beside one plain look.
_TASTE_WEIGHT = np.array([0, 1, 1, 1, 1, 2, 2, 2], np.float64)
# Each further action back counts a little less: half after about 35.
_FADES = 0.98 ** np.arange(4096)
STEPS = 12
"""Newest items whose neighbours count: what is older says little about now."""
_STEP_FADE = 0.85
# A visitor's showings are believed over the catalogue's shares after about this many.
_SHARE_PRIOR = 20.0
_LIFT_PRIOR = 1.0


class VisitorView(NamedTuple):
    """n items, m items of the visitor's own, t terms, c categories."""

    recent: Ints
    """[r] items bought, carted or engaged with, each once, newest first."""
    categories: Ints
    """[≤ c] the visitor's categories, the most liked first."""
    slot: Ints
    """[n] row of each item in `own`, `last` and `gap`; 0 for items the visitor never met."""
    own: Floats
    """[m + 1, OWN] log(1 + count) of each deed, and the share of purchases the item was in."""
    last: Reals
    """[m + 1, LAST] epoch ms of the newest deed, 0 for never."""
    gap: Floats
    """[m + 1] mean days between purchases of the item, 0 when bought less than twice."""
    lift: Floats
    """[t + 1] log of how much more than expected the visitor takes to each term."""
    category_share: Floats
    """[c + 1] of the visitor's deeds; the last one, for no category, is 0."""
    together: Floats
    """[n] how strongly each item goes with the visitor's newest items."""
    price: float
    """Mean log price of what the visitor took to; NaN when unknown."""
    born: float
    """Mean publication day of it, days since 1970; NaN when unknown."""
    sums: Floats
    """[4] log(1 + count) of purchases, carted and engaged actions, showings."""
    seen: int
    """Time of the newest action, epoch ms; 0 for none."""


class _Lines(NamedTuple):
    """What the edition knows of the three rings, ring after ring, newest first in each; L lines."""

    items: npt.NDArray[np.int64]
    times: npt.NDArray[np.int64]
    kinds: npt.NDArray[np.uint8]
    quantities: Ints
    deep: int
    """Lines of the first two rings: what was bought, carted or engaged with."""


def _lines(columns: Columns, index: dict[str, int]) -> _Lines:
    find = index.get
    numbers = np.array([find(item, -1) for item in columns.items], np.int64)
    items = numbers[columns.positions]
    times: npt.NDArray[np.int64] = columns.times.repeat(columns.counts)
    kinds: npt.NDArray[np.uint8] = columns.kinds.repeat(columns.counts)
    quantities = columns.quantities
    if items.size and items.min() < 0:
        known = items >= 0
        items, times, kinds = items[known], times[known], kinds[known]
        quantities = quantities[known]
    return _Lines(items, times, kinds, quantities, int(np.count_nonzero(kinds)))


def view(profile: Profile, snapshot: Snapshot) -> VisitorView:
    """The profile as arrays over this edition's items; any profile, the empty one too."""
    columns = profile.columns(BOUGHT, ENGAGED, SHOWN)
    lines = _lines(columns, snapshot.index)
    slot, met, rows = _rows(len(snapshot.item_ids), lines.items)
    actions = np.bincount(_CODE.take(columns.kinds), minlength=len(_CODES))
    own, last, gap = _own(met + 1, lines, rows, int(actions[0]))
    recent, weight = _recent(lines)
    share = _category_share(snapshot, recent, weight)
    liked = np.flatnonzero(share[:-1])
    distinct = np.array(list(dict.fromkeys(recent.tolist())), np.int32)
    return VisitorView(
        recent=distinct,
        categories=liked[np.argsort(-share[liked], kind="stable")].astype(np.int32),
        slot=slot,
        own=own,
        last=last,
        gap=gap,
        lift=_lift(snapshot, recent, weight, lines.items[lines.deep :]),
        category_share=share,
        together=_together(snapshot, distinct[:STEPS]),
        price=_mean(snapshot.log_price.take(recent), weight, whole=snapshot.all_priced),
        born=_mean(snapshot.born.take(recent), weight, whole=snapshot.all_dated),
        sums=np.log1p(actions.astype(np.float32)),
        seen=int(columns.times.max()) if columns.times.size else 0,
    )


def _rows(n: int, items: npt.NDArray[np.int64]) -> tuple[Ints, int, Ints]:
    """(row of each item or 0 [n], how many items there are, the row of each line)."""
    met = np.zeros(n, np.bool_)
    met[items] = True
    distinct = np.flatnonzero(met)
    slot = np.zeros(n, np.int32)
    slot[distinct] = np.arange(1, len(distinct) + 1)
    return slot, len(distinct), slot[items]


def _recent(lines: _Lines) -> tuple[npt.NDArray[np.int64], Reals]:
    """(items not merely shown, newest first, with repeats; what each says about taste)."""
    order = np.argsort(-lines.times[: lines.deep], kind="stable")
    weight = _TASTE_WEIGHT.take(lines.kinds[order])
    return lines.items[order], weight * _FADES[: len(order)]


def _own(size: int, lines: _Lines, rows: Ints, purchases: int) -> tuple[Floats, Reals, Floats]:
    codes = _CODE.take(lines.kinds)
    # One count of (item, code) pairs; then what was bought and carted, in pieces.
    pairs = rows * len(_CODES) + codes
    counts = np.bincount(pairs, minlength=size * len(_CODES)).reshape(size, len(_CODES))
    own = np.zeros((size, len(OWN)), np.float32)
    own[:, _COUNTS] = counts
    had = np.count_nonzero(codes < _ENGAGED_CODE)
    own[:, _QUANTITY] = np.bincount(rows[:had], lines.quantities[:had], size)
    np.log1p(own, out=own)
    times = counts[:, 0]
    own[:, _SHARE] = times / max(purchases, 1)
    last = np.zeros((size, len(LAST)))
    # Lines are newest first: written backwards, the newest time is what stays.
    last[rows[::-1], _RING_OF.take(codes[::-1])] = lines.times[::-1]
    first = np.zeros(size)
    first[rows[:had]] = lines.times[:had]
    gap = (last[:, 0] - first) / (np.maximum(times - 1, 1) * DAY_MS)
    gap[times < 2] = 0.0
    return own, last, gap.astype(np.float32)


def _lift(
    snapshot: Snapshot, taken: npt.NDArray[np.int64], weight: Reals, shown: npt.NDArray[np.int64]
) -> Floats:
    """Taken against what was to be expected from what was shown (or, unseen, from all deeds)."""
    share, terms = snapshot.term_share, snapshot.item_terms
    size, width = len(share), terms.shape[1]
    liked = np.bincount(terms.take(taken, axis=0).ravel(), np.repeat(weight, width), size)
    met = np.bincount(terms.take(shown, axis=0).ravel(), minlength=size) + _SHARE_PRIOR * share
    expected = met * (np.add.reduce(weight) / (len(shown) + _SHARE_PRIOR))
    lift: Floats = np.log((liked + _LIFT_PRIOR) / (expected + _LIFT_PRIOR)).astype(np.float32)
    lift[-1] = 0.0
    return lift


def _category_share(snapshot: Snapshot, items: npt.NDArray[np.int64], weight: Reals) -> Floats:
    size = len(snapshot.categories) + 1
    # An item without a category has -1, which counts into the last place.
    place = snapshot.main_category[items] % size
    share: Reals = np.bincount(place, weight, size) / max(float(weight.sum()), 1.0)
    share[-1] = 0.0
    return share.astype(np.float32)


def _together(snapshot: Snapshot, newest: Ints) -> Floats:
    near, weight = snapshot.neighbours
    score = np.zeros(len(snapshot.item_ids) + 1, np.float32)
    if near.size:
        fade = (_STEP_FADE ** np.arange(len(newest), dtype=np.float32))[:, None]
        # -1, the padding, falls into the place that is cut off.
        np.add.at(score, near[newest].ravel(), (weight[newest] * fade).ravel())
    return score[:-1]


def _mean(values: npt.NDArray[np.floating], weight: Reals, *, whole: bool) -> float:
    """Weighted mean of the known values; NaN when there are none. `whole`: none is NaN."""
    if not whole:
        known = np.isfinite(values)
        values, weight = values[known], weight[known]
    total = float(np.add.reduce(weight))
    return float(np.add.reduce(values * weight)) / total if total else float("nan")
