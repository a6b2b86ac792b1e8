"""Diversity: a greedy trade-off between an item's rank and how much of its category is shown already.

Maximal marginal relevance (Carbonell and Goldstein, 1998) with categories as the similarity: cheap
enough for every request, and a marketer can see what it does.
"""

from collections.abc import Sequence

_DEPTH = 4
"""How many times the list's length may be looked through: an item from further down is no match."""


def diversify(
    ranked: Sequence[int], groups: Sequence[int], limit: int, strength: float
) -> list[int]:
    """`ranked` with its head rearranged; `groups` a category for each ranked item, -1 for none.

    An item's relevance falls evenly from 1 at the head to 0 at the end of what is looked through;
    `strength` (0 to 1) times the share of its category among the chosen is taken off.
    """
    pool = min(len(ranked), _DEPTH * limit)
    if strength <= 0 or pool < 2:
        return list(ranked)
    left = list(range(pool))
    chosen: list[int] = []
    counts: dict[int, int] = {}
    while left and len(chosen) < limit:
        best = max(left, key=lambda i: _worth(i, pool, groups[i], counts, strength, len(chosen)))
        left.remove(best)
        chosen.append(best)
        if groups[best] >= 0:
            counts[groups[best]] = counts.get(groups[best], 0) + 1
    return [ranked[i] for i in (*chosen, *left)] + list(ranked[pool:])


def _worth(  # noqa: PLR0913, PLR0917 - the terms of one formula
    place: int, pool: int, group: int, counts: dict[int, int], strength: float, chosen: int
) -> float:
    return (1 - strength) * (1 - place / pool) - strength * counts.get(group, 0) / max(chosen, 1)
