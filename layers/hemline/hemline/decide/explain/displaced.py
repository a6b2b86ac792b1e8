"""Which arrangement step kept a ranked item out of a list: reranks without each step in turn.

An item that ranks too low stays missing either way; then no step kept it out. Pure.
"""

from collections.abc import Sequence
from typing import TypeVar

from hemline.decide.ranking.observed import Chosen
from hemline.decide.ranking.rerank import rerank
from hemline.decide.ranking.spacing import MinGap
from hemline.decide.rules.eligibility import Cap, Eligibility
from hemline.learn.array_types import Ints

T = TypeVar("T")
_FREE = -1


def displaced_by(chosen: Chosen, item: int, limit: int) -> str:
    """The cap, pins, share or minimum gap that displaces `item`; empty when it ranks too low."""
    for freed, why in _without(chosen.eligible, item):
        if item in rerank(chosen.varied, freed, limit):
            return why
    return ""


def _without(eligible: Eligibility, item: int) -> list[tuple[Eligibility, str]]:
    """The eligibility with one step lifted for the item, once per step; last, with all lifted."""
    freed = [
        (eligible._replace(caps=_but(eligible.caps, at, _cap_free(cap, item))), _capped(cap))
        for at, cap in enumerate(eligible.caps)
    ]
    if eligible.pins:
        freed.append((eligible._replace(pins=()), "pins took its place"))
    freed += [
        (
            eligible._replace(shares=_but(eligible.shares, at)),
            f"rule {share.rule} (share) took its place",
        )
        for at, share in enumerate(eligible.shares)
    ]
    freed += [
        (
            eligible._replace(min_gaps=_but(eligible.min_gaps, at, _pace_free(apart, item))),
            f"rule {apart.rule} (apart) keeps it from its like",
        )
        for at, apart in enumerate(eligible.min_gaps)
    ]
    if len(freed) > 1:
        caps = tuple(_cap_free(cap, item) for cap in eligible.caps)
        aparts = tuple(_pace_free(apart, item) for apart in eligible.min_gaps)
        none = eligible._replace(caps=caps, pins=(), shares=(), min_gaps=aparts)
        freed.append((none, "caps, pins, shares and pace together took its place"))
    return freed


def _capped(cap: Cap) -> str:
    return f"a cap of {cap.most} is reached"


def _cap_free(cap: Cap, item: int) -> Cap:
    return cap._replace(group=_freed(cap.group, item))


def _pace_free(apart: MinGap, item: int) -> MinGap:
    return apart._replace(group=_freed(apart.group, item))


def _freed(group: Ints, item: int) -> Ints:
    """A copy of the groups (int32 [n]) with `item` in none."""
    found = group.copy()
    found[item] = _FREE
    return found


def _but(parts: Sequence[T], at: int, *others: T) -> tuple[T, ...]:
    """The parts with `others` in place of one."""
    return (*parts[:at], *others, *parts[at + 1 :])
