"""Slots that choose one of a few things: a content variant, an alert, an order of page sections."""

from typing import NamedTuple

from hemline.decide.conditions import all_hold
from hemline.decide.facts import Facts, MissingFact
from hemline.decide.snapshot import Snapshot
from hemline.model.decision import Rung
from hemline.model.errors import Unavailable
from hemline.model.slot import Slot, Variant


class Choice(NamedTuple):
    """The variant (None: show nothing) or the sections, the rung, and why a better one was left."""

    variant: Variant | None
    sections: tuple[str, ...]
    rung: Rung
    reasons: tuple[str, ...] = ()


def choose(slot: Slot, snapshot: Snapshot, facts: Facts) -> Choice:
    """Segment rung: the visitor's or the request's facts chose it; popular: the default; static."""
    try:
        liked = _liked(slot, snapshot, facts)
        if slot.kind == "layout":
            return _layout(slot, liked)
        return _variant(slot, facts, liked)
    except Unavailable as why:
        return static(slot, f"segment: {why}")


def static(slot: Slot, reason: str) -> Choice:
    """What the slot's fallback names; sections in their default order."""
    variant = next((v for v in slot.variants if v.name in slot.fallback), None)
    return Choice(variant, slot.sections, Rung.STATIC, (reason,))


def _liked(slot: Slot, snapshot: Snapshot, facts: Facts) -> dict[str, int]:
    """Category name → its place among the visitor's own (0 is the dearest); empty without history."""
    if not slot.personal or not (slot.sections or any(v.category for v in slot.variants)):
        return {}
    try:
        return {snapshot.categories[c]: i for i, c in enumerate(facts.read("visitor.categories"))}
    except MissingFact:
        return {}


def _variant(slot: Slot, facts: Facts, liked: dict[str, int]) -> Choice:
    allowed = [v for v in slot.variants if all_hold(v.when, facts)]
    if not allowed:
        # An alert that applies to nobody here is not a failure: there is nothing to say.
        return Choice(None, (), Rung.SEGMENT if slot.variants else Rung.STATIC)
    best = min(allowed, key=lambda v: _place(v, liked))
    chosen_for = bool(best.when) or (best.category or "") in liked
    return Choice(best, (), Rung.SEGMENT if chosen_for else Rung.POPULAR)


def _place(variant: Variant, liked: dict[str, int]) -> int:
    """The visitor's own categories, then what speaks for no category, then the others."""
    if variant.category is None:
        return len(liked)
    return liked.get(variant.category, len(liked) + 1)


def _layout(slot: Slot, liked: dict[str, int]) -> Choice:
    nobody = len(liked)
    order = sorted(slot.sections, key=lambda section: liked.get(section, nobody))
    moved = tuple(order) != slot.sections
    return Choice(None, tuple(order), Rung.SEGMENT if moved else Rung.POPULAR)
