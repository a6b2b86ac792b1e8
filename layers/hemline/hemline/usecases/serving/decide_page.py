"""One request for fragments: at most one read, then a decision. Raises only errors of the caller."""

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from hemline.decide.engine import Engine
from hemline.decide.facts.facts import FactSource
from hemline.decide.page import PageRequest, decide_page
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
"""The longest deadline a slot can have; used while there is no edition that states one."""


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
    """Monotonic seconds; deadlines are measured with it."""
    health: Health | None = None
    """Breakers, which outlive a request. None: new ones for each request, so nothing is skipped."""


class PageDecision(NamedTuple):
    """Fragments by slot name, the digest of their edition, and the faults met on the way."""

    fragments: dict[str, Fragment]
    edition: str
    faults: tuple[str, ...]
    breakers: Mapping[str, str] = {}
    """Dependency → state, for breakers that are not closed."""
    errors: tuple[BadInput, ...] = ()
    """Unknown slots, and parts of the page context that were left out; the other slots are
    answered normally."""


def decide(page_request: PageRequest, visit: Visit, deps: Deps, now: int) -> PageDecision:
    """Fragments for the slots asked for; `now` in epoch ms.

    Raises UnknownSlot when the site has none of the slots, BadInput for an invalid cursor.
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
    # Cached: every slot of the page has the same subject reference.
    token_context = TokenContext(deps.keys, cache(lambda: visitor.subject_reference(deps.keys[0])))
    fragments = decide_page(engine, page_request, source, token_context)
    faults += [f"{name}: {reason}" for name, f in fragments.items() for reason in f.reasons]
    faults += map(str, errors)
    left_out = page_request.left_out + errors
    return PageDecision(fragments, engine.snapshot.digest, tuple(faults), health.states, left_out)


def _known_slots(
    page_request: PageRequest, engine: Engine
) -> tuple[PageRequest, tuple[UnknownSlot, ...]]:
    """The request without unknown slots, and an error for each of them.

    When no slot is known the request is unchanged: deciding it raises UnknownSlot.
    """
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
    """The one table read, as far as consent allows and slots need it; then waits for a loading edition."""
    serving_read, faults = _read_table(page_request, visit, deps, breaker)
    if deps.live.loading:
        # Half of the remaining time goes to the edition, so that the decision keeps the other half.
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
    """Whether any slot may read the visitor. True without an edition: one may load with this read."""
    slots = engine.snapshot.slots if engine else {}
    return engine is None or any(
        slots[slot_request.name].personal
        for slot_request in page_request.slots
        if slot_request.name in slots
    )


def _deadline(page_request: PageRequest, engine: Engine | None) -> float:
    """The shortest deadline of the page's slots, in seconds: they share one read."""
    slots = engine.snapshot.slots if engine else {}
    deadlines = [
        slots[slot_request.name].deadline_ms
        for slot_request in page_request.slots
        if slot_request.name in slots
    ]
    return min(deadlines, default=_DEFAULT_DEADLINE_MS) / 1000


def _empty_fragment(slot_request: SlotRequest) -> Fragment:
    """An empty fragment: the page keeps its default markup. Visitor scope, so that no cache stores it."""
    body = b'{"kind":"items","items":[],"rung":"static","scope":"visitor","token":""}'
    return Fragment(slot_request.name, body, b"", Rung.STATIC, Scope.VISITOR, "", 0)
