"""Two profiles as one: what a fold of both logs would have made, without either log.

A ring holds the longest newest-first prefix of all that was ever offered to it that fits, with a
floor below which nothing can come back. So the actions of both above the higher floor are all that
a ring of both logs can hold; and so it is with what frequency caps count. Knows no storage and
nobody's identity.
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
    """`rings` without what fell out of the others: in a ring of both it would have fallen out too."""
    bought, engaged, shown = (_above(one, other) for one, other in zip(rings, others, strict=True))
    return bought, engaged, shown


def _above(packed: bytes, other: bytes) -> bytes:
    floor = ring.floor_of(other)
    if floor <= ring.floor_of(packed):
        return packed
    kept = [action for action in ring.actions(packed) if (action.time, action.key) > floor]
    return ring.pack(kept, floor, len(packed) + ring.HEAD.size)


def rename_watermarks(profile: Profile, name_of: Callable[[str], str]) -> Profile:
    """With each shard under another name: whose part of a joined profile a mark is of."""
    marks = {name_of(shard): sequence for shard, sequence in profile.watermarks.items()}
    return structs.replace(profile, marks=marks)
