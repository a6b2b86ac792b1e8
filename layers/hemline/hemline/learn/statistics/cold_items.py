"""Cold items: new ones without statistics of their own borrow those of known items that they resemble.

With each interaction an item's own statistics weigh more: from `BORROW_BELOW` on they count alone, and
from `COLD_BELOW` on the item no longer appears as a cold neighbour.
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

COLD_BELOW = 50.0
"""Evidence in exposures below which an item is cold, and listed beside items that it resembles."""
BORROW_BELOW = 5.0
"""Evidence in exposures below which it borrows statistics: its own are soon better (measured)."""
_INTERACTION_WEIGHT = 5.0
"""Exposures that one click, cart or purchase is worth as evidence."""
ALIKE = 8
"""Known items that one cold item borrows from."""
_MIN_SIMILARITY = 0.15
"""Cosine below which two items count as unrelated."""
SHARE = 0.5
"""Score of a perfectly similar cold item, as a share of the best neighbour by co-occurrence."""
_MAX_COLD_NEIGHBOURS = 4
"""Cold items in one item's row of neighbours."""
_ROWS = 1024
"""Cold items a matrix product: bounds the memory of the product with all known items."""


class ItemSimilarity(NamedTuple):
    """m cold items, each with up to k known ones that it resembles, best first."""

    new: Ints
    """[m] item indices."""
    near: Ints
    """[m, k] item indices, -1 padding."""
    similar: Floats
    """[m, k] cosine in (0, 1], 0 padding."""
    seen: Floats
    """[m] evidence of each so far, in exposures; below COLD_BELOW."""


def item_similarity(
    statistics: Statistics, items: Sequence[Item], vectors: Floats
) -> ItemSimilarity:
    """The cold items and what they resemble; `vectors` [n, width] as `content.vectors` makes them."""
    seen = evidence(statistics, items)
    new, known = np.flatnonzero(seen < COLD_BELOW), np.flatnonzero(seen >= COLD_BELOW)
    near = np.full((len(new), ALIKE), -1, np.int32)
    similar = np.zeros((len(new), ALIKE), np.float32)
    for at in range(0, len(new) if len(known) else 0, _ROWS):
        rows = slice(at, at + _ROWS)
        near[rows], similar[rows] = _nearest(vectors[new[rows]] @ vectors[known].T, known)
    alike = similar[:, 0] > 0
    found = new[alike].astype(np.int32)
    return ItemSimilarity(found, near[alike], similar[alike], seen[found].astype(np.float32))


def cold_section(similarity: ItemSimilarity) -> Payload:
    """The section `newcomers`, i4 [m]: the cold items that resemble known ones."""
    return "<i4", similarity.new.shape, similarity.new.astype("<i4").tobytes()


def evidence(statistics: Statistics, items: Sequence[Item]) -> Reals:
    """[n] all interactions with each item, in exposures."""
    numbers, days, levels, counts = statistics.daily()
    ever = days == statistics.ever()
    worth = (
        np.where(levels[ever] == InteractionLevel.SHOWN, 1.0, _INTERACTION_WEIGHT) * counts[ever]
    )
    total = np.bincount(numbers[ever], worth, len(statistics.numbers))
    number = [statistics.numbers.get(item.id, -1) for item in items]
    # Items without any event have the number -1: the appended zero.
    return np.append(total, 0.0)[number]


def _nearest(products: Floats, known: Order) -> tuple[Ints, Floats]:
    """([r, ALIKE], [r, ALIKE]) of products [r, known], the best first."""
    near = np.full((len(products), ALIKE), -1, np.int32)
    similar = np.zeros((len(products), ALIKE), np.float32)
    k = min(ALIKE, len(known))
    # A full sort would order all known items; only the best k need an order.
    some = np.argpartition(-products, k - 1, axis=1)[:, :k]
    score = np.take_along_axis(products, some, axis=1)
    by = np.argsort(-score, axis=1, kind="stable")
    order = np.take_along_axis(some, by, axis=1)
    found = np.minimum(np.take_along_axis(score, by, axis=1), np.float32(1.0))
    near[:, :k] = np.where(found >= _MIN_SIMILARITY, known[order], -1)
    similar[:, :k] = np.where(found >= _MIN_SIMILARITY, found, 0.0)
    return near, similar


def with_borrowed_statistics(block: Floats, similarity: ItemSimilarity) -> Floats:
    """[n, S] the statistics block, cold rows blended with the mean of the items that they resemble."""
    unknown = np.flatnonzero(similarity.seen < BORROW_BELOW)
    if not unknown.size:
        return block
    out, new, similar = block.copy(), similarity.new[unknown], similarity.similar[unknown]
    weight = similar / similar.sum(axis=1, keepdims=True)
    theirs = np.einsum("mk,mks->ms", weight, block[similarity.near[unknown]])
    guess = (1.0 - similarity.seen[unknown] / np.float32(BORROW_BELOW))[:, None]
    out[new] = (1.0 - guess) * block[new] + guess * theirs
    return out


def with_cold_neighbours(
    near: Ints, weight: Floats, similarity: ItemSimilarity
) -> tuple[Ints, Floats]:
    """Neighbours [n, k] and weights, with cold items added to others' rows and rows of their own."""
    if not len(similarity.new):
        return near, weight
    met = weight[:, 0] > 0
    usual = float(weight[met, 0].mean()) if met.any() else 1.0
    guest = np.repeat(similarity.new, similarity.near.shape[1])
    host, score = similarity.near.ravel(), _scores(similarity).ravel()
    valid = host >= 0
    guest, host, score = guest[valid], host[valid], score[valid]
    admitted = _best_per_host(host, guest, score, len(near))
    own = np.repeat(np.arange(len(near)), near.shape[1])
    kept = near.ravel() >= 0
    owners = (own[kept], host[admitted], guest)
    others = (near.ravel()[kept], guest[admitted], host)
    hosted = score[admitted] * np.where(met, weight[:, 0], usual)[host[admitted]]
    scores = (weight.ravel()[kept], hosted, score * usual)
    return best(*_deduplicated(owners, others, scores), near.shape)


def _scores(similarity: ItemSimilarity) -> Floats:
    """[m, k] as a share of the best neighbour by co-occurrence; fades out as evidence grows."""
    fade = 1.0 - similarity.seen / np.float32(COLD_BELOW)
    return similarity.similar * (np.float32(SHARE) * fade)[:, None]


def _best_per_host(host: Ints, guest: Ints, score: Floats, n: int) -> npt.NDArray[np.intp]:
    """Positions of the best `_MAX_COLD_NEIGHBOURS` of each host."""
    order = np.lexsort((guest, -score, host))
    starts = np.searchsorted(host[order], np.arange(n))
    return order[np.arange(len(order)) - starts[host[order]] < _MAX_COLD_NEIGHBOURS]


def _deduplicated(
    *columns: tuple[npt.NDArray[np.generic], ...],
) -> tuple[Longs, Longs, Reals]:
    """The columns joined, each (owner, other) once with its higher score."""
    owner, other, score = (np.concatenate(parts) for parts in columns)
    owner, other = owner.astype(np.int64), other.astype(np.int64)
    order = np.lexsort((-score, other, owner))
    owner, other, score = owner[order], other[order], score[order].astype(np.float64)
    first = np.ones(len(owner), np.bool_)
    first[1:] = (owner[1:] != owner[:-1]) | (other[1:] != other[:-1])
    return owner[first], other[first], score[first]
