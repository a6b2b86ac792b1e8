"""One request for fragments: at most one read, then a decision; raises what a caller can mend alone."""

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from hemline.decide.facts.facts import FactSource
from hemline.decide.page import Engine, PageRequest, decide_page
from hemline.decide.token import TokenContext
from hemline.model.decision import Fragment, Rung, Scope, SlotRequest, Visit
from hemline.model.durations import MINUTE_MS
from hemline.model.errors import BadInput, Unavailable, UnknownSlot
from hemline.usecases.ports import ServingRead, ServingReader
from hemline.usecases.serving.breaker import Breaker, Clock, Health, Run
from hemline.usecases.serving.breaker import health as new_health
from hemline.usecases.serving.editions import LiveEdition
from hemline.usecases.serving.fact_providers import brake_fact, fact_providers
from hemline.usecases.serving.visitor_context import VisitorContext, consents, effective_visit

_DEFAULT_DEADLINE_MS = 1000
"""A slot's longest deadline: for as long as no edition says another one."""


def _no_time_passes() -> float:
    return 0.0


class Deps(NamedTuple):
    """Collaborators of this use case."""

    site: str
    reader: ServingReader
    live: LiveEdition
    keys: tuple[bytes, ...]
    read_timeout: float
    clock: Clock = _no_time_passes
    """Seconds that only grow: what deadlines are measured by."""
    health: Health | None = None
    """Breakers, which outlive a request; without them everything is asked every time."""


class PageDecision(NamedTuple):
    """The fragments by name, the edition they are from, and what went wrong on the way."""

    fragments: dict[str, Fragment]
    edition: str
    faults: tuple[str, ...]
    breakers: Mapping[str, str] = {}
    """Dependency → state, of those whose breaker is not closed."""
    errors: tuple[BadInput, ...] = ()
    """Slots of the page that this site does not have, and what was left out of what the page stated of
    itself: the others are answered all the same."""


def decide(page_request: PageRequest, visit: Visit, deps: Deps, now: int) -> PageDecision:
    """Fragments for the slots asked for; `now` in epoch ms.

    Raises UnknownSlot when there is none of them, BadInput for a cursor.
    """
    started, health = deps.clock(), deps.health or new_health(deps.clock)
    serving_read, faults = _read(page_request, visit, deps, health.table, started)
    engine = deps.live.engine
    if engine is None:
        nothing = {
            slot_request.name: _empty_fragment(slot_request) for slot_request in page_request.slots
        }
        return PageDecision(
            nothing, "", (*faults, "no edition yet"), health.states, page_request.left_out
        )
    page_request, errors = _known_slots(page_request, engine)
    if engine.ranker:
        run = Run(engine.ranker, health.ranker, deps.clock, started)
        engine = engine._replace(ranker=run, obstacle=run.obstacle, late=run.late)
    visit = effective_visit(visit, serving_read, engine, page_request.traits.country)
    visitor = VisitorContext(visit, serving_read, engine, now - now % MINUTE_MS)
    source = FactSource(fact_providers(page_request, visitor) | brake_fact(deps.live.brake))
    # Said once, for all slots of the page.
    token_context = TokenContext(deps.keys, cache(lambda: visitor.subject_reference(deps.keys[0])))
    fragments = decide_page(engine, page_request, source, token_context)
    faults += [f"{name}: {reason}" for name, f in fragments.items() for reason in f.reasons]
    faults += map(str, errors)
    left_out = page_request.left_out + errors
    return PageDecision(fragments, engine.snapshot.digest, tuple(faults), health.states, left_out)


def _known_slots(
    page_request: PageRequest, engine: Engine
) -> tuple[PageRequest, tuple[UnknownSlot, ...]]:
    """What can be answered, and what cannot; all of it when nothing can, for that to be told."""
    slots = engine.snapshot.slots
    kept = tuple(slot_request for slot_request in page_request.slots if slot_request.name in slots)
    if not kept or len(kept) == len(page_request.slots):
        return page_request, ()
    way_out = f"It has: {', '.join(sorted(slots))}."
    errors = tuple(
        UnknownSlot(
            f"slots[{at}].name", f"{slot_request.name[:64]!r} is not a slot of this site.", way_out
        )
        for at, slot_request in enumerate(page_request.slots)
        if slot_request.name not in slots
    )
    return page_request._replace(slots=kept), errors


def _read(
    page_request: PageRequest, visit: Visit, deps: Deps, breaker: Breaker, started: float
) -> tuple[ServingRead | Unavailable, list[str]]:
    """The one read, of no more than is allowed and needed; and the edition that came meanwhile."""
    serving_read, faults = _read_table(page_request, visit, deps, breaker)
    if deps.live.loading:
        # What is left of the deadline is shared: half for the edition, half for the decision.
        until = started + min(deps.read_timeout, _deadline(page_request, deps.live.engine))
        refused = deps.live.settle((until - deps.clock()) / 2)
        faults += [refused] if refused else []
    return serving_read, faults


def _read_table(
    page_request: PageRequest, visit: Visit, deps: Deps, breaker: Breaker
) -> tuple[ServingRead | Unavailable, list[str]]:
    live = deps.live
    wanted = _is_personal(page_request, live.engine) and consents(
        visit, live.engine, page_request.traits.country
    )
    subject = visit.subject if wanted else None
    pointer = live.stale
    if subject is None and not pointer:
        return ServingRead(None, None), []
    if breaker.open:
        why = Unavailable("dynamodb", "left alone, its breaker is open")
        return why, [str(why)]
    timeout = min(deps.read_timeout, _deadline(page_request, live.engine))
    try:
        serving_read = deps.reader.read_for_serving(
            deps.site, subject, pointer=pointer, timeout=timeout
        )
    except Unavailable as why:
        breaker.failed()
        return why, [str(why)]
    breaker.succeeded()
    refused = live.follow(serving_read.pointer, serving_read.brake).refused if pointer else ""
    return serving_read, [refused] if refused else []


def _is_personal(page_request: PageRequest, engine: Engine | None) -> bool:
    """Whether any slot may read the visitor. Not known yet without an edition: it may come along."""
    slots = engine.snapshot.slots if engine else {}
    return engine is None or any(
        slots[slot_request.name].personal
        for slot_request in page_request.slots
        if slot_request.name in slots
    )


def _deadline(page_request: PageRequest, engine: Engine | None) -> float:
    """Seconds that the least patient slot of the page waits; a page has one read for all of them."""
    slots = engine.snapshot.slots if engine else {}
    deadlines = [
        slots[slot_request.name].deadline_ms
        for slot_request in page_request.slots
        if slot_request.name in slots
    ]
    return min(deadlines, default=_DEFAULT_DEADLINE_MS) / 1000


def _empty_fragment(slot_request: SlotRequest) -> Fragment:
    """The page keeps its default markup. Of visitor scope, so that no cache keeps it."""
    body = b'{"kind":"items","items":[],"rung":"static","scope":"visitor","token":""}'
    return Fragment(slot_request.name, body, b"", Rung.STATIC, Scope.VISITOR, "", 0)
