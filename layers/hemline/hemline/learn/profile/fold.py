"""A profile: the fold of one person's events into at most 3,840 bytes, in any order, any repeats.

The state is a function of the *set* of events, with no horizon: three rings (what was bought or
put in the cart, engaged with, shown) that each keep the newest actions that fit (`profile_ring`), what
frequency caps count (`profile_alerts`), and first and last time, a minimum and a maximum. A repeat
changes nothing, however old.
An event older than everything a full ring still keeps cannot enter it, whether it is a repeat or
merely late: `fold_counted` tells how many were so. The archive and the editions count those too.

Byte budgets: what caps count, then bought (what they do not use is free for the others), then
engaged, then shown, with a part of its own for each. What ever overflowed claims its whole budget for
good, so that budgets only shrink with more events, and what fell out once never has to come back.

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
_MARKS_BYTES = 400
_HEADS = {1: struct.Struct("<BIQQHHHH"), 2: struct.Struct("<BIQQHHHHH")}
"""Version → version, check sum, first and last time, and the size of each part."""
_PLAIN, _CAPPED = _HEADS
"""The second keeps what caps count too: who never saw a capped slot has the first."""
_TOTAL = MAX_BYTES - _HEADS[_PLAIN].size - _MARKS_BYTES
_CAPPED_MORE = _HEADS[_CAPPED].size - _HEADS[_PLAIN].size
_BOUGHT_MOST = 1900
_SHOWN_LEAST = 500
# One event may never fill a ring alone, or a long purchase would push out the whole history.
_EVENT_MOST = {
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
    """What is known of one visitor. Times are epoch milliseconds, 0 before the first event."""

    first_seen: int = 0
    last_seen: int = 0
    rings: tuple[bytes, bytes, bytes] = (b"", b"", b"")
    """bought and carted, engaged, shown; read them with `columns` or `actions`."""
    watermarks: dict[str, str] = {}
    """Shard → highest sequence number that was folded in: state of delivery, not of the visitor."""
    alerts: bytes = b""
    """Exposures of capped slots and answers to them; read them with `profile_alerts`."""

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
    """What became of the events of a fold. `kept` + `repeated` + `late` + `untold` = all of them."""

    kept: int = 0
    """New to the profile (a long history may have pushed some of them out again)."""
    repeated: int = 0
    """Already in it, or twice in this fold."""
    late: int = 0
    """Older than all that a full ring still keeps: new or not, it cannot be told; nothing changed."""
    not_kept: int = 0
    """Of a type, or without an item or a cap, that a profile keeps only the time of."""


def fold(profile: Profile, records: Iterable[Record]) -> Profile:
    """The profile with these events in it. Pure; any order, any repeats give the same bytes."""
    return fold_counted(profile, records)[0]


def fold_counted(profile: Profile, records: Iterable[Record]) -> tuple[Profile, FoldCounts]:
    """As `fold`, and what became of each event."""
    records = list(records)
    if not records:
        return profile, FoldCounts()
    new, untold = _offered(records)
    seen = list(alerts.interactions_of(records))
    times = [_time(record) for record in records]
    if not profile.empty:
        times += (profile.first_seen, profile.last_seen)
    capped = alerts.merge(profile.alerts, seen) if seen else profile.alerts
    rings = merged_rings(profile.rings, new, capped)
    folded = Profile(min(times), max(times), rings, profile.watermarks, capped)
    alone = list(alerts.interactions_of(untold))
    counted = _count(profile.rings, new), alerts.count(profile.alerts, alone)
    kept, repeated, late = map(sum, zip(*counted, strict=True))
    return folded, FoldCounts(kept, repeated, late, len(untold) - len(alone))


def _time(record: Record) -> int:
    # Zero stands for "never", and 48 bits last until the year 10889.
    return min(max(record.event.time, 1), ring.MAX_TIME)


def _offered(records: list[Record]) -> tuple[dict[int, list[ring.Action]], list[Record]]:
    """By ring, and what no ring takes."""
    new: dict[int, list[ring.Action]] = defaultdict(list)
    untold = []
    for record in records:
        deed, lines = LEVEL_OF_EVENT.get(record.event.type), record.event.items()
        if deed is None or not lines:
            untold.append(record)
            continue
        new[_RING[deed]].append(_action(record, deed))
    return new, untold


def _action(record: Record, deed: InteractionLevel) -> ring.Action:
    event = record.event
    quantities: dict[str, int] = {}
    for line in event.items():
        quantities[line.item] = quantities.get(line.item, 0) + max(line.quantity, 0)
    amounts = tuple(min(amount, ring.MAX_QUANTITY) for amount in quantities.values())
    whole = ring.Action(
        _time(record), hash64(event.id), _CODES[event.type], tuple(quantities), amounts
    )
    return ring.clip(whole, _EVENT_MOST[deed])


def merged_rings(
    rings: tuple[bytes, bytes, bytes], new: Mapping[int, list[ring.Action]], capped: bytes
) -> tuple[bytes, bytes, bytes]:
    """The rings with `new` actions (by ring) offered to them, in what `capped` leaves of a profile."""
    bought = _fitted(rings[BOUGHT], new.get(BOUGHT), _BOUGHT_MOST)
    left = _TOTAL - (_CAPPED_MORE + alerts.reserved_bytes(capped) if capped else 0)
    left -= _claim(bought, _BOUGHT_MOST)
    engaged = _fitted(rings[ENGAGED], new.get(ENGAGED), left - _SHOWN_LEAST)
    left -= _claim(engaged, left - _SHOWN_LEAST)
    return bought, engaged, _fitted(rings[SHOWN], new.get(SHOWN), left)


def _fitted(packed: bytes, new: list[ring.Action] | None, budget: int) -> bytes:
    if not new and len(packed) <= budget:
        return packed
    offered = sorted(new or (), reverse=True)
    simple = prepend(packed, offered, budget)
    return ring.merge(packed, offered, budget) if simple is None else simple


def _claim(packed: bytes, budget: int) -> int:
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
    """With the shard's mark raised to `sequence` (decimal); the four newest shards are kept."""
    marks = newest_watermarks((*profile.watermarks.items(), (shard, sequence)))
    return msgspec.structs.replace(profile, marks=marks)


def newest_watermarks(marks: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The highest sequence number of each shard, of the MAX_MARKS shards that went furthest."""
    highest: dict[str, str] = {}
    for shard, sequence in marks:
        highest[shard] = max(sequence, highest.get(shard, "0"), key=int)
    newest = sorted(highest.items(), key=lambda mark: (int(mark[1]), mark[0]), reverse=True)
    return dict(newest[:MAX_WATERMARKS])


def _pack_marks(marks: dict[str, str]) -> bytes:
    # Marks only save work (a fold tells repeats by itself), so what does not fit may go.
    packed = b""
    for shard, sequence in sorted(marks.items(), key=lambda mark: -int(mark[1])):
        more = f"{shard} {sequence}\n".encode("ascii")
        if len(packed) + len(more) <= _MARKS_BYTES:
            packed += more
    return packed


def encode(profile: Profile) -> bytes:
    """The profile as one blob, never over MAX_BYTES; begins with its version and a CRC-32."""
    version = _CAPPED if profile.alerts else _PLAIN
    capped = (profile.alerts,) if profile.alerts else ()
    parts = (*profile.rings, *capped, _pack_marks(profile.watermarks))
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
        raise Refused("a profile is of another size than it says")
    bought, engaged, shown, *capped, marks = [blob[at:end] for at, end in pairwise(ends)]
    for packed in (bought, engaged, shown):
        ring.check(packed)
    for packed in capped:
        alerts.check(packed)
    return Profile(first, last, (bought, engaged, shown), _unpack_marks(marks), b"".join(capped))


def _unpack_marks(packed: bytes) -> dict[str, str]:
    parts = (line.partition(" ") for line in packed.decode("ascii").splitlines())
    return {shard: sequence for shard, _, sequence in parts}


def state_bytes(profile: Profile) -> bytes:
    """What the fold made, without delivery marks: equal for equal sets of events."""
    return encode(msgspec.structs.replace(profile, marks={}))
