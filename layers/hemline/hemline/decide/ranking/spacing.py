"""The pace of a list: how many others stand between two items of one value, as far as that can be.

Chosen place by place: what is left out for its neighbours comes later, or not at all.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from hemline.learn.array_types import Ints

_FAR = 1 << 30


class MinGap(NamedTuple):
    """At least `least` others between two items that share a number in `group` (int32 [n], -1: free)."""

    group: Ints
    least: int
    rule: str = ""


class Positions(NamedTuple):
    """How many there are, and which are given already."""

    limit: int
    pins: Mapping[int, int]
    """Position from 0 → item."""
    held: set[int]
    """Items that have a place for sure, wherever it is."""


def space_out(
    ranked: Iterable[int], places: Positions, aparts: Sequence[MinGap], takes: Callable[[int], bool]
) -> list[int]:
    """At most `limit` items: at each place the best ranked one that stands far enough from its like.

    Where none does, the one whose like is furthest away. Who comes before a pin keeps its distance from
    it. Of items that are not held, `takes` says (and notes) whether there is room for one more.
    """
    pins, held = places.pins, set(places.held)
    shown: list[int] = []
    left = [item for item in ranked if item not in pins.values()]
    while len(shown) < places.limit:
        place = len(shown)
        if place in pins:
            shown.append(pins[place])
            continue
        free = places.limit - place - sum(position > place for position in pins)
        pool = [item for item in left if item in held] if free <= len(held) else left
        item = _next(pool, held, [_gaps(apart, shown, pins) for apart in aparts], aparts, takes)
        if item is None:
            break
        left.remove(item)
        held.discard(item)
        shown.append(item)
    # A pin beyond the end of a short list comes last.
    return shown + [item for position, item in sorted(pins.items()) if position >= len(shown)]


def _next(
    pool: list[int],
    held: set[int],
    gaps: Sequence[Mapping[int, int]],
    aparts: Sequence[MinGap],
    takes: Callable[[int], bool],
) -> int | None:
    """The item for one place; who is refused leaves the pool for good: what is full stays full."""
    groups = [apart.group for apart in aparts]

    def nearness(item: int) -> int:
        found = [gap.get(int(group[item]), _FAR) for gap, group in zip(gaps, groups, strict=True)]
        return -min(found)

    for item in _fitting_first(pool, nearness):
        if item in held or takes(item):
            return item
        pool.remove(item)
    return None


def _fitting_first(pool: Sequence[int], nearness: Callable[[int], int]) -> Iterator[int]:
    """Those with nobody too near, as they are ranked, then the others, the furthest from their like first."""
    clashing: list[int] = []
    for item in tuple(pool):
        if nearness(item) == -_FAR:
            yield item
        else:
            clashing.append(item)
    yield from sorted(clashing, key=nearness)


def _gaps(apart: MinGap, shown: Sequence[int], pins: Mapping[int, int]) -> dict[int, int]:
    """Group → how far its nearest item is from the next place, of those that are too near."""
    place = len(shown)
    near = {place - at: shown[at] for at in range(max(0, place - apart.least), place)}
    found: dict[int, int] = {}
    for distance in range(apart.least, 0, -1):
        for item in (near.get(distance), pins.get(place + distance)):
            if item is not None and apart.group[item] >= 0:
                found[int(apart.group[item])] = distance
    return found


def too_near(shown: Sequence[int], apart: MinGap) -> int:
    """How many items stand nearer to one of their like before them than they should."""
    groups = [int(apart.group[item]) for item in shown]
    return sum(
        group >= 0 and group in groups[max(0, at - apart.least) : at]
        for at, group in enumerate(groups)
    )
