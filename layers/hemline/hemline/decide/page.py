"""A whole page in one pass: each slot decided, no item twice, never a slot that fails."""

from typing import NamedTuple

from hemline.decide import cursor, token
from hemline.decide.engine import Engine
from hemline.decide.facts.facts import Facts, FactSource
from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.fragment import Format, SlotAnswer, SlotDecision, fragment
from hemline.decide.kinds import BEHAVIOURS
from hemline.decide.seen import Seen
from hemline.model.decision import Fragment, PageContext, Rung, SlotRequest, Traits
from hemline.model.errors import BadInput, UnknownSlot
from hemline.model.site.kinds import KINDS, has_list
from hemline.model.site.slot import Slot


class PageRequest(NamedTuple):
    """What a page asks for."""

    page: PageContext
    traits: Traits
    slots: tuple[SlotRequest, ...]
    format: Format
    left_out: tuple[BadInput, ...] = ()
    """Fields of the request that were refused; reported next to the fragments."""


def decide_page(
    engine: Engine, request: PageRequest, source: FactSource, witness: token.TokenContext
) -> dict[str, Fragment]:
    """Slot name → fragment, in the order asked. Raises UnknownSlot, and BadInput for a cursor.

    Public slots are decided first and never read what personal ones show: that would leak one
    visitor's history into an answer that everybody gets.
    """
    slots = [(_slot(engine, slot_request.name), slot_request) for slot_request in request.slots]
    site = engine.snapshot.header.site
    before = {
        slot_request.name: cursor.decode(
            slot_request.after, site, slot_request.name, witness.keys, _after_path(request, at)
        )
        for at, slot_request in enumerate(request.slots)
    }
    done: dict[str, Fragment] = {}
    seen = Seen()
    for slot, slot_request in sorted(slots, key=_decision_order):
        spelled = token.encode_request(engine.snapshot, slot_request)
        seen = seen._replace(before=before[slot.name], listed=token.listed_in(spelled))
        facts = Facts(source, personal=slot.personal)
        answer = _answer(engine, slot, slot_request, facts, seen, request.format)
        asked = Seen(wants=(spelled,))
        if has_list(slot.kind):
            more = seen.more(engine.snapshot, slot, answer.shown, witness.keys)
            how = {"broken": answer.broken, "free": answer.free}
            asked = seen = seen.add(answer.shown, facts.trace, spelled, **how)
            answer = answer._replace(members=answer.members + more)
        if slot.template and request.format == "html":
            # After `seen.add`: facts that a template reads must not become facts of later slots.
            answer = _templated(engine.snapshot, slot, answer, facts)
        decided = SlotDecision(engine.snapshot, slot, asked, facts, answer)
        done[slot.name] = fragment(decided, request.format, witness)
    return {slot_request.name: done[slot_request.name] for slot_request in request.slots}


def _after_path(request: PageRequest, at: int) -> str:
    """Path of a slot's `after` in the request, for error messages."""
    return f"slots[{at}].after" if len(request.slots) > 1 else "after"


def _decision_order(pair: tuple[Slot, SlotRequest]) -> tuple[bool, int]:
    return pair[0].personal, -pair[0].priority


def _answer(  # noqa: PLR0913, PLR0917 - what a slot is decided from, and the form it is asked in
    engine: Engine, slot: Slot, slot_request: SlotRequest, facts: Facts, seen: Seen, form: Format
) -> SlotAnswer:
    kind = KINDS[slot.kind]
    behaviour = BEHAVIOURS[kind.fills]
    try:
        answer = behaviour.fill(engine, slot, slot_request, facts, seen)
        if form == "html" and behaviour.html:
            answer = answer._replace(html=behaviour.html(engine.snapshot, slot, answer))
        elif form == "email":
            mail = behaviour.email(engine.snapshot, slot, answer)
            answer = answer._replace(html=mail.html, text=mail.text)
        return answer  # noqa: TRY300 - in an `else` it would stand below the fallback
    except Exception as fault:  # noqa: BLE001 - a fragment never fails: the reason is reported
        # Not even the fallback: the rules that would have filtered it did not run.
        reason = f"{slot.kind}: {type(fault).__name__}"
        return SlotAnswer(kind.empty, b"", Rung.STATIC, (reason,))


def _slot(engine: Engine, name: str) -> Slot:
    slot = engine.snapshot.slots.get(name)
    if slot is None:
        known = ", ".join(sorted(engine.snapshot.slots)) or "none"
        raise UnknownSlot("slot", f"{name[:64]!r} is not a slot of this site.", f"It has: {known}.")
    return slot


def _templated(snapshot: Snapshot, slot: Slot, answer: SlotAnswer, facts: Facts) -> SlotAnswer:
    from hemline.decide.templates import slot as template_slot  # noqa: PLC0415 - only for sites with templates

    return template_slot.templated(snapshot, slot, answer, facts)
