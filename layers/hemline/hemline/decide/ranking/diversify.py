"""Diversity: a greedy trade-off between an item's rank and its similarity to the items chosen so far.

Maximal marginal relevance (Carbonell and Goldstein, 1998) with the mean similarity to the chosen items,
which is also how the variety of a list is measured. Two items are similar when they share a value
(category, brand, …), or by the product of their content vectors. The cost in relevance is in
docs/decisions/diversity.md.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from hemline.decide.facts.snapshot import Snapshot
from hemline.learn.array_types import Ints, Vectors
from hemline.model.site.slot import Slot

_DEPTH = 4
"""The search covers this many times the list's length: items further down are not relevant enough."""
_UNIT = np.float32(127.0)
"""Length of a full vector in int8. Products of whole numbers are exact in any order of summation."""


def diversified(
    snapshot: Snapshot, slot: Slot, items: Ints, ranked: list[int], limit: int
) -> list[int]:
    """`ranked` with its head diversified as the slot asks; `items` is `ranked` as an array."""
    if not slot.diversity:
        return ranked
    head = items[: _DEPTH * limit]
    vectors = snapshot.array(f"diverse_{slot.diverse_over}")
    if vectors.size:
        return spread(ranked, vectors[head].astype(np.int8, copy=False), limit, slot.diversity)
    return diversify(ranked, _groups(snapshot, slot)[head].tolist(), limit, slot.diversity)


def _groups(snapshot: Snapshot, slot: Slot) -> Ints:
    """[n] the group of each item (its value for `diverse_over`, as a number); -1 for none."""
    if slot.diverse_over == "category":
        return snapshot.main_category
    row = snapshot.diverse_rows.get(slot.diverse_over)
    return snapshot.main_category if row is None else snapshot.ints("diverse_group")[row]


def diversify(
    ranked: Sequence[int], groups: Sequence[int], limit: int, strength: float
) -> list[int]:
    """`ranked` with its head rearranged; `groups` holds the group of each item of the head, -1 for none.

    Relevance falls linearly from 1 at the first place to 0 at the end of the head. `strength` (0 to 1)
    weighs it against the share of the item's group among the chosen, which is subtracted.
    """
    pool = min(len(ranked), _DEPTH * limit)
    if strength <= 0 or pool < 2:
        return list(ranked)
    left = list(range(pool))
    chosen: list[int] = []
    counts: dict[int, int] = {}
    while left and len(chosen) < limit:
        best = _worthiest(left, groups, counts, len(chosen), (1 - strength) / pool, strength)
        left.remove(best)
        chosen.append(best)
        if groups[best] >= 0:
            counts[groups[best]] = counts.get(groups[best], 0) + 1
    return [ranked[i] for i in (*chosen, *left)] + list(ranked[pool:])


def _worthiest(  # noqa: PLR0913, PLR0917 - the terms of one formula
    left: Sequence[int],
    groups: Sequence[int],
    counts: Mapping[int, int],
    chosen: int,
    step: float,
    strength: float,
) -> int:
    """The place of the best item. Worth starts at 0 for the first place and falls by `step` a place."""
    best, most = left[0], -math.inf
    share = strength / max(chosen, 1)
    for place in left:
        count = counts.get(groups[place], 0)
        worth = -step * place - share * count
        if worth > most:
            best, most = place, worth
        if not count:
            # No penalty here, and relevance only falls further down: no later item can be better.
            break
    return best


def spread(ranked: Sequence[int], vectors: Vectors, limit: int, strength: float) -> list[int]:
    """As `diversify`, with similarity as the product of rows of `vectors`, i1 [pool, width]."""
    pool = len(vectors)
    if strength <= 0 or pool < 2:
        return list(ranked)
    whole = vectors.astype(np.float32)
    # Scores are kept multiplied by the number of chosen items: each step adds one row, without a division.
    worth = (1.0 - np.arange(pool, dtype=np.float32) / np.float32(pool)) * np.float32(1 - strength)
    gain = worth - (whole @ whole.T) * (np.float32(strength) / (_UNIT * _UNIT))
    chosen = [0]
    total = gain[0]
    total[0] = -np.inf
    for _ in range(min(limit, pool) - 1):
        best = int(total.argmax())
        chosen.append(best)
        total += gain[best]
        total[best] = -np.inf
    taken = set(chosen)
    return [ranked[i] for i in chosen] + [item for i, item in enumerate(ranked) if i not in taken]
