"""A fast path of `ring.merge` for the common case: all new actions are newer than the ring's.

Then the columns of the ring only move back, the positions of its item ids change, and only its end may
be dropped: no object per action is built. The result is the bytes that `ring.merge` makes; a test
compares the two.
"""

import struct
from collections.abc import Sequence

from hemline.learn.profile import ring
from hemline.learn.profile.ring import Action, Floor


def prepend(packed: bytes, new: Sequence[Action], budget: int) -> bytes | None:
    """The ring with `new` (newest first) in front; None when only `ring.merge` can do it."""
    if not packed or not new:
        return None
    n, count, _, high, low, key = ring.HEAD.unpack_from(packed)
    columns = struct.unpack_from(ring.layout(n, count), packed, ring.HEAD.size)
    if not n or not _in_front(new, columns, n):
        return None
    table: dict[str, int] = {}
    lines = _lines(new, table)
    lines += _moved(columns[3 * n : 3 * n + count], ring.names(packed, n, count), table)
    if len(table) > ring.POSITION:
        return None
    at = 3 * n + count
    whole = ring.Parts(
        keys=[*[action.key for action in new], *columns[:n]],
        lows=[*[action.time & ring.LOW for action in new], *columns[n : 2 * n]],
        highs=[*[action.time >> 32 for action in new], *columns[2 * n : 3 * n]],
        lines=lines,
        kinds=[*[action.kind for action in new], *columns[at : at + n]],
        counts=[*[len(action.items) for action in new], *columns[at + n :]],
        names=list(table),
    )
    return _cut(whole, Floor(high << 32 | low, key), budget)


def _in_front(new: Sequence[Action], columns: tuple[int, ...], n: int) -> bool:
    newest = (columns[2 * n] << 32 | columns[n], columns[0])
    keys = [action.key for action in new]
    distinct = len(set(keys)) == len(keys) and not set(keys).intersection(columns[:n])
    return (new[-1].time, new[-1].key) > newest and distinct


def _lines(new: Sequence[Action], table: dict[str, int]) -> list[int]:
    return [
        table.setdefault(item, len(table)) | quantity << ring.POSITION_BITS
        for action in new
        for item, quantity in zip(action.items, action.quantities, strict=True)
    ]


def _moved(lines: Sequence[int], old: list[str], table: dict[str, int]) -> list[int]:
    """Old lines with the new positions of their ids, which stay in the order of first appearance."""
    # No id in common (the usual case): all old positions move by the same number.
    if table.keys().isdisjoint(old):
        by = len(table)
        table.update(zip(old, range(by, by + len(old)), strict=True))
        return [line + by for line in lines]
    shift = [table.setdefault(name, len(table)) - at for at, name in enumerate(old)]
    return [line + shift[line & ring.POSITION] for line in lines]


def _cut(parts: ring.Parts, floor: Floor, budget: int) -> bytes:
    """The ring's bytes, without the oldest actions where they do not fit."""
    kept, lines, names = len(parts.keys), len(parts.lines), len(parts.names)
    over = ring.size_of(kept, lines, sum(map(len, parts.names)) + names) - budget
    if over <= 0:
        return ring.write(parts, floor)
    positions = [line & ring.POSITION for line in parts.lines]
    while kept and over > 0:
        kept -= 1
        count = parts.counts[kept]
        lines -= count
        over -= ring.size_of(1, count, 0) - ring.HEAD.size
        # Ids are in the order of first appearance: those that only the oldest actions use come last.
        while names and names - 1 not in positions[:lines]:
            names -= 1
            over -= len(parts.names[names]) + 1
    floor = Floor(parts.highs[kept] << 32 | parts.lows[kept], parts.keys[kept])
    return ring.write(_first(parts, kept, lines, names), floor)


def _first(parts: ring.Parts, kept: int, lines: int, names: int) -> ring.Parts:
    return ring.Parts(
        parts.keys[:kept],
        parts.lows[:kept],
        parts.highs[:kept],
        parts.lines[:lines],
        parts.kinds[:kept],
        parts.counts[:kept],
        parts.names[:names],
    )
