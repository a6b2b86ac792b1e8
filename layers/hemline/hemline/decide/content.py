"""Slots that choose one of a few things: a content variant, an alert, an order of page sections."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from hemline.decide.brake import braked, without_forbidden_items
from hemline.decide.eligible import EligibleVariants
from hemline.decide.engine import Engine
from hemline.decide.facts.facts import Facts, MissingFact
from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.fragment import SlotAnswer
from hemline.decide.render import web
from hemline.decide.rules.eligibility import Fired, Rules
from hemline.decide.seen import Seen
from hemline.model.decision import Rung, SlotRequest
from hemline.model.errors import Unavailable
from hemline.model.site.kinds import KINDS
from hemline.model.site.slot import Slot, Variant


class Choice(NamedTuple):
    """The variant (None: show nothing) or the sections, the rung, and why each better one was skipped."""

    variant: Variant | None
    sections: tuple[str, ...]
    rung: Rung
    reasons: tuple[str, ...] = ()
    exploration: tuple[int, float] | None = None
    """(`Match`, propensity) of a choice by estimate or chance, as the token records it; else None."""


def fill_variant(engine: Engine, slot: Slot, _: SlotRequest, facts: Facts, __: Seen) -> SlotAnswer:
    """One of the slot's variants, or nothing."""
    slot, choice, left_out = _choice(engine, slot, facts)
    members = b'"variant":' + web.variant_json(choice.variant)
    if slot.opens and choice.variant:
        members += b',"opens":' + msgspec.json.encode(slot.opens)
    name = choice.variant.name if choice.variant else ""
    reasons = (*choice.reasons, left_out) if left_out else choice.reasons
    html = web.variant_html(slot, choice.variant)
    return SlotAnswer(
        members, html, choice.rung, reasons, variant=name, explored=choice.exploration
    )


def fill_sections(engine: Engine, slot: Slot, _: SlotRequest, facts: Facts, __: Seen) -> SlotAnswer:
    """The slot's sections in the order for this visitor."""
    _slot, choice, _left_out = _choice(engine, slot, facts)
    members = b'"sections":' + msgspec.json.encode(choice.sections)
    html = web.sections_html(choice.sections)
    return SlotAnswer(members, html, choice.rung, choice.reasons, said=choice.sections)


def _choice(engine: Engine, slot: Slot, facts: Facts) -> tuple[Slot, Choice, str]:
    """The slot without forbidden variants, the choice, and which variants were left out."""
    under = braked(slot, engine.snapshot, facts)
    slot, left_out = without_forbidden_items(under, engine.rules, engine.snapshot, facts)
    frozen = under.frozen or None
    stopped = under.closed.get(Rung.MODEL, "")
    choice = choose(slot, engine.rules, engine.snapshot, facts, frozen, stopped)
    return slot, choice, left_out


def choose(  # noqa: PLR0913, PLR0917 - what a choice is made from, and what stands in its way
    slot: Slot,
    rules: Rules,
    snapshot: Snapshot,
    facts: Facts,
    frozen: str | None = None,
    stopped: str = "",
) -> Choice:
    """Model rung: by estimate; segment: by facts; popular: the default; static: the fallback.

    `frozen`: why only the static rung may answer (suppressing rules still hold); None when others may.
    `stopped`: why estimates and chance are not used; empty when they may be.
    """
    fills = KINDS[slot.kind].fills
    fired = rules.fired(slot.name, facts, fills)
    settled = _settled(slot, rules, facts, fired, frozen)
    if settled:
        return settled
    try:
        liked = own_places(slot, snapshot, facts)
        if fills == "sections":
            return _layout(slot, liked, fired)
        eligible = eligible_variants(slot, rules, facts, liked)
        choice, named = _variant(slot, eligible, fired.wanted)
        learns = bool(slot.explore) or slot.name in snapshot.choices
        if named or not learns or len(eligible.allowed) < 2:
            return choice
        return _learned(slot, eligible, snapshot, facts, choice, stopped)
    except Exception as why:  # noqa: BLE001 - a condition that failed is reported, never "no match"
        return static(slot, rules, facts, f"segment: {_said(why)}")


def _settled(
    slot: Slot, rules: Rules, facts: Facts, fired: Fired, frozen: str | None
) -> Choice | None:
    """The answer where there is nothing to choose (suppressed, failed, frozen, capped); else None."""
    if fired.suppressed:
        return Choice(None, (), Rung.STATIC if fired.faults else Rung.SEGMENT, fired.faults)
    if fired.faults or frozen:
        return static(slot, rules, facts, *fired.faults, *([frozen] if frozen else ()))
    return _held(slot, facts) if slot.frequency else None


def _held(slot: Slot, facts: Facts) -> Choice | None:
    """Nothing, when its frequency cap says so or what it counts is not known."""
    from hemline.decide.rules import frequency  # noqa: PLC0415 - of capped slots alone

    try:
        why = frequency.why_not(slot.name, slot.frequency, facts) if slot.frequency else ""
    except (MissingFact, Unavailable) as unknown:
        return Choice(None, (), Rung.STATIC, (f"frequency: not known ({unknown})",))
    return Choice(None, (), Rung.SEGMENT, (why,)) if why else None


def _said(why: Exception) -> str:
    return str(why) if isinstance(why, Unavailable) else f"{type(why).__name__}: {why}"


def static(slot: Slot, rules: Rules, facts: Facts, *reasons: str) -> Choice:
    """The fallback variant, if its own conditions hold, or the sections in their default order.

    Nothing for a slot with a frequency cap: on this rung exposures cannot be counted.
    """
    if slot.frequency:
        return Choice(
            None, slot.sections, Rung.STATIC, (*reasons, "static: it has a frequency cap")
        )
    named = [variant for variant in slot.variants if variant.name in slot.fallback]
    try:
        variant = next((one for one in named if rules.may_show(slot.name, one, facts)), None)
    except Exception as why:  # noqa: BLE001 - a variant whose conditions cannot be evaluated is not shown
        return Choice(None, slot.sections, Rung.STATIC, (*reasons, f"static: {_said(why)}"))
    return Choice(variant, slot.sections, Rung.STATIC, reasons)


def own_places(slot: Slot, snapshot: Snapshot, facts: Facts) -> dict[str, int]:
    """Category name → its place among the visitor's own (0 is the favourite); empty without history."""
    if not slot.personal or not (slot.sections or any(v.category for v in slot.variants)):
        return {}
    try:
        return {snapshot.categories[c]: i for i, c in enumerate(facts.read("visitor.categories"))}
    except MissingFact:
        return {}


def eligible_variants(
    slot: Slot, rules: Rules, facts: Facts, liked: Mapping[str, int]
) -> EligibleVariants:
    """Variants whose own conditions hold. `liked`: category → its place among the visitor's own."""
    allowed = [one for one in slot.variants if rules.may_show(slot.name, one, facts)]
    usual = min(allowed, key=lambda v: _place(v, liked), default=None)
    return EligibleVariants(allowed, usual, usual is not None and (usual.category or "") in liked)


def _variant(slot: Slot, eligible: EligibleVariants, wanted: Sequence[str]) -> tuple[Choice, bool]:
    """The choice by facts alone, and whether a rule named the variant."""
    if eligible.usual is None:
        # No eligible variant is not a failure: an alert need not apply to this visitor.
        return Choice(None, (), Rung.SEGMENT if slot.variants else Rung.STATIC), False
    # A rule chooses among what may be shown: it never overrules a variant's own conditions.
    named = {one.name: one for one in eligible.allowed}
    chosen = next((named[name] for name in wanted if name in named), None)
    if chosen:
        return Choice(chosen, (), Rung.SEGMENT), True
    chosen_for = bool(eligible.usual.when) or eligible.own
    return Choice(eligible.usual, (), Rung.SEGMENT if chosen_for else Rung.POPULAR), False


def _learned(  # noqa: PLR0913, PLR0917 - what a choice is made from, and what stands in its way
    slot: Slot,
    eligible: EligibleVariants,
    snapshot: Snapshot,
    facts: Facts,
    usual: Choice,
    stopped: str,
) -> Choice:
    """By estimate or chance, in place of the `usual` choice, which no rule made."""
    if stopped:
        return usual._replace(reasons=(f"model: {stopped}",))
    from hemline.decide import learned_choice  # noqa: PLC0415 - of slots that explore or have learned alone

    picked = learned_choice.pick(slot, eligible, snapshot, facts)
    rung = Rung.MODEL if picked.estimated else usual.rung
    return Choice(picked.variant, (), rung, exploration=picked.exploration)


def _place(variant: Variant, liked: Mapping[str, int]) -> int:
    """The visitor's own categories, then what speaks for no category, then the others."""
    if variant.category is None:
        return len(liked)
    return liked.get(variant.category, len(liked) + 1)


def _layout(slot: Slot, liked: dict[str, int], fired: Fired) -> Choice:
    nobody = len(liked)
    order = sorted(slot.sections, key=lambda section: liked.get(section, nobody))
    placed = fired.reordered(order)
    moved = placed != slot.sections
    return Choice(None, placed, Rung.SEGMENT if moved else Rung.POPULAR)
