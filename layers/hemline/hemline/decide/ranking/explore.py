"""Exploration: with a set probability, a list's last place or the variant is drawn at random.

Learning from clicks is unbiased only with the propensity of what was shown, so the decision records it.
The seed comes from facts: the same facts give the same draw on every machine.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from hemline.decide.facts.facts import Facts
from hemline.model.ids import hash64

_POOL = 50
"""Items below the list that may be drawn. With more, each gets too few exposures to learn from."""


class Explored(NamedTuple):
    """The list with its last place drawn: the item at that place, and its propensity (0 to 1)."""

    ranked: list[int]
    item: int
    propensity: float

    @property
    def exploration(self) -> tuple[int, float]:
        """(item, propensity), as a token records it."""
        return self.item, self.propensity


def seed_of(slot: str, facts: Facts) -> str:
    """The seed of the draw: one per visitor and minute, so that a reloaded page looks the same.

    Without a visitor, or without consent, the seed is the same for everybody: a public answer stays
    public.
    """
    parts = (slot, facts.read_or("visitor.seed", ""), facts.read("clock.minute"))
    return "|".join(map(str, parts))


def explore(
    ranked: Sequence[int], limit: int, share: float, seed: str, owed: Collection[int] = ()
) -> Explored | None:
    """The last of `limit` places, drawn; None when there is nothing to draw from or `share` is 0.

    With probability `share` the place goes to one item below the list, drawn uniformly: from the items
    in `owed` (new items that still need impressions) if any is ranked there, else from the next _POOL.
    Otherwise the list stays. Rules still apply afterwards.
    """
    first = [at for at in range(limit, len(ranked)) if ranked[at] in owed] if owed else []
    pool = first or range(limit, min(limit + _POOL, len(ranked)))
    if share <= 0 or not pool:
        return None
    last = limit - 1
    if _uniform(seed + "|whether") >= share:
        return Explored(list(ranked), ranked[last], 1 - share)
    at = pool[int(_uniform(seed + "|which") * len(pool))]
    moved = [*ranked[:last], ranked[at], *ranked[last:at], *ranked[at + 1 :]]
    return Explored(moved, ranked[at], share / len(pool))


def sample_epsilon_greedy(count: int, best: int, share: float, seed: str) -> tuple[int, float]:
    """(position, propensity): the `best` of `count`, or with probability `share` a uniform draw.

    The draw includes the best one, so its propensity is 1 - share + share / count.
    """
    chosen = best
    if _uniform(seed + "|whether") < share:
        chosen = int(_uniform(seed + "|which") * count)
    return chosen, share / count + (1 - share if chosen == best else 0.0)


def _uniform(text: str) -> float:
    """In [0, 1), the same in every process, version and language."""
    return (hash64(text) >> 11) / 2.0**53
