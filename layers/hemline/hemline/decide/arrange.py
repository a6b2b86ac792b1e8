"""From a ranked list to what is shown: caps, pins and length. Business rules hold after this."""

from collections import Counter
from collections.abc import Sequence

from hemline.decide.rules import Cap, Eligibility


def arrange(ranked: Sequence[int], eligible: Eligibility, limit: int) -> list[int]:
    """At most `limit` item indices, best first, pins at their positions, no cap exceeded.

    `ranked` holds allowed items only. Pins count against the caps before anything else does. A pin
    beyond the end of a short list comes last.
    """
    if not eligible.pins and not eligible.caps:
        return list(ranked[:limit])
    pins = _kept_pins(eligible, limit)
    pinned = {item for _, item in pins}
    counts = [_count(cap, pinned) for cap in eligible.caps]
    shown: list[int] = []
    for item in ranked:
        if len(shown) + len(pins) >= limit:
            break
        if item not in pinned and _fits(item, eligible.caps, counts):
            shown.append(item)
    for position, item in pins:
        shown.insert(position, item)
    return shown


def _kept_pins(eligible: Eligibility, limit: int) -> list[tuple[int, int]]:
    counts = [Counter[int]() for _ in eligible.caps]
    pins: list[tuple[int, int]] = []
    for position, item in eligible.pins:
        fresh = all(item != other for _, other in pins)
        if position < limit and fresh and _fits(item, eligible.caps, counts):
            pins.append((position, item))
    return pins[:limit]


def _count(cap: Cap, items: set[int]) -> Counter[int]:
    return Counter(int(cap.group[item]) for item in items)


def _fits(item: int, caps: Sequence[Cap], counts: Sequence[Counter[int]]) -> bool:
    groups = [int(cap.group[item]) for cap in caps]
    fits = all(
        group < 0 or count[group] < cap.most
        for group, cap, count in zip(groups, caps, counts, strict=True)
    )
    if fits:
        for group, count in zip(groups, counts, strict=True):
            count[group] += 1
    return fits
