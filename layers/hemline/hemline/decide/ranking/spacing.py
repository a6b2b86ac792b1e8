"""Minimum gaps: how many other items separate two items of one group, as far as possible.

Greedy, place by place: an item too near another of its group comes later, or not at all.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from hemline.learn.array_types import Ints

_FAR = 1 << 30
"""The distance of an item with no other of its group near: more than any list is long."""


class MinGap(NamedTuple):
    """At least `least` others between two items that share a number in `group` (int32 [n], -1: free)."""

    group: Ints
    least: int
    rule: str = ""


class Positions(NamedTuple):
    """The places of a list, and what is already assigned."""

    limit: int
    pins: Mapping[int, int]
    """Position from 0 → item."""
    held: set[int]
    """Items that must appear, at any position."""


def space_out(
    ranked: Iterable[int],
    places: Positions,
    min_gaps: Sequence[MinGap],
    takes: Callable[[int], bool],
) -> list[int]:
    """At most `limit` items: each place takes the best ranked item that meets every minimum gap.

    If none does, it takes the item furthest from its group. Gaps to later pins count too. For items not
    in `held`, `takes` says whether the caps have room, and counts the item.
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
        item = _next(
            pool, held, [_gaps(gap_rule, shown, pins) for gap_rule in min_gaps], min_gaps, takes
        )
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
    min_gaps: Sequence[MinGap],
    takes: Callable[[int], bool],
) -> int | None:
    """The item for one place. A refused item leaves the pool for good: a full cap stays full."""
    groups = [gap_rule.group for gap_rule in min_gaps]

    def nearness(item: int) -> int:
        found = [gap.get(int(group[item]), _FAR) for gap, group in zip(gaps, groups, strict=True)]
        return -min(found)

    for item in _fitting_first(pool, nearness):
        if item in held or takes(item):
            return item
        pool.remove(item)
    return None


def _fitting_first(pool: Sequence[int], nearness: Callable[[int], int]) -> Iterator[int]:
    """Items that meet every gap, in ranked order; then the others, the furthest from their group first."""
    clashing: list[int] = []
    for item in tuple(pool):
        if nearness(item) == -_FAR:
            yield item
        else:
            clashing.append(item)
    yield from sorted(clashing, key=nearness)


def _gaps(gap_rule: MinGap, shown: Sequence[int], pins: Mapping[int, int]) -> dict[int, int]:
    """Group → distance of its nearest item from the next place; only groups that are too near."""
    place = len(shown)
    near = {place - at: shown[at] for at in range(max(0, place - gap_rule.least), place)}
    found: dict[int, int] = {}
    for distance in range(gap_rule.least, 0, -1):
        for item in (near.get(distance), pins.get(place + distance)):
            if item is not None and gap_rule.group[item] >= 0:
                found[int(gap_rule.group[item])] = distance
    return found


def too_near(shown: Sequence[int], gap_rule: MinGap) -> int:
    """How many items break the minimum gap to an earlier item of their group."""
    groups = [int(gap_rule.group[item]) for item in shown]
    return sum(
        group >= 0 and group in groups[max(0, at - gap_rule.least) : at]
        for at, group in enumerate(groups)
    )
