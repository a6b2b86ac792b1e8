"""One ring of a profile: the newest actions of one kind that fit a byte budget, as packed columns.

A ring is kept as bytes and read as columns (`columns`), so that a decision never builds an object per
action and a fold unpacks only the ring it changes. Knows nothing of events, the sizes of budgets or
watermarks. Uses no numpy: the function that folds need not ship it.

A ring keeps the longest newest-first prefix, by (time, key), of all actions ever offered whose packed
size fits the budget. Size only grows with more actions, so an action that was dropped never comes
back, whatever else arrives and in whatever order: the bytes are a function of the set.

Layout, little-endian: head (actions n u2, lines L u2, bytes of text u2, floor's time u2 + u4 and key
u8) | keys u8 [n] | times' low u4 [n] | times' high u2 [n] | lines u2 [L] | kinds u1 [n] |
lines of each action u1 [n] | item ids, each ended by a newline. A line is the position of its id
in the text (10 bits) and a quantity (6 bits, saturating).
"""

import struct
from collections.abc import Iterable, Sequence
from itertools import accumulate, chain
from typing import NamedTuple

from hemline.model.errors import Refused

MAX_LINES = 255
MAX_QUANTITY = 63
MAX_TIME = (1 << 48) - 1
HEAD = struct.Struct("<HHHHIQ")
SIZES = struct.Struct("<HHH")
ACTION_BYTES = 8 + 4 + 2 + 1 + 1
LINE_BYTES = 2
POSITION_BITS = 10
LOW = 0xFFFFFFFF
POSITION = (1 << POSITION_BITS) - 1


class Action(NamedTuple):
    """One event as a ring keeps it; tuple order is the ring's order (oldest first)."""

    time: int
    """Epoch milliseconds, 48 bits."""
    key: int
    """hash64 of the event's id."""
    kind: int
    """Index in `fold.TYPES`."""
    items: tuple[str, ...]
    """Distinct, in the event's order."""
    quantities: tuple[int, ...]
    """One for each item, 0 to MAX_QUANTITY."""


class Floor(NamedTuple):
    """The newest action that was ever dropped: nothing at or below it is kept. (0, 0): none was."""

    time: int = 0
    key: int = 0


NOWHERE = Floor()


def clip(action: Action, limit: int) -> Action:
    """The action with as many of its first lines as fit into `limit` bytes."""
    size, count = ACTION_BYTES, 0
    for item in action.items[:MAX_LINES]:
        size += LINE_BYTES + len(item) + 1
        if size > limit:
            break
        count += 1
    return action._replace(items=action.items[:count], quantities=action.quantities[:count])


def pack(actions: Sequence[Action], floor: Floor, budget: int) -> bytes:
    """The ring of `actions` (newest first, all above `floor`) that fits `budget` bytes."""
    if _size(actions) > budget:
        kept = _fitting(actions, budget)
        floor = Floor(actions[kept].time, actions[kept].key)
        actions = actions[:kept]
    return _columns(actions, floor) if actions or floor != NOWHERE else b""


def _size(actions: Sequence[Action]) -> int:
    lines = [item for action in actions for item in action.items]
    ids = set(lines)
    return size_of(len(actions), len(lines), sum(map(len, ids)) + len(ids))


def size_of(actions: int, lines: int, text: int) -> int:
    """Bytes of a ring with this many actions, lines and bytes of text."""
    return HEAD.size + ACTION_BYTES * actions + LINE_BYTES * lines + text


def _fitting(actions: Sequence[Action], budget: int) -> int:
    size, kept = HEAD.size, 0
    ids: set[str] = set()
    for action in actions:
        fresh = [item for item in action.items if item not in ids]
        size += ACTION_BYTES + LINE_BYTES * len(action.items) + sum(map(len, fresh)) + len(fresh)
        if size > budget:
            break
        ids.update(fresh)
        kept += 1
    return kept


class Parts(NamedTuple):
    """A ring's columns before they are written; n actions, L lines."""

    keys: Sequence[int]
    """[n] hash64 of the event ids."""
    lows: Sequence[int]
    """[n] low 32 bits of the times."""
    highs: Sequence[int]
    """[n] high 16 bits of the times."""
    lines: Sequence[int]
    """[L] position in `names` in the low POSITION_BITS, the quantity above them."""
    kinds: Sequence[int]
    """[n] index in `fold.TYPES`."""
    counts: Sequence[int]
    """[n] lines of each action."""
    names: Sequence[str]
    """Distinct item ids, in the order of first appearance."""


def _columns(actions: Sequence[Action], floor: Floor) -> bytes:
    times, keys, kinds, items, quantities = zip(*actions, strict=True) if actions else ((),) * 5
    flat = list(chain.from_iterable(items))
    table = {item: position for position, item in enumerate(dict.fromkeys(flat))}
    lines = [
        table[item] | quantity << POSITION_BITS
        for item, quantity in zip(flat, chain.from_iterable(quantities), strict=True)
    ]
    lows, highs = [time & LOW for time in times], [time >> 32 for time in times]
    return write(Parts(keys, lows, highs, lines, kinds, [*map(len, items)], [*table]), floor)


def write(parts: Parts, floor: Floor) -> bytes:
    """The ring's bytes."""
    text = "\n".join((*parts.names, "")).encode("ascii")
    n, count = len(parts.keys), len(parts.lines)
    head = HEAD.pack(n, count, len(text), floor.time >> 32, floor.time & LOW, floor.key)
    columns = (*parts.keys, *parts.lows, *parts.highs, *parts.lines, *parts.kinds, *parts.counts)
    return head + struct.pack(layout(n, count), *columns) + text


def layout(n: int, count: int) -> str:
    """The struct format of the columns of n actions and `count` lines."""
    return f"<{n}Q{n}I{n}H{count}H{n}B{n}B"


def names(ring: bytes, n: int, count: int) -> list[str]:
    """The ring's item ids, each once."""
    start = HEAD.size + n * ACTION_BYTES + count * LINE_BYTES
    return ring[start:-1].decode("ascii").split("\n") if count else []


def floor_of(ring: bytes) -> Floor:
    """The ring's floor; NOWHERE when everything ever offered is still in it."""
    if not ring:
        return NOWHERE
    _, _, _, high, low, key = HEAD.unpack_from(ring)
    return Floor(high << 32 | low, key)


def keys(ring: bytes) -> set[int]:
    """The keys of the actions in it."""
    if not ring:
        return set()
    (n,) = struct.unpack_from("<H", ring)
    return set(struct.unpack_from(f"<{n}Q", ring, HEAD.size))


def check(ring: bytes) -> None:
    """Raises Refused unless the sizes in the head add up to the ring's own."""
    if not ring:
        return
    if len(ring) < HEAD.size:
        raise Refused("a profile's ring is cut short")
    n, count, text = SIZES.unpack_from(ring)
    if len(ring) != HEAD.size + n * ACTION_BYTES + count * LINE_BYTES + text:
        raise Refused("the size of a profile's ring differs from the sizes in its header")


def actions(ring: bytes) -> list[Action]:
    """The ring's actions, newest first; for folds and explanations."""
    if not ring:
        return []
    n, count, _ = SIZES.unpack_from(ring)
    values = struct.unpack_from(layout(n, count), ring, HEAD.size)
    keys, low, high = values[:n], values[n : 2 * n], values[2 * n : 3 * n]
    lines = values[3 * n : 3 * n + count]
    kinds, counts = values[3 * n + count : 4 * n + count], values[4 * n + count :]
    found = names(ring, n, count)
    items = tuple([found[line & POSITION] for line in lines])
    quantities = tuple([line >> POSITION_BITS for line in lines])
    ends = list(accumulate(counts))
    return [
        Action(hi << 32 | lo, key, kind, items[end - size : end], quantities[end - size : end])
        for key, lo, hi, kind, size, end in zip(keys, low, high, kinds, counts, ends, strict=True)
    ]


def merge(ring: bytes, new: Iterable[Action], budget: int) -> bytes:
    """The ring with `new` actions merged in; one id counts once, at its latest time."""
    floor = floor_of(ring)
    best = {action.key: action for action in actions(ring)}
    for action in new:
        if (action.time, action.key) > floor:
            best[action.key] = max(action, best.get(action.key, action))
    return pack(sorted(best.values(), reverse=True), floor, budget)
