"""Explains one decision: repeats it from its receipt with an observer. Nothing reaches a visitor."""

import time
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from hemline.decide.engine import Engine
from hemline.decide.explain.choices import ChoiceTrace, choice_trace, suppressing
from hemline.decide.explain.facts import FactRead, facts_read
from hemline.decide.explain.items import (
    PINNED,
    CandidateTrace,
    RuleEffect,
    SlotTrace,
    Watched,
    trace,
)
from hemline.decide.facts.facts import Facts, FactSource
from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.page import PageRequest, decide_page
from hemline.decide.ranking.observed import Chosen
from hemline.decide.token import TokenContext
from hemline.model.decision import Fragment
from hemline.model.errors import BadInput
from hemline.model.site.kinds import has_list
from hemline.model.site.slot import Slot
from hemline.model.token_header import peek
from hemline.usecases.receipts.receipts import DecisionInputs
from hemline.usecases.serving.fact_providers import fact_providers
from hemline.usecases.serving.visitor_context import VisitorContext as Asker

Clock = Callable[[], float]


class VariantEstimate(msgspec.Struct, frozen=True):
    """What the edition holds of a variant: goals per exposure."""

    variant: str
    estimate: float
    own: float
    """Goal rate among visitors whose favourite category is the variant's."""
    exposures: float
    """Effective ones that both rest on."""


class Explained(msgspec.Struct, frozen=True):
    """What a decision read, weighed and left out."""

    slot: str
    kind: str
    edition: str
    rung: str
    scope: str
    minute: int
    """Epoch ms."""
    facts: tuple[FactRead, ...]
    left: tuple[str, ...]
    """Why each better rung failed."""
    items: SlotTrace | None
    """None for slots of other kinds, and for one that failed."""
    variant: str
    timings: dict[str, float]
    """Milliseconds of the decision made again: `decide`, `rank`."""
    goal: str = ""
    """What `known` counts."""
    known: tuple[VariantEstimate, ...] = ()
    """Of the slot's variants; none where the edition has not learned enough of it."""
    likely: float | None = None
    """Propensity of the variant; None where neither an estimate nor chance chose it."""
    choice: ChoiceTrace | None = None
    """Each variant or section, why it stands where it does; None for slots of items."""


class Watching(NamedTuple):
    """A watched decision: the fragments, and what each slot of items was chosen from."""

    fragments: dict[str, Fragment]
    source: FactSource
    chosen: dict[str, Chosen]
    facts: dict[str, Facts]
    ranker: Watched | None
    scored: dict[str, int]
    """Slot → which of the ranker's answers was its own."""
    engine: Engine
    seconds: float


def watched(
    engine: Engine,
    page_request: PageRequest,
    source: FactSource,
    token_context: TokenContext,
    clock: Clock,
) -> Watching:
    """Decide with an observer."""
    ranker = Watched(engine.ranker, clock) if engine.ranker else None
    chosen: dict[str, Chosen] = {}
    scored: dict[str, int] = {}
    read: dict[str, Facts] = {}

    def watch(step: Chosen) -> None:
        chosen[step.slot.name] = step
        if ranker and len(ranker.asked) > len(scored):
            scored[step.slot.name] = len(ranker.asked) - 1

    observed = engine._replace(ranker=ranker, watch=watch)
    started = clock()
    fragments = decide_page(
        observed, page_request, source, token_context._replace(read=read.__setitem__)
    )
    return Watching(fragments, source, chosen, read, ranker, scored, engine, clock() - started)


def explain(inputs: DecisionInputs, item: str = "", clock: Clock = time.perf_counter) -> Explained:
    """Explains the receipt's decision; `item` is included even if no source brought it."""
    known = Asker(inputs.visit, inputs.serving_read, inputs.engine, inputs.minute)
    source = FactSource(fact_providers(inputs.page_request, known) | inputs.given)
    token_context = TokenContext((inputs.key,), lambda: known.subject_reference(inputs.key))
    seen = watched(inputs.engine, inputs.page_request, source, token_context, clock)
    return explained(seen, inputs.token.slot, inputs.minute, item)


def explained(seen: Watching, name: str, minute: int, item: str = "") -> Explained:
    """One slot of a watched decision. Raises BadInput when `item` is not in its edition."""
    snapshot, fragment = seen.engine.snapshot, seen.fragments[name]
    slot, chosen = snapshot.slots[name], seen.chosen.get(name)
    return Explained(
        slot=slot.name,
        kind=slot.kind,
        edition=snapshot.digest,
        rung=fragment.rung.value,
        scope=fragment.scope.word,
        minute=minute,
        facts=tuple(facts_read(seen.facts[slot.name], snapshot)),
        left=fragment.reasons,
        items=_items(seen, chosen, item) if chosen else _suppressed(seen, slot, fragment),
        variant=_variant(fragment),
        timings={
            "decide": seen.seconds * 1000,
            "rank": seen.ranker.seconds * 1000 if seen.ranker else 0.0,
        },
        goal=slot.goal,
        known=_known(slot, snapshot),
        likely=None if has_list(slot.kind) else _likely(fragment),
        choice=None if has_list(slot.kind) else _choice(seen, slot),
    )


def _choice(seen: Watching, slot: Slot) -> ChoiceTrace | None:
    try:
        return choice_trace(seen.engine, seen.source, slot)
    except Exception:  # noqa: BLE001 - the decision failed in the same way: `left` says how
        return None


def _suppressed(seen: Watching, slot: Slot, fragment: Fragment) -> SlotTrace | None:
    """Of a slot of items that was not filled: by which rules; None when it is for another reason."""
    if not has_list(slot.kind):
        return None
    names = suppressing(seen.engine, seen.source, slot)
    effects = tuple(RuleEffect(name, "suppress", 0) for name in names)
    nothing = ((), effects, (), (), ())
    return SlotTrace(slot.name, fragment.rung.value, fragment.reasons, *nothing) if names else None


def _known(slot: Slot, snapshot: Snapshot) -> tuple[VariantEstimate, ...]:
    evidence = snapshot.choices.get(slot.name)
    if evidence is None:
        return ()
    trace_of_item = ((variant.name, evidence.of(variant.name)) for variant in slot.variants)
    return tuple(
        VariantEstimate(name, one.rate, one.own, one.exposures) for name, one in trace_of_item
    )


def _likely(fragment: Fragment) -> float | None:
    head = peek(msgspec.json.decode(fragment.body)["token"])
    return head.explored[1] if head and head.explored else None


def _variant(fragment: Fragment) -> str:
    found = msgspec.json.decode(fragment.body).get("variant")
    return str(found["name"]) if found else ""


def _items(seen: Watching, chosen: Chosen, item: str) -> SlotTrace:
    index = seen.engine.snapshot.index.get(item) if item else None
    if item and index is None:
        raise BadInput(
            "item", f"{item[:64]!r} is not in that edition.", "Name an item that it was made from."
        )
    at = seen.scored.get(chosen.slot.name)
    scored = seen.ranker.asked[at] if seen.ranker and at is not None else None
    return trace(seen.engine, seen.source, chosen, scored, index)


class WhyNot(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why an item, a variant or a section is not there; `behind` the score it lacks to the last one shown."""

    item: str
    why: str
    rank: int | None = None
    of: int = 0
    score: float | None = None
    behind: float | None = None


def why_not(inputs: DecisionInputs, item: str) -> WhyNot:
    """The first thing that kept it out, or its rank and distance. Raises BadInput."""
    explained_slot = explain(inputs, item)
    if explained_slot.choice:
        return _why_not_chosen(explained_slot.choice, item)
    found = explained_slot.items
    if found is None:
        reason = f"is of a slot that could not be filled: {'; '.join(explained_slot.left)}."
        raise BadInput("token", reason, "Ask with the token of an answer that has items.")
    trace_of_item = next((one for one in found.candidates if one.item == item), None)
    if trace_of_item is None:
        return WhyNot(item, f"rule {found.rules[0].rule} (suppress)")
    last = _last_shown(found.candidates)
    behind = (
        last - trace_of_item.score if last is not None and trace_of_item.score is not None else None
    )
    ranked = sum(one.rank is not None for one in found.candidates)
    return WhyNot(item, trace_of_item.why, trace_of_item.rank, ranked, trace_of_item.score, behind)


def _why_not_chosen(choice: ChoiceTrace, name: str) -> WhyNot:
    trace_of_item = next((one for one in choice.options if one.name == name), None)
    if trace_of_item is None:
        names = ", ".join(one.name for one in choice.options)
        text = f"{name[:64]!r} is no variant and no section of that slot."
        raise BadInput("item", text, f"It has: {names or 'none'}.")
    return WhyNot(name, trace_of_item.why)


def _last_shown(candidates: tuple[CandidateTrace, ...]) -> float | None:
    return min(
        (c.score for c in candidates if c.place and c.why != PINNED and c.score is not None),
        default=None,
    )
