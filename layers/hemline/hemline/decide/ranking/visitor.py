"""A profile joined with an edition: what a visitor did, as arrays over the edition's items.

Made once a request and shared by all its slots. Pure; knows neither the clock nor candidates.
Items that the edition no longer has are left out.
"""

from itertools import repeat
from typing import NamedTuple

import numpy as np

from hemline.decide.facts.snapshot import Snapshot
from hemline.learn.array_types import Codes, Floats, Ints, Longs, Reals
from hemline.learn.profile.columns import Columns
from hemline.learn.profile.fold import BOUGHT, ENGAGED, SHOWN, TYPES, Profile
from hemline.model.durations import DAY_MS
from hemline.model.events.event import LEVEL_OF_EVENT, InteractionLevel

OWN = ("own_bought", "own_carted", "own_quantity", "own_engaged", "own_shown", "own_share")
"""Columns of `VisitorView.own`."""
LAST = ("bought", "engaged", "shown")
"""Columns of `VisitorView.last`."""

_QUANTITY, _SHARE = 2, 5
_COUNTED = {
    InteractionLevel.BOUGHT: 0,
    InteractionLevel.CARTED: 1,
    InteractionLevel.ENGAGED: 3,
    InteractionLevel.SHOWN: 4,
}
"""InteractionLevel → the column of `own` that counts it."""
_DEED_OF = [LEVEL_OF_EVENT[name] or InteractionLevel.SHOWN for name in TYPES]
_COLUMN = np.array([_COUNTED[deed] for deed in _DEED_OF], np.int64)
"""Kind of an action → its column of `own`."""
_PLACE = np.array([list(_COUNTED).index(deed) for deed in _DEED_OF], np.int64)
"""Kind of an action → its place in `sums`."""
_RINGS = {
    InteractionLevel.BOUGHT: 0,
    InteractionLevel.CARTED: 0,
    InteractionLevel.ENGAGED: 1,
    InteractionLevel.SHOWN: 2,
}
_RING_OF = np.array([_RINGS[deed] for deed in _DEED_OF], np.int64)
"""Kind of an action → its column of `last`."""
_TASTE_OF_DEED = {
    InteractionLevel.SHOWN: 0.0,
    InteractionLevel.ENGAGED: 1.0,
    InteractionLevel.CARTED: 2.0,
    InteractionLevel.BOUGHT: 2.0,
}
"""Interaction level → its weight as a sign of taste, relative to one view or click."""
_TASTE_WEIGHT = np.array([_TASTE_OF_DEED[deed] for deed in _DEED_OF], np.float64)
"""Kind of an action → its taste weight. Built from TYPES, so that no kind is missing."""
# Each older action counts 2% less: half after about 35 actions.
_FADES = 0.98 ** np.arange(4096)
STEPS = 12
"""Only the neighbours of this many newest items count: older ones say little about present interest."""
_STEP_FADES = (0.85 ** np.arange(STEPS, dtype=np.float32))[:, None]
# Weight of the catalogue's term shares, in exposures: a visitor with 20 exposures of their own counts
# half by these.
_SHARE_PRIOR = 20.0
_LIFT_PRIOR = 1.0


class VisitorView(NamedTuple):
    """n items, m items of the visitor's own, t terms, c categories."""

    recent: Ints
    """[r] items bought, carted or engaged with, each once, newest first."""
    slot: Ints
    """[n] row of each item in `own`, `last` and `gap`; 0 for items not in the visitor's profile."""
    own: Floats
    """[m + 1, OWN] log(1 + count) per interaction level, and the share of purchases with the item."""
    last: Reals
    """[m + 1, LAST] epoch ms of the newest action, 0 for never."""
    gap: Floats
    """[m + 1] mean days between purchases of the item, 0 when bought less than twice."""
    lift: Floats
    """[t + 1] log of actual over expected interest in each term; 0 for the padding."""
    category_share: Floats
    """[c + 1] share of the visitor's taste weight; the last place, for no category, is 0."""
    together: Floats
    """[n] sum of the neighbour weights from the visitor's newest items to each item."""
    price: float
    """Weighted mean log price of `recent`, repeats counted; NaN when unknown."""
    born: float
    """Weighted mean publication day of the same, days since 1970; NaN when unknown."""
    sums: Floats
    """[4] log(1 + count) of purchases, carted and engaged actions, exposures."""
    seen: int
    """Time of the newest action, epoch ms; 0 for none."""
    derived: dict[tuple[str, int], Floats]
    """(feature block, epoch ms) → arrays derived from this view, cached for all slots of a page."""

    @property
    def categories(self) -> Ints:
        """[≤ c] the visitor's categories, the most liked first."""
        share = self.category_share
        liked = np.flatnonzero(share[:-1])
        return liked[np.argsort(-share[liked], kind="stable")].astype(np.int32)


class _Taste(NamedTuple):
    """What was bought, carted or engaged with, newest first, with repeats: r lines."""

    items: Longs
    weight: Reals
    """[r] taste weight, faded by age."""
    total: float
    """Sum of the weights."""


class _Lines(NamedTuple):
    """Lines of the three rings whose item the edition has: ring after ring, newest first; L lines."""

    items: Longs
    times: Longs
    kinds: Codes
    quantities: Ints
    deep: int
    """Number of lines in the first two rings: bought, carted or engaged with."""


def _lines(columns: Columns, index: dict[str, int]) -> _Lines:
    found = list(map(index.get, columns.items, repeat(-1)))
    items = np.array(found, np.int64).take(columns.positions)
    times: Longs = columns.times.repeat(columns.counts)
    kinds: Codes = columns.kinds.repeat(columns.counts)
    quantities = columns.quantities
    if -1 in found:
        known = items >= 0
        items, times, kinds = items[known], times[known], kinds[known]
        quantities = quantities[known]
    return _Lines(items, times, kinds, quantities, int(np.count_nonzero(kinds)))


def view(profile: Profile, snapshot: Snapshot) -> VisitorView:
    """The profile as arrays over this edition's items. An empty profile is allowed."""
    columns = profile.columns(BOUGHT, ENGAGED, SHOWN)
    lines = _lines(columns, snapshot.index)
    slot, met, rows = _rows(len(snapshot.item_ids), lines.items)
    actions = np.bincount(_PLACE.take(columns.kinds), minlength=len(_COUNTED))
    own, last, gap = _own(met + 1, lines, rows, int(actions[0]))
    taste = _taste(lines)
    distinct = np.array(list(dict.fromkeys(taste.items.tolist())), np.int32)
    price, born = _means(snapshot, taste)
    return VisitorView(
        recent=distinct,
        slot=slot,
        own=own,
        last=last,
        gap=gap,
        lift=_lift(snapshot, taste, lines.items[lines.deep :]),
        category_share=_category_share(snapshot, taste),
        together=_together(snapshot, distinct[:STEPS]),
        price=price,
        born=born,
        sums=np.log1p(actions.astype(np.float32)),
        seen=int(np.maximum.reduce(columns.times)) if columns.times.size else 0,
        derived={},
    )


def _rows(n: int, items: Longs) -> tuple[Ints, int, Ints]:
    """([n] row of each item or 0, number of distinct items, [L] row of each line)."""
    met = np.zeros(n, np.bool_)
    met[items] = True
    (distinct,) = met.nonzero()
    slot = np.zeros(n, np.int32)
    slot[distinct] = np.arange(1, len(distinct) + 1)
    return slot, len(distinct), slot.take(items)


def _taste(lines: _Lines) -> _Taste:
    order = (-lines.times[: lines.deep]).argsort(kind="stable")
    weight = _TASTE_WEIGHT.take(lines.kinds.take(order))
    weight *= _FADES[: len(order)]
    return _Taste(lines.items.take(order), weight, float(np.add.reduce(weight)))


def _own(size: int, lines: _Lines, rows: Ints, purchases: int) -> tuple[Floats, Reals, Floats]:
    # One bincount over (item row, column of `own`) pairs fills all counts; then the quantities bought
    # and carted.
    pairs = rows * len(OWN) + _COLUMN.take(lines.kinds)
    counts = np.bincount(pairs, minlength=size * len(OWN)).reshape(size, len(OWN))
    rings = _RING_OF.take(lines.kinds)
    had = len(rings) - int(np.count_nonzero(rings))
    times = counts[:, 0]
    own: Floats = counts.astype(np.float32)
    own[:, _QUANTITY] = np.bincount(rows[:had], lines.quantities[:had], size)
    np.log1p(own, out=own)
    own[:, _SHARE] = times / max(purchases, 1)
    last = np.zeros((size, len(LAST)))
    # Lines are newest first. Written in reverse, the newest time is written last and stays.
    rings += rows * len(LAST)
    last.reshape(-1)[rings[::-1]] = lines.times[::-1]
    return own, last, _gap(last[:, 0], rows[:had], lines.times[:had], times)


def _gap(
    newest: Reals,
    rows: Ints,
    when: Longs,
    times: Longs,
) -> Floats:
    """[m + 1] mean days between purchases: first line to newest purchase, over (purchases - 1)."""
    # Most visitors never buy the same item twice: skip the arithmetic.
    if not np.count_nonzero(times > 1):
        return np.zeros(len(newest), np.float32)
    first = np.zeros(len(newest))
    first[rows] = when
    gap = (newest - first) / (np.maximum(times - 1, 1) * DAY_MS)
    gap[times < 2] = 0.0
    found: Floats = gap.astype(np.float32)
    return found


def _prior(snapshot: Snapshot) -> Floats:
    prior: Floats = _SHARE_PRIOR * snapshot.term_share
    return prior


def _lift(snapshot: Snapshot, taste: _Taste, shown: Longs) -> Floats:
    """Log of interest over expected interest per term.

    The visitor's exposures set the expectation, smoothed by the term's share of all interactions.
    """
    prior, terms = snapshot.once(_prior), snapshot.item_terms
    size, width = len(prior), terms.shape[1]
    taken = terms.take(taste.items, axis=0).ravel()
    liked = np.bincount(taken, taste.weight.repeat(width), size)
    expected = np.bincount(terms.take(shown, axis=0).ravel(), minlength=size) + prior
    expected *= taste.total / (len(shown) + _SHARE_PRIOR)
    expected += _LIFT_PRIOR
    lift: Floats = np.log((liked + _LIFT_PRIOR) / expected).astype(np.float32)
    lift[-1] = 0.0
    return lift


def _category_place(snapshot: Snapshot) -> Longs:
    # An item without a category has -1; the modulo maps it to the last place.
    return (snapshot.main_category % (len(snapshot.categories) + 1)).astype(np.int64)


def _category_share(snapshot: Snapshot, taste: _Taste) -> Floats:
    place = snapshot.once(_category_place).take(taste.items)
    share = np.bincount(place, taste.weight, len(snapshot.categories) + 1)
    found: Floats = (share / max(taste.total, 1.0)).astype(np.float32)
    found[-1] = 0.0
    return found


def _together(snapshot: Snapshot, newest: Ints) -> Floats:
    near, weight = snapshot.neighbours
    score = np.zeros(len(snapshot.item_ids) + 1, np.float32)
    if near.size:
        faded = weight.take(newest, axis=0)
        faded *= _STEP_FADES[: len(newest)]
        # The padding -1 writes to the last place, which is cut off.
        np.add.at(score, near.take(newest, axis=0).ravel(), faded.ravel())
    return score[:-1]


def _means(snapshot: Snapshot, taste: _Taste) -> tuple[float, float]:
    """Weighted means of log price and day of publication; NaN where nothing is known."""
    about = snapshot.price_and_born.take(taste.items, axis=1)
    if not (snapshot.all_priced and snapshot.all_dated):
        price, born = [_mean(values, taste.weight) for values in about]
        return price, born
    if not taste.total:
        return float("nan"), float("nan")
    sums = np.add.reduce(about * taste.weight, axis=1)
    return float(sums[0]) / taste.total, float(sums[1]) / taste.total


def _mean(values: Floats, weight: Reals) -> float:
    known = np.isfinite(values)
    values, weight = values[known], weight[known]
    total = float(np.add.reduce(weight))
    return float(np.add.reduce(values * weight)) / total if total else float("nan")
