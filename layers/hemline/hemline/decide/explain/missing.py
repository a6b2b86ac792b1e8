"""Why the answering rung did not find an eligible item.

Reads the slot's sources again, one by one, as the rung does. Pure; used only by explanations.
"""

from collections.abc import Iterator
from typing import NamedTuple

from hemline.decide.facts.facts import Facts, MissingFact
from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.ladder import fills_alone
from hemline.decide.ranking.candidates import MOST, PERSONAL, SHARES, SOURCES
from hemline.decide.ranking.observed import Chosen
from hemline.model.decision import Rung
from hemline.model.errors import Unavailable
from hemline.model.site.slot import Source


class _Offer(NamedTuple):
    """A source that has the item; `place` in its list counts from 1."""

    source: Source
    place: int


def why_missing(chosen: Chosen, snapshot: Snapshot, facts: Facts, item: int) -> str:
    """The reason in words, for an eligible `item` that the rung did not find."""
    rung = chosen.step.rung
    if rung is Rung.STATIC:
        return "the static rung answered, and the slot's fallback does not name it"
    if chosen.slot_request.candidates:
        return "the request names its candidates, and it is none of them"
    offers = list(_offers(chosen, snapshot, facts, item))
    if rung is Rung.MODEL:
        return _not_ranked(chosen, offers)
    lead = fills_alone(chosen.slot, chosen.step.found)
    if lead:
        return (
            f"a slot with the source category shows {' and '.join(lead)} alone on the {rung} rung:"
            " nothing of its other sources fills it up"
        )
    theirs = [one.source for one in offers if one.source in PERSONAL]
    if theirs:
        return f"only the visitor's own sources have it ({', '.join(theirs)}): not the {rung} rung"
    return f"it is not among what the {rung} rung has: popular items{_and_newest(chosen)}"


def _and_newest(chosen: Chosen) -> str:
    names = [name for name in chosen.slot.sources if name in {"together", "category"}]
    return f", the page's own ({', '.join(names)}) and new ones" if names else " and new ones"


def _not_ranked(chosen: Chosen, offers: list[_Offer]) -> str:
    if not offers:
        return f"no source of the slot has it ({', '.join(chosen.slot.sources)})"
    best = min(offers, key=lambda one: one.place - SHARES[one.source])
    told = f"source {best.source} has it at place {best.place}"
    if best.place > SHARES[best.source]:
        return f"{told}, and may bring {SHARES[best.source]}"
    return f"{told}, after {MOST} candidates of sources before it"


def _offers(chosen: Chosen, snapshot: Snapshot, facts: Facts, item: int) -> Iterator[_Offer]:
    for name in chosen.slot.sources:
        try:
            items = SOURCES[name](snapshot, facts)
        except (MissingFact, Unavailable):
            continue
        if chosen.slot_request.after:
            items = items[chosen.eligible.allowed[items]]
        found = items.tolist()
        if item in found:
            yield _Offer(name, found.index(item) + 1)
