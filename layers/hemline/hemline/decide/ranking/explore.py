"""Exploration: now and then chance decides a list's last place, or which variant is shown.

Learning from clicks is unbiased only with the propensity of what was shown, so it is part of the
decision. Chance comes from a seed that is itself a fact: the same
facts give the same draw, on every machine.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from hemline.decide.facts.facts import Facts
from hemline.model.ids import hash64

_POOL = 50
"""Items below the list that have a chance; more would give each too little to learn from."""


class Explored(NamedTuple):
    """The list with one place drawn: which item stands there, and its propensity."""

    ranked: list[int]
    item: int
    propensity: float

    @property
    def exploration(self) -> tuple[int, float]:
        """(item, propensity), as a token records it."""
        return self.item, self.propensity


def seed_of(slot: str, facts: Facts) -> str:
    """The seed of the draw: one per visitor and minute, so that a reloaded page looks the same.

    Without a visitor, or without consent, one per minute for everybody: a public answer stays public.
    """
    parts = (slot, facts.read_or("visitor.seed", ""), facts.read("clock.minute"))
    return "|".join(map(str, parts))


def explore(
    ranked: Sequence[int], limit: int, share: float, seed: str, owed: Collection[int] = ()
) -> Explored | None:
    """The last of `limit` places, drawn; None when there is nothing to draw from or `share` is 0.

    With probability `share` it goes to one of the next items, each as likely as the others, or, while
    new ones among the ranked are `owed` impressions, to one of those; else it stays.
    Rules still have the last word on what is shown.
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
    """(position, propensity): the `best` of `count`, or with probability `share` any, evenly.

    The best one may be drawn too, so its propensity is 1 - share + share / count.
    """
    chosen = best
    if _uniform(seed + "|whether") < share:
        chosen = int(_uniform(seed + "|which") * count)
    return chosen, share / count + (1 - share if chosen == best else 0.0)


def _uniform(text: str) -> float:
    """In [0, 1), the same in every process, version and language."""
    return (hash64(text) >> 11) / 2.0**53
