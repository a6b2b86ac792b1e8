"""A whole page in one pass: each slot decided, no item twice, never a slot that fails."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from hemline.decide import content, cursor, token
from hemline.decide.brake import braked, with_placed, without_forbidden_items
from hemline.decide.facts.facts import Facts, FactSource
from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.fragment import EMPTY, Format, SlotAnswer, SlotDecision, fragment
from hemline.decide.ladder import Ranker, RungContext, Step, climb, nothing_in_the_way
from hemline.decide.ranking.candidates import NAMES, Candidates
from hemline.decide.ranking.diversify import diversified
from hemline.decide.ranking.explore import Explored, explore, seed_of
from hemline.decide.ranking.observed import Chosen, Watch
from hemline.decide.ranking.page_caps import caps_left, is_free
from hemline.decide.ranking.rerank import missed, rerank
from hemline.decide.render import web
from hemline.decide.render.reasons import reasons
from hemline.decide.rules.eligibility import Eligibility, Rules
from hemline.decide.seen import Seen
from hemline.model.decision import Fragment, PageContext, Rung, SlotRequest, Traits
from hemline.model.errors import BadInput, UnknownSlot
from hemline.model.site.slot import Slot


class Engine(NamedTuple):
    """What an edition becomes once it is loaded."""

    snapshot: Snapshot
    rules: Rules
    ranker: Ranker | None
    watch: Watch | None = None
    """Told how each slot of items was filled: for explanations, which decide again; else None."""
    obstacle: Callable[[Slot], str] = nothing_in_the_way
    """Why the ranker may not be asked for a slot now; a use case that has a clock says."""
    late: Callable[[Slot], str] = nothing_in_the_way
    """By how much its scores were late, of the slot that it was asked for last."""


class PageRequest(NamedTuple):
    """What a page asks for."""

    page: PageContext
    traits: Traits
    slots: tuple[SlotRequest, ...]
    format: Format
    left_out: tuple[BadInput, ...] = ()
    """What the page stated of itself and was not taken: told beside the fragments."""


def decide_page(
    engine: Engine, ask: PageRequest, source: FactSource, witness: token.TokenContext
) -> dict[str, Fragment]:
    """Slot name → fragment, in the order asked. Raises UnknownSlot, and BadInput for a cursor.

    Public slots are decided first and never look at what personal ones show: else whom they were
    shown to would leak into an answer that everybody gets.
    """
    slots = [(_slot(engine, want.name), want) for want in ask.slots]
    site = engine.snapshot.header.site
    before = {
        want.name: cursor.decode(want.after, site, want.name, witness.keys, _spelt(ask, at))
        for at, want in enumerate(ask.slots)
    }
    done: dict[str, Fragment] = {}
    seen = Seen()
    for slot, want in sorted(slots, key=_first_come):
        spelled = token.encode_request(engine.snapshot, want)
        seen = seen._replace(before=before[slot.name], listed=token.listed_in(spelled))
        facts = Facts(source, personal=slot.personal)
        answer = _answer(engine, slot, want, facts, seen, ask.format)
        asked = Seen(wants=(spelled,))
        if slot.kind == "items":
            more = seen.more(engine.snapshot, slot, answer.shown, witness.keys)
            how = {"broken": answer.broken, "free": answer.free}
            asked = seen = seen.add(answer.shown, facts.trace, spelled, **how)
            answer = answer._replace(members=answer.members + more)
        if slot.template and ask.format == "html":
            # After what later slots inherit: what a template shows decides nothing of theirs.
            answer = _templated(engine.snapshot, slot, answer, facts)
        decided = SlotDecision(engine.snapshot, slot, asked, facts, answer)
        done[slot.name] = fragment(decided, ask.format, witness)
    return {want.name: done[want.name] for want in ask.slots}


def _spelt(ask: PageRequest, at: int) -> str:
    """A slot's field `after`, as whoever asks for several has to look for it."""
    return f"slots[{at}].after" if len(ask.slots) > 1 else "after"


def _first_come(pair: tuple[Slot, SlotRequest]) -> tuple[bool, int]:
    return pair[0].personal, -pair[0].priority


def _answer(  # noqa: PLR0913, PLR0917 - what a slot is decided from, and the form it is asked in
    engine: Engine, slot: Slot, want: SlotRequest, facts: Facts, seen: Seen, form: Format
) -> SlotAnswer:
    try:
        if slot.kind == "items":
            answer = _items(engine, slot, want, facts, seen)
            if form == "html":
                html = web.items_html(engine.snapshot, slot, answer.shown, answer.said)
                answer = answer._replace(html=html)
        else:
            answer = _content(engine, slot, facts)
        return _mailed(engine.snapshot, slot, answer) if form == "email" else answer
    except Exception as fault:  # noqa: BLE001 - a fragment never fails: the reason is reported
        # Even the fallback may not be shown: the rules that would have sifted it did not run.
        reason = f"{slot.kind}: {type(fault).__name__}"
        return SlotAnswer(EMPTY[slot.kind], b"", Rung.STATIC, (reason,))


def _mailed(snapshot: Snapshot, slot: Slot, answer: SlotAnswer) -> SlotAnswer:
    from hemline.decide.render import email  # noqa: PLC0415 - of emails alone: start-up is everybody's

    mail = email.mail(snapshot, slot, answer.shown, answer.said, answer.variant)
    return answer._replace(html=mail.html, text=mail.text)


def _slot(engine: Engine, name: str) -> Slot:
    slot = engine.snapshot.slots.get(name)
    if slot is None:
        known = ", ".join(sorted(engine.snapshot.slots)) or "none"
        raise UnknownSlot("slot", f"{name[:64]!r} is not a slot of this site.", f"It has: {known}.")
    return slot


def _templated(snapshot: Snapshot, slot: Slot, answer: SlotAnswer, facts: Facts) -> SlotAnswer:
    from hemline.decide.templates import slot as template_slot  # noqa: PLC0415 - of sites with templates alone

    return template_slot.templated(snapshot, slot, answer, facts)


def _items(engine: Engine, slot: Slot, want: SlotRequest, facts: Facts, seen: Seen) -> SlotAnswer:
    # Also when they showed nothing: that too was decided from what they read.
    facts.absorb(seen.trace)
    snapshot = engine.snapshot
    under = braked(slot, snapshot, facts)
    fired = engine.rules.fired(slot.name, facts)
    if fired.suppressed:
        rung = Rung.STATIC if fired.faults else Rung.SEGMENT
        return SlotAnswer(EMPTY["items"], b"", rung, fired.faults)
    slot = fired.switched(under.slot)
    excluded = seen.excluded(snapshot, slot, want, facts, under.blocked.tolist())
    eligible = engine.rules.eligible(fired, facts, excluded)
    eligible = eligible._replace(caps=eligible.caps + caps_left(snapshot, slot, seen.counted))
    eligible = with_placed(under, eligible)
    step = climb(_context(engine, slot, want, facts, eligible, seen.listed, under.closed))
    found = step.found
    ranked, limit = found.items.tolist(), want.limit or slot.limit
    varied, explored = _varied(snapshot, slot, facts, step, ranked, limit)
    shown = rerank(varied, eligible, limit)
    if engine.watch:
        steps = (seen.items, under.blocked, eligible, step, varied, explored, shown)
        engine.watch(Chosen(slot, want, facts, *steps))
    texts = reasons(snapshot, facts, shown, _sources(found, ranked, shown))
    return SlotAnswer(
        b'"items":' + web.items_json(snapshot, shown, texts),
        b"",
        step.rung if shown else Rung.STATIC,
        (*step.reasons, *missed(shown, eligible)),
        tuple(shown),
        explored=explored.exploration if explored and explored.item in shown else None,
        broken=step.broken,
        said=tuple(texts),
        free=is_free(slot),
    )


def _context(  # noqa: PLR0913, PLR0917 - what a rung decides from
    engine: Engine,
    slot: Slot,
    want: SlotRequest,
    facts: Facts,
    eligible: Eligibility,
    listed: Sequence[int],
    closed: Mapping[Rung, str],
) -> RungContext:
    kept = engine.snapshot, engine.rules, engine.ranker
    clocked = engine.obstacle, engine.late
    return RungContext(*kept, slot, want, facts, eligible, listed, closed, *clocked)


def _varied(  # noqa: PLR0913, PLR0917 - what diversity and exploration each need
    snapshot: Snapshot, slot: Slot, facts: Facts, step: Step, ranked: list[int], limit: int
) -> tuple[list[int], Explored | None]:
    """Diversity, then exploration; rules are applied after both. The static rung is a list as written."""
    if step.rung is Rung.STATIC or not (slot.diversity or slot.explore):
        return ranked, None
    varied = diversified(snapshot, slot, step.found.items, ranked, limit)
    if not slot.explore:
        return varied, None
    explored = explore(
        varied, limit, slot.explore, seed_of(slot.name, facts), snapshot.cold_start_items
    )
    return (explored.ranked if explored else varied), explored


def _sources(found: Candidates, ranked: list[int], shown: list[int]) -> list[str]:
    """Where each shown item came from; a pin need not be in the ranked list at all."""
    # Shown items stand near the head of the ranked ones: a search ends at once.
    return [NAMES[found.sources[ranked.index(i)]] if i in ranked else "pin" for i in shown]


def _content(engine: Engine, slot: Slot, facts: Facts) -> SlotAnswer:
    under = braked(slot, engine.snapshot, facts)
    slot, gone = without_forbidden_items(under, engine.rules, engine.snapshot, facts)
    frozen = under.frozen or None
    stopped = under.closed.get(Rung.MODEL, "")
    choice = content.choose(slot, engine.rules, engine.snapshot, facts, frozen, stopped)
    if slot.kind == "layout":
        members = b'"sections":' + msgspec.json.encode(choice.sections)
        html = web.sections_html(choice.sections)
        return SlotAnswer(members, html, choice.rung, choice.reasons, said=choice.sections)
    members = b'"variant":' + web.variant_json(choice.variant)
    if slot.opens and choice.variant:
        members += b',"opens":' + msgspec.json.encode(slot.opens)
    html = web.variant_html(slot, choice.variant)
    name = choice.variant.name if choice.variant else ""
    left = (*choice.reasons, gone) if gone else choice.reasons
    return SlotAnswer(members, html, choice.rung, left, variant=name, explored=choice.exploration)
