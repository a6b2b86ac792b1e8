"""Joins two profiles: the result equals a fold of both event logs, without reading either log.

A ring holds the longest newest-first prefix that fits of everything ever offered to it, with a floor
below which nothing can come back. So a ring of both logs can hold only actions above the higher of the
two floors, and each ring still has all of its own. The same holds for the interactions that frequency
caps count. Knows no storage and no identities.
"""

from collections.abc import Callable

from msgspec import structs

from hemline.learn.profile import alerts, ring
from hemline.learn.profile.fold import Profile, merged_rings, newest_watermarks

Rings = tuple[bytes, bytes, bytes]


def joined(one: Profile, other: Profile) -> Profile:
    """The profile of both event sets. Pure; in any order and grouping, any repeats: the same bytes."""
    seen = [profile for profile in (one, other) if not profile.empty]
    new = {which: ring.actions(packed) for which, packed in enumerate(other.rings) if packed}
    floor = alerts.floor_of(other.alerts)
    capped = alerts.merge(one.alerts, alerts.interactions(other.alerts), floor)
    return Profile(
        min((profile.first_seen for profile in seen), default=0),
        max((profile.last_seen for profile in seen), default=0),
        merged_rings(_raised(one.rings, other.rings), new, capped),
        newest_watermarks((*one.watermarks.items(), *other.watermarks.items())),
        capped,
    )


def _raised(rings: Rings, others: Rings) -> Rings:
    """`rings` cut at the others' floors: what they dropped, a ring of both logs would have dropped too."""
    bought, engaged, shown = (_above(one, other) for one, other in zip(rings, others, strict=True))
    return bought, engaged, shown


def _above(packed: bytes, other: bytes) -> bytes:
    floor = ring.floor_of(other)
    if floor <= ring.floor_of(packed):
        return packed
    kept = [action for action in ring.actions(packed) if (action.time, action.key) > floor]
    return ring.pack(kept, floor, len(packed) + ring.HEAD.size)


def rename_watermarks(profile: Profile, name_of: Callable[[str], str]) -> Profile:
    """The profile with its shards renamed, so that a joined profile keeps one watermark a member."""
    watermarks = {name_of(shard): sequence for shard, sequence in profile.watermarks.items()}
    return structs.replace(profile, watermarks=watermarks)
