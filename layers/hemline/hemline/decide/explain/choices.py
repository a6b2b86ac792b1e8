"""Why each variant or page section stands where it does: repeats a decision on the facts it read.

The hot path pays nothing for this. Pure; knows neither tokens nor stores.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from hemline.decide import content
from hemline.decide.brake import Braked, braked, without_forbidden_items
from hemline.decide.content import Choice
from hemline.decide.eligible import EligibleVariants
from hemline.decide.engine import Engine
from hemline.decide.facts.facts import Facts, FactSource
from hemline.decide.rules.conditions import all_hold
from hemline.decide.rules.eligibility import Fired
from hemline.model.decision import Rung
from hemline.model.site.kinds import KINDS
from hemline.model.site.rule import Condition, Every, Not, Rule, When
from hemline.model.site.slot import Slot, Variant


class Option(msgspec.Struct, frozen=True, omit_defaults=True):
    """A variant or a section, and why it is where it is."""

    name: str
    why: str
    """How it came to be shown, or the first thing that kept it out, in words."""
    place: int | None = None
    """Where it is shown, from 1."""
    usual: int | None = None
    """Where it stands in the site file, from 1."""


class RuleHeld(msgspec.Struct, frozen=True):
    """A rule that held, and what came of it."""

    rule: str
    action: str
    did: str


class ChoiceTrace(msgspec.Struct, frozen=True):
    """How a slot of another kind than items was filled."""

    options: tuple[Option, ...]
    """What is shown first, then as the site file has them."""
    rules: tuple[RuleHeld, ...]


class _Scene(NamedTuple):
    engine: Engine
    slot: Slot
    facts: Facts
    under: Braked
    kept: Slot
    """The slot without variants about an ineligible item."""
    fired: Fired
    choice: Choice


def choice_trace(engine: Engine, source: FactSource, slot: Slot) -> ChoiceTrace:
    """Traces a variant or sections slot on the facts of `source`. Raises what the decision raised."""
    scene = _scene(engine, source, slot)
    options = _sections(scene) if KINDS[slot.kind].fills == "sections" else _variants(scene)
    shown_first = sorted(options, key=lambda one: (one.place or len(options) + 1, one.usual or 0))
    return ChoiceTrace(tuple(shown_first), tuple(_held(scene, rule) for rule in _rules(scene)))


def suppressing(engine: Engine, source: FactSource, slot: Slot) -> tuple[str, ...]:
    """Names of the rules that let the slot show nothing."""
    fired = engine.rules.fired(slot.name, Facts(source, personal=slot.personal))
    return tuple(rule.name for rule in fired.of("suppress"))


def _scene(engine: Engine, source: FactSource, slot: Slot) -> _Scene:
    facts = Facts(source, personal=slot.personal)
    snapshot, rules = engine.snapshot, engine.rules
    under = braked(slot, snapshot, facts)
    kept, _ = without_forbidden_items(under, rules, snapshot, facts)
    stopped = under.closed.get(Rung.MODEL, "")
    choice = content.choose(kept, rules, snapshot, facts, under.frozen or None, stopped)
    fired = rules.fired(slot.name, facts, KINDS[slot.kind].fills)
    return _Scene(engine, slot, facts, under, kept, fired, choice)


def _variants(scene: _Scene) -> list[Option]:
    shown = scene.choice.variant.name if scene.choice.variant else None
    return [
        Option(
            one.name,
            _how(scene) if one.name == shown else _why_not(scene, one),
            place=1 if one.name == shown else None,
            usual=at,
        )
        for at, one in enumerate(scene.slot.variants, 1)
    ]


def _how(scene: _Scene) -> str:
    """Why the shown variant was chosen."""
    variant, rung = scene.choice.variant, scene.choice.rung
    assert variant is not None
    if rung is Rung.STATIC:
        return f"shown, as the fallback: {'; '.join(scene.choice.reasons)}"
    by = _by_rule(scene, variant)
    if by and not _learned(scene):
        return f"shown: rule {by.name} (variant)"
    if _learned(scene):
        return "shown: chosen by estimate or by chance among those that may be shown"
    if _field(scene).own:
        return f"shown: {variant.category} is a category of the visitor's own"
    return "shown: the first of those that may be shown"


def _by_rule(scene: _Scene, variant: Variant) -> Rule | None:
    """The first fired rule that names the variant."""
    return next((rule for rule in scene.fired.of("variant") if rule.variant == variant.name), None)


def _learned(scene: _Scene) -> bool:
    return scene.choice.exploration is not None


Check = Callable[[_Scene, Variant], str]


def _suppressed(scene: _Scene, _: Variant) -> str:
    names = [rule.name for rule in scene.fired.of("suppress")]
    return f"rule {names[0]} (suppress)" if names else ""


def _of_forbidden_item(scene: _Scene, variant: Variant) -> str:
    return "" if variant in scene.kept.variants else "its item may not appear"


def _unmet(scene: _Scene, variant: Variant) -> str:
    segments = {one.name: one for one in scene.engine.snapshot.header.segments}
    for one in variant.when:
        try:
            if not all_hold((one,), scene.facts, segments):
                return f"its condition does not hold: {spelled(one)}"
        except Exception as why:  # noqa: BLE001 - told, as the decision told it
            return f"its condition cannot be told: {spelled(one)} ({type(why).__name__}: {why})"
    return ""


def _static(scene: _Scene, _: Variant) -> str:
    stepped_down = scene.choice.rung is Rung.STATIC or scene.choice.variant is None
    return "; ".join(scene.choice.reasons) if stepped_down else ""


def _other(scene: _Scene, variant: Variant) -> str:
    shown = scene.choice.variant
    if shown is None:
        return "nothing is shown"
    if _learned(scene):
        return f"{shown.name} was chosen by estimate or by chance"
    by = _by_rule(scene, shown)
    if by:
        return f"rule {by.name} (variant) chose {shown.name}"
    own = _field(scene).own and variant.category != shown.category
    return f"{shown.name} {'is nearer to the visitor' if own else 'stands before it'}"


_CHECKS: Sequence[Check] = (_suppressed, _of_forbidden_item, _unmet, _static, _other)


def _why_not(scene: _Scene, variant: Variant) -> str:
    """The first thing that kept it out."""
    return next(filter(None, (check(scene, variant) for check in _CHECKS)))


def _field(scene: _Scene) -> EligibleVariants:
    liked = content.own_places(scene.kept, scene.engine.snapshot, scene.facts)
    return content.eligible_variants(scene.kept, scene.engine.rules, scene.facts, liked)


def _sections(scene: _Scene) -> list[Option]:
    slot, order = scene.slot, scene.choice.sections
    liked = content.own_places(slot, scene.engine.snapshot, scene.facts)
    return [
        Option(
            name,
            _placed(scene, name, liked.get(name)),
            place=order.index(name) + 1 if name in order else None,
            usual=at,
        )
        for at, name in enumerate(slot.sections, 1)
    ]


def _placed(scene: _Scene, section: str, liked: int | None) -> str:
    if scene.choice.rung is Rung.STATIC:
        return f"in its usual order: {'; '.join(scene.choice.reasons)}"
    order = scene.choice.sections
    for rule in scene.fired.of("reorder"):
        if rule.section == section and order.index(section) == rule.position - 1:
            return f"rule {rule.name} (reorder) puts it at place {rule.position}"
    if liked is not None:
        return f"the visitor's category number {liked + 1}"
    return "in its usual order, after what goes first"


def _rules(scene: _Scene) -> list[Rule]:
    return [scene.fired.rules[at] for at in scene.fired.at]


def _held(scene: _Scene, rule: Rule) -> RuleHeld:
    return RuleHeld(rule.name, rule.action, _DID[rule.action](scene, rule))


def _chose(scene: _Scene, rule: Rule) -> str:
    shown = scene.choice.variant
    if shown is not None and shown.name == rule.variant and not _learned(scene):
        return f"chose {rule.variant}"
    return f"named {rule.variant}, which is not what is shown"


def _moved(scene: _Scene, rule: Rule) -> str:
    order = scene.choice.sections
    there = rule.section in order and order.index(rule.section) == rule.position - 1
    return f"{'put' if there else 'asked for'} {rule.section} at place {rule.position}"


_DID: dict[str, Callable[[_Scene, Rule], str]] = {
    "suppress": lambda *_: "shows nothing",
    "variant": _chose,
    "reorder": _moved,
}


def spelled(one: When) -> str:
    """A condition in one line."""
    if isinstance(one, Condition):
        value = "" if one.value is None else f" {msgspec.json.encode(one.value).decode()}"
        return f"{one.fact} {one.op}{value}"
    if isinstance(one, Not):
        return f"not ({spelled(one.of)})"
    word = "all" if isinstance(one, Every) else "any"
    return f"{word} of ({', '.join(map(spelled, one.of))})"
