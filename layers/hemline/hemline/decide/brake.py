"""What the brake takes away from one slot: rungs, items, variants, chance. Pure, and read as a fact.

The brake is the same for everybody at one moment, so a public answer under it stays public; a change
of it changes every ETag.
"""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec
import numpy as np

from hemline.decide.facts.facts import Facts
from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.render.reasons import item_of
from hemline.decide.rules.eligibility import Eligibility, Rules, pinned
from hemline.learn.array_types import Ints
from hemline.model.brake import NO_BRAKE, Brake, Stop
from hemline.model.decision import Rung
from hemline.model.site.slot import Slot, Variant

FACT = "site.brake"
_NOTHING: Ints = np.empty(0, np.int32)


class Braked(NamedTuple):
    """A slot under the brake: as it may be decided now, and what may not be in it."""

    slot: Slot
    closed: Mapping[Rung, str]
    """Rungs that may not answer, and why."""
    blocked: Ints
    """Item indices."""
    placed: tuple[tuple[int, int], ...] = ()
    """(position from 0, item index) that an operator placed; -1 for an item the edition lacks."""

    @property
    def frozen(self) -> str:
        """Why nothing but the static rung may answer; empty when others may."""
        return self.closed.get(Rung.POPULAR, "")


def braked(slot: Slot, snapshot: Snapshot, facts: Facts) -> Braked:
    """The slot with the brake applied. Reads only the brake."""
    brake: Brake = facts.read_or(FACT, NO_BRAKE)
    if not brake.stops:
        return Braked(slot, {}, _NOTHING)
    if brake.has("no-exploration"):
        slot = msgspec.structs.replace(slot, explore=0.0)
    closed = {Rung.MODEL: "ranker stopped by the brake"} if brake.has("no-ranker") else {}
    stop = brake.freeze(slot.name)
    if stop:
        slot, closed = _frozen(slot, stop), dict.fromkeys(_ABOVE_STATIC, "frozen by the brake")
    named = ((at - 1, snapshot.index.get(item, -1)) for at, item in brake.places(slot.name))
    placed = tuple((at, item) for at, item in named if at >= 0)
    return Braked(slot, closed, snapshot.indices(brake.names("block")), placed)


def with_placed(under: Braked, eligible: Eligibility) -> Eligibility:
    """Adds the operator's placements before the rules' pins, where the item is allowed.

    In a frozen slot nothing is inserted or moved: its list is explicit too.
    """
    if under.frozen:
        return eligible.restrictions_only
    if not under.placed:
        return eligible
    return eligible._replace(pins=pinned((*under.placed, *eligible.pins), eligible.allowed))


_ABOVE_STATIC = (Rung.MODEL, Rung.SEGMENT, Rung.POPULAR)


def _frozen(slot: Slot, stop: Stop) -> Slot:
    return msgspec.structs.replace(slot, fallback=stop.shows or slot.fallback)


def without_forbidden_items(
    under: Braked, rules: Rules, snapshot: Snapshot, facts: Facts
) -> tuple[Slot, str]:
    """The slot without variants about an item that may not appear; and which were left out, if any.

    A variant is about the item that it names, and about a blocked one that it links to. A variant
    about an item that the edition does not have stays out too: its stock is unknown.
    """
    slot = under.slot
    if not (under.blocked.size or any(variant.item for variant in slot.variants)):
        return slot, ""
    allowed = rules.in_force(slot.name, facts, under.blocked).allowed
    links = {item_of(snapshot, int(i)).url for i in under.blocked} - {""}
    kept = tuple(v for v in slot.variants if _may_appear(v, snapshot, allowed, links))
    gone = [v.name for v in slot.variants if v not in kept]
    why = f"left out, its item may not appear: {', '.join(gone)}" if gone else ""
    return msgspec.structs.replace(slot, variants=kept), why


def _may_appear(variant: Variant, snapshot: Snapshot, allowed: np.ndarray, links: set[str]) -> bool:
    if any(text in links for text in variant.fields.values()):
        return False
    if not variant.item:
        return True
    index = snapshot.index.get(variant.item, -1)
    return index >= 0 and bool(allowed[index])
