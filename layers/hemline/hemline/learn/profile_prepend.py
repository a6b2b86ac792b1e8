"""The common case of a ring's merge, without an object per action: newer actions go in front.

Almost every event that the stream brings is newer than all that its profile has. Then the columns of
the ring stay as they are but for the positions of its item ids, and only its end may fall out. The
result is the bytes that `profile_ring.merge` makes; a test compares the two.
"""

import struct
from collections.abc import Sequence
from itertools import accumulate

from hemline.learn import profile_ring as ring
from hemline.learn.profile_ring import Action, Floor


def prepend(packed: bytes, new: Sequence[Action], budget: int) -> bytes | None:
    """The ring with `new` (newest first) in front; None when it is not this simple."""
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


def _moved(lines: tuple[int, ...], names: list[str], table: dict[str, int]) -> list[int]:
    """Old lines with the positions that their ids have now, in the order of first appearance."""
    shift = [table.setdefault(name, len(table)) - at for at, name in enumerate(names)]
    return [line + shift[line & ring.POSITION] for line in lines]


def _cut(parts: ring.Parts, floor: Floor, budget: int) -> bytes:
    """Written out, without the oldest actions where they do not fit."""
    ends = list(accumulate(parts.counts))
    # Ids stand in the order of first appearance, so the oldest actions' own ids are the last ones.
    reach = list(accumulate([line & ring.POSITION for line in parts.lines], max))
    texts = list(accumulate([len(name) + 1 for name in parts.names]))
    kept = len(ends)
    while kept and _size(kept, ends, reach, texts) > budget:
        kept -= 1
    if kept == len(ends):
        return ring.write(parts, floor)
    floor = Floor(parts.highs[kept] << 32 | parts.lows[kept], parts.keys[kept])
    return ring.write(_first(parts, kept, ends, reach), floor)


def _size(kept: int, ends: list[int], reach: list[int], texts: list[int]) -> int:
    lines = ends[kept - 1]
    text = texts[reach[lines - 1]] if lines else 0
    return ring.HEAD.size + ring.ACTION_BYTES * kept + ring.LINE_BYTES * lines + text


def _first(parts: ring.Parts, kept: int, ends: list[int], reach: list[int]) -> ring.Parts:
    lines = ends[kept - 1] if kept else 0
    names = reach[lines - 1] + 1 if lines else 0
    return ring.Parts(
        parts.keys[:kept],
        parts.lows[:kept],
        parts.highs[:kept],
        parts.lines[:lines],
        parts.kinds[:kept],
        parts.counts[:kept],
        parts.names[:names],
    )
