"""New items until they have statistics: what is known of the items that they resemble stands in for them.

What is an item's own counts for more with everything that happens to it, and from `ENOUGH` on alone.
Pure: the same catalogue and counts give the same bytes.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hemline.learn.array_types import Floats, Ints, Longs, Order, Reals
from hemline.learn.statistics.cooccurrence import best
from hemline.learn.statistics.counts import Statistics
from hemline.model.edition import Payload
from hemline.model.events.event import InteractionLevel
from hemline.model.item import Item

ENOUGH = 50.0
"""What has to happen to an item, in showings, before it is known: until then it is shown beside its like."""
GUESSED = 5.0
"""What has to happen to it before its own statistics stand alone: sooner, for they are soon better."""
_DEED = 5.0
"""What a click, a cart or a purchase says, in showings."""
ALIKE = 8
"""Known items that one new item is likened to."""
_LEAST = 0.15
"""Similarity below which two items have nothing to do with each other."""
SHARE = 0.5
"""What resembling an item wholly is worth, of being its best neighbour by what people did."""
_GUESTS = 4
"""New items in one item's row of neighbours."""
_ROWS = 1024


class ItemSimilarity(NamedTuple):
    """m new items, each with up to k known ones that it resembles, best first."""

    new: Ints
    """[m] item indices."""
    near: Ints
    """[m, k] item indices, -1 padding."""
    similar: Floats
    """[m, k] in (0, 1], 0 padding."""
    seen: Floats
    """[m] what happened to each so far, in showings; below ENOUGH."""


def likeness(statistics: Statistics, items: Sequence[Item], vectors: Floats) -> ItemSimilarity:
    """Who is new, and like what; `vectors` [n, width] as `content.vectors` makes them."""
    seen = evidence(statistics, items)
    new, known = np.flatnonzero(seen < ENOUGH), np.flatnonzero(seen >= ENOUGH)
    near = np.full((len(new), ALIKE), -1, np.int32)
    similar = np.zeros((len(new), ALIKE), np.float32)
    for at in range(0, len(new) if len(known) else 0, _ROWS):
        rows = slice(at, at + _ROWS)
        near[rows], similar[rows] = _nearest(vectors[new[rows]] @ vectors[known].T, known)
    alike = similar[:, 0] > 0
    found = new[alike].astype(np.int32)
    return ItemSimilarity(found, near[alike], similar[alike], seen[found].astype(np.float32))


def new_section(like: ItemSimilarity) -> Payload:
    """`newcomers` i4 [m]: the items that are shown beside their like."""
    return "<i4", like.new.shape, like.new.astype("<i4").tobytes()


def evidence(statistics: Statistics, items: Sequence[Item]) -> Reals:
    """[n] all that ever happened to each item, in showings."""
    numbers, days, deeds, counts = statistics.daily()
    ever = days == statistics.ever()
    worth = np.where(deeds[ever] == InteractionLevel.SHOWN, 1.0, _DEED) * counts[ever]
    total = np.bincount(numbers[ever], worth, len(statistics.numbers))
    number = [statistics.numbers.get(item.id, -1) for item in items]
    return np.append(total, 0.0)[number]


def _nearest(products: Floats, known: Order) -> tuple[Ints, Floats]:
    """([r, ALIKE], [r, ALIKE]) of products [r, known], the best first."""
    near = np.full((len(products), ALIKE), -1, np.int32)
    similar = np.zeros((len(products), ALIKE), np.float32)
    k = min(ALIKE, len(known))
    # All but the best ones need no order.
    some = np.argpartition(-products, k - 1, axis=1)[:, :k]
    score = np.take_along_axis(products, some, axis=1)
    by = np.argsort(-score, axis=1, kind="stable")
    order = np.take_along_axis(some, by, axis=1)
    found = np.minimum(np.take_along_axis(score, by, axis=1), np.float32(1.0))
    near[:, :k] = np.where(found >= _LEAST, known[order], -1)
    similar[:, :k] = np.where(found >= _LEAST, found, 0.0)
    return near, similar


def estimated(block: Floats, like: ItemSimilarity) -> Floats:
    """[n, S] the statistics block with new items' rows drawn to those of the items they resemble."""
    unknown = np.flatnonzero(like.seen < GUESSED)
    if not unknown.size:
        return block
    out, new, similar = block.copy(), like.new[unknown], like.similar[unknown]
    weight = similar / similar.sum(axis=1, keepdims=True)
    theirs = np.einsum("mk,mks->ms", weight, block[like.near[unknown]])
    guess = (1.0 - like.seen[unknown] / np.float32(GUESSED))[:, None]
    out[new] = (1.0 - guess) * block[new] + guess * theirs
    return out


def joined(near: Ints, weight: Floats, like: ItemSimilarity) -> tuple[Ints, Floats]:
    """Neighbours [n, k] and weights with new items among them, and with rows for new items."""
    if not len(like.new):
        return near, weight
    met = weight[:, 0] > 0
    usual = float(weight[met, 0].mean()) if met.any() else 1.0
    guest = np.repeat(like.new, like.near.shape[1])
    host, score = like.near.ravel(), _worth(like).ravel()
    real = host >= 0
    guest, host, score = guest[real], host[real], score[real]
    welcome = _first(host, guest, score, len(near))
    own = np.repeat(np.arange(len(near)), near.shape[1])
    kept = near.ravel() >= 0
    owners = (own[kept], host[welcome], guest)
    others = (near.ravel()[kept], guest[welcome], host)
    there = score[welcome] * np.where(met, weight[:, 0], usual)[host[welcome]]
    scores = (weight.ravel()[kept], there, score * usual)
    return best(*_once(owners, others, scores), near.shape)


def _worth(like: ItemSimilarity) -> Floats:
    """[m, k] as a share of the best neighbour by what people did; less with all that happened since."""
    fade = 1.0 - like.seen / np.float32(ENOUGH)
    return like.similar * (np.float32(SHARE) * fade)[:, None]


def _first(host: Ints, guest: Ints, score: Floats, n: int) -> Order:
    """Positions of the `_GUESTS` best of each host."""
    order = np.lexsort((guest, -score, host))
    starts = np.searchsorted(host[order], np.arange(n))
    return order[np.arange(len(order)) - starts[host[order]] < _GUESTS]


def _once(
    *columns: tuple[npt.NDArray[np.generic], ...],
) -> tuple[Longs, Longs, Reals]:
    """The columns joined, each (owner, other) once with its higher score."""
    owner, other, score = (np.concatenate(parts) for parts in columns)
    owner, other = owner.astype(np.int64), other.astype(np.int64)
    order = np.lexsort((-score, other, owner))
    owner, other, score = owner[order], other[order], score[order].astype(np.float64)
    fresh = np.ones(len(owner), np.bool_)
    fresh[1:] = (owner[1:] != owner[:-1]) | (other[1:] != other[:-1])
    return owner[fresh], other[fresh], score[fresh]
