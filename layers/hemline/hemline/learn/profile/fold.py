"""A profile: the fold of one person's events into at most 3,840 bytes, in any order, any repeats.

The state is a function of the *set* of events, with no horizon. It holds three rings (bought or carted,
engaged, shown) with the newest actions that fit (`ring`), the interactions that frequency caps count
(`alerts`), and the first and last time, a minimum and a maximum. A repeat changes nothing, however old.
An event older than everything in a full ring cannot enter it, whether it is a repeat or merely late:
`fold_counted` counts these. The archive and the editions hold them all the same.

Byte budgets, in this order: frequency caps, bought, engaged, shown. What one does not use, the next
may. A part that ever overflowed reserves its whole budget for good: so budgets only shrink with more
events, and what was dropped once never has to come back.

Knows no clock, no storage and no catalogue: items are ids, their categories are joined when read.
"""

import struct
import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from hemline.learn.profile import alerts, ring
from hemline.learn.profile.prepend import prepend
from hemline.model.errors import Refused
from hemline.model.events.event import LEVEL_OF_EVENT, InteractionLevel, Record
from hemline.model.ids import hash64

if TYPE_CHECKING:
    from hemline.learn.profile.columns import Columns

TYPES = (
    *("exposure", "view", "click", "rate", "share", "add_to_cart", "wishlist", "purchase"),
    "message_clicked",
)
"""Event type → the code that rings keep. Append only: stored profiles depend on it."""

# One DynamoDB item, its keys and attribute names included, must stay within one 4 kB read unit.
MAX_BYTES = 3840
MAX_WATERMARKS = 4
_WATERMARKS_BYTES = 400
_HEADS = {1: struct.Struct("<BIQQHHHH"), 2: struct.Struct("<BIQQHHHHH")}
"""Version → version, check sum, first and last time, and the size of each part."""
_PLAIN, _CAPPED = _HEADS
"""Version 1 holds no alerts: profiles that never saw a capped slot. Version 2 does."""
_TOTAL = MAX_BYTES - _HEADS[_PLAIN].size - _WATERMARKS_BYTES
_CAPPED_EXTRA = _HEADS[_CAPPED].size - _HEADS[_PLAIN].size
_MAX_BOUGHT_BYTES = 1900
_MIN_SHOWN_BYTES = 500
# No event may fill a ring alone: one long purchase would drop the whole history.
_MAX_EVENT_BYTES = {
    InteractionLevel.SHOWN: 480,
    InteractionLevel.ENGAGED: 240,
    InteractionLevel.CARTED: 900,
    InteractionLevel.BOUGHT: 900,
}

_CODES = {name: code for code, name in enumerate(TYPES)}
BOUGHT, ENGAGED, SHOWN = 0, 1, 2
"""Which ring: position in `Profile.rings`."""
_RING = {
    InteractionLevel.SHOWN: SHOWN,
    InteractionLevel.ENGAGED: ENGAGED,
    InteractionLevel.CARTED: BOUGHT,
    InteractionLevel.BOUGHT: BOUGHT,
}


class Profile(msgspec.Struct, frozen=True):
    """What is known of one person. Times are epoch milliseconds, 0 before the first event."""

    first_seen: int = 0
    last_seen: int = 0
    rings: tuple[bytes, bytes, bytes] = (b"", b"", b"")
    """Packed: bought and carted, engaged, shown; read them with `columns` or `actions`."""
    watermarks: dict[str, str] = {}
    """Shard → highest sequence number (decimal) folded in: state of delivery, not of the person."""
    alerts: bytes = b""
    """Packed exposures of capped slots and the answers to them; read them with `alerts`."""

    @property
    def empty(self) -> bool:
        """Nothing was ever folded in."""
        return self.last_seen == 0

    def columns(self, *which: int) -> "Columns":
        """One ring as arrays, newest action first; or several, one after another."""
        from hemline.learn.profile.columns import columns  # noqa: PLC0415 - a fold needs no numpy

        return columns(*[self.rings[one] for one in which])

    def actions(self, which: int) -> list[ring.Action]:
        """One ring as values, newest first."""
        return ring.actions(self.rings[which])


class FoldCounts(NamedTuple):
    """What became of the events of a fold. `kept` + `repeated` + `late` + `not_kept` = all of them."""

    kept: int = 0
    """New to the profile (a long history may have pushed some of them out again)."""
    repeated: int = 0
    """Already in the profile, or twice in this fold."""
    late: int = 0
    """Older than everything in a full ring: new or repeated, nothing changes."""
    not_kept: int = 0
    """Only the time is kept: the type has no interaction level, or the event no item and no cap."""


def fold(profile: Profile, records: Iterable[Record]) -> Profile:
    """The profile with these events in it. Pure; any order, any repeats give the same bytes."""
    return fold_counted(profile, records)[0]


def fold_counted(profile: Profile, records: Iterable[Record]) -> tuple[Profile, FoldCounts]:
    """As `fold`, with counts of what became of the events."""
    records = list(records)
    if not records:
        return profile, FoldCounts()
    new, not_kept = _by_ring(records)
    seen = list(alerts.interactions_of(records))
    times = [_time(record) for record in records]
    if not profile.empty:
        times += (profile.first_seen, profile.last_seen)
    capped = alerts.merge(profile.alerts, seen) if seen else profile.alerts
    rings = merged_rings(profile.rings, new, capped)
    folded = Profile(min(times), max(times), rings, profile.watermarks, capped)
    alerts_only = list(alerts.interactions_of(not_kept))
    counted = _count(profile.rings, new), alerts.count(profile.alerts, alerts_only)
    kept, repeated, late = map(sum, zip(*counted, strict=True))
    return folded, FoldCounts(kept, repeated, late, len(not_kept) - len(alerts_only))


def _time(record: Record) -> int:
    # Zero stands for "never", and 48 bits last until the year 10889.
    return min(max(record.event.time, 1), ring.MAX_TIME)


def _by_ring(records: list[Record]) -> tuple[dict[int, list[ring.Action]], list[Record]]:
    """(ring → its new actions, records that no ring takes)."""
    new: dict[int, list[ring.Action]] = defaultdict(list)
    not_kept = []
    for record in records:
        level, lines = LEVEL_OF_EVENT.get(record.event.type), record.event.items()
        if level is None or not lines:
            not_kept.append(record)
            continue
        new[_RING[level]].append(_action(record, level))
    return new, not_kept


def _action(record: Record, level: InteractionLevel) -> ring.Action:
    event = record.event
    quantities: dict[str, int] = {}
    for line in event.items():
        quantities[line.item] = quantities.get(line.item, 0) + max(line.quantity, 0)
    amounts = tuple(min(amount, ring.MAX_QUANTITY) for amount in quantities.values())
    whole = ring.Action(
        _time(record), hash64(event.id), _CODES[event.type], tuple(quantities), amounts
    )
    return ring.clip(whole, _MAX_EVENT_BYTES[level])


def merged_rings(
    rings: tuple[bytes, bytes, bytes], new: Mapping[int, list[ring.Action]], capped: bytes
) -> tuple[bytes, bytes, bytes]:
    """The rings with `new` actions (by ring) merged in, within the bytes that `capped` leaves."""
    bought = _fitted(rings[BOUGHT], new.get(BOUGHT), _MAX_BOUGHT_BYTES)
    left = _TOTAL - (_CAPPED_EXTRA + alerts.reserved_bytes(capped) if capped else 0)
    left -= _reserved_bytes(bought, _MAX_BOUGHT_BYTES)
    engaged = _fitted(rings[ENGAGED], new.get(ENGAGED), left - _MIN_SHOWN_BYTES)
    left -= _reserved_bytes(engaged, left - _MIN_SHOWN_BYTES)
    return bought, engaged, _fitted(rings[SHOWN], new.get(SHOWN), left)


def _fitted(packed: bytes, new: list[ring.Action] | None, budget: int) -> bytes:
    if not new and len(packed) <= budget:
        return packed
    offered = sorted(new or (), reverse=True)
    prepended = prepend(packed, offered, budget)
    return ring.merge(packed, offered, budget) if prepended is None else prepended


def _reserved_bytes(packed: bytes, budget: int) -> int:
    # A ring that overflowed keeps its budget, or another ring's growth would depend on arrival order.
    return len(packed) if ring.floor_of(packed) == ring.NOWHERE else budget


def _count(
    rings: tuple[bytes, bytes, bytes], new: dict[int, list[ring.Action]]
) -> tuple[int, int, int]:
    """How many are kept, repeated, late."""
    kept = repeated = late = 0
    for which, offered in new.items():
        known = ring.keys(rings[which])
        floor = ring.floor_of(rings[which])
        for action in offered:
            if action.key in known:
                repeated += 1
            elif (action.time, action.key) <= floor:
                late += 1
            else:
                kept += 1
                known.add(action.key)
    return kept, repeated, late


def with_watermark(profile: Profile, shard: str, sequence: str) -> Profile:
    """The profile with the shard's watermark raised to `sequence` (decimal)."""
    watermarks = newest_watermarks((*profile.watermarks.items(), (shard, sequence)))
    return msgspec.structs.replace(profile, watermarks=watermarks)


def newest_watermarks(watermarks: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The highest sequence number of each shard, of the MAX_WATERMARKS shards that went furthest."""
    highest: dict[str, str] = {}
    for shard, sequence in watermarks:
        highest[shard] = max(sequence, highest.get(shard, "0"), key=int)
    newest = sorted(highest.items(), key=lambda item: (int(item[1]), item[0]), reverse=True)
    return dict(newest[:MAX_WATERMARKS])


def _pack_watermarks(watermarks: dict[str, str]) -> bytes:
    # Watermarks only refine metrics (a fold finds repeats by itself), so those that do not fit may go.
    packed = b""
    for shard, sequence in sorted(watermarks.items(), key=lambda item: -int(item[1])):
        more = f"{shard} {sequence}\n".encode("ascii")
        if len(packed) + len(more) <= _WATERMARKS_BYTES:
            packed += more
    return packed


def encode(profile: Profile) -> bytes:
    """The profile as one blob, never over MAX_BYTES; begins with its version and a CRC-32."""
    version = _CAPPED if profile.alerts else _PLAIN
    capped = (profile.alerts,) if profile.alerts else ()
    parts = (*profile.rings, *capped, _pack_watermarks(profile.watermarks))
    times = profile.first_seen, profile.last_seen
    head = _HEADS[version].pack(version, 0, *times, *map(len, parts))[5:]
    body = b"".join(parts)
    crc = zlib.crc32(body, zlib.crc32(head))
    return struct.pack("<BI", version, crc) + head + body


def decode(blob: bytes) -> Profile:
    """Raises Refused when it is not a whole, intact profile of a version that is known."""
    layout = _HEADS.get(blob[0]) if blob else None
    if layout is None or len(blob) < layout.size:
        raise Refused("not a profile of this version")
    _, crc, first, last, *sizes = layout.unpack_from(blob)
    if zlib.crc32(memoryview(blob)[5:]) != crc:
        raise Refused("a profile is corrupt: its check sum differs")
    ends = list(accumulate(sizes, initial=layout.size))
    if ends[-1] != len(blob):
        raise Refused("a profile's size differs from the sizes in its header")
    bought, engaged, shown, *capped, watermarks = [blob[at:end] for at, end in pairwise(ends)]
    for packed in (bought, engaged, shown):
        ring.check(packed)
    for packed in capped:
        alerts.check(packed)
    return Profile(
        first, last, (bought, engaged, shown), _unpack_watermarks(watermarks), b"".join(capped)
    )


def _unpack_watermarks(packed: bytes) -> dict[str, str]:
    parts = (line.partition(" ") for line in packed.decode("ascii").splitlines())
    return {shard: sequence for shard, _, sequence in parts}


def state_bytes(profile: Profile) -> bytes:
    """The profile's bytes without watermarks: equal for equal sets of events."""
    return encode(msgspec.structs.replace(profile, watermarks={}))
