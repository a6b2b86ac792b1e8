"""From a ranked list to what is shown: caps, pins and length. Business rules hold after this."""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from math import ceil

from hemline.decide.ranking.spacing import Positions, space_out, too_near
from hemline.decide.rules.eligibility import Cap, Eligibility


def rerank(ranked: Sequence[int], eligible: Eligibility, limit: int) -> list[int]:
    """At most `limit` item indices, best first, pins at their positions, no cap exceeded.

    `ranked` holds allowed items only. Pins use up caps first, then the best ranked items of each
    minimum share, then the other items. A pin beyond the end of a short list
    comes last. A share or a minimum gap that the ranked items cannot meet is met as far as possible.
    """
    if not (eligible.pins or eligible.caps or eligible.shares or eligible.min_gaps):
        return list(ranked[:limit])
    pins = _kept_pins(eligible, limit)
    pinned = {item for _, item in pins}
    counts = [_count(cap, pinned) for cap in eligible.caps]
    room = limit - len(pins)
    chosen = _reserved(ranked, eligible, counts, pinned, room, limit) if eligible.shares else set()
    if eligible.min_gaps:
        takes = partial(_fits, caps=eligible.caps, counts=counts)
        return space_out(ranked, Positions(limit, dict(pins), chosen), eligible.min_gaps, takes)
    for item in ranked:
        if len(chosen) >= room:
            break
        if item not in pinned and item not in chosen and _fits(item, eligible.caps, counts):
            chosen.add(item)
    shown = [item for item in ranked if item in chosen]
    for position, item in pins:
        shown.insert(position, item)
    return shown


def _reserved(  # noqa: PLR0913, PLR0917 - what is left of a list, and by which rules
    ranked: Sequence[int],
    eligible: Eligibility,
    counts: Sequence[Counter[int]],
    pinned: set[int],
    room: int,
    limit: int,
) -> set[int]:
    """Items reserved for minimum shares, the foremost rule first."""
    chosen: set[int] = set()
    for share in eligible.shares:
        wanted = ceil(share.least * limit - _ROUNDING)
        have = sum(bool(share.members[item]) for item in pinned | chosen)
        for item in ranked:
            if have >= wanted or len(chosen) >= room:
                break
            fresh = share.members[item] and item not in pinned and item not in chosen
            if fresh and _fits(item, eligible.caps, counts):
                chosen.add(item)
                have += 1
    return chosen


_ROUNDING = 1e-9
"""0.2 * 15 is slightly above 3 in binary, and must still be 3 places."""


def missed(shown: Sequence[int], eligible: Eligibility) -> list[str]:
    """Lines about minimum shares and minimum gaps that the shown list does not meet."""
    lines = []
    for gap in eligible.min_gaps:
        near = too_near(shown, gap)
        if near:
            lines.append(f"rule {gap.rule}: {near} of {len(shown)} stand too near to their like")
    for share in eligible.shares:
        have = sum(bool(share.members[item]) for item in shown)
        if have < ceil(share.least * len(shown) - _ROUNDING):
            lines.append(f"rule {share.rule}: {have} of {len(shown)} are too few")
    return lines


def _kept_pins(eligible: Eligibility, limit: int) -> list[tuple[int, int]]:
    counts = [_count(cap, set()) for cap in eligible.caps]
    pins: list[tuple[int, int]] = []
    for position, item in eligible.pins:
        fresh = all(item != other for _, other in pins)
        if position < limit and fresh and _fits(item, eligible.caps, counts):
            pins.append((position, item))
    return pins[:limit]


def _count(cap: Cap, items: set[int]) -> Counter[int]:
    return Counter(cap.used) + Counter(int(cap.group[item]) for item in items)


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
