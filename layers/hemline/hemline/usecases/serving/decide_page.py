"""One request for fragments: at most one read, then a decision; raises what a caller can mend alone."""

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
from hemline.usecases.serving.visitor_context import VisitorContext, consents, judged

_PATIENCE_MS = 1000
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


def decide(ask: PageRequest, visit: Visit, deps: Deps, now: int) -> PageDecision:
    """Fragments for the slots asked for; `now` in epoch ms.

    Raises UnknownSlot when there is none of them, BadInput for a cursor.
    """
    started, health = deps.clock(), deps.health or new_health(deps.clock)
    hot, faults = _read(ask, visit, deps, health.table, started)
    engine = deps.live.engine
    if engine is None:
        nothing = {want.name: _nothing(want) for want in ask.slots}
        return PageDecision(nothing, "", (*faults, "no edition yet"), health.states, ask.left_out)
    ask, errors = _there(ask, engine)
    if engine.ranker:
        run = Run(engine.ranker, health.ranker, deps.clock, started)
        engine = engine._replace(ranker=run, obstacle=run.obstacle, late=run.late)
    visit = judged(visit, hot, engine, ask.traits.country)
    known = VisitorContext(visit, hot, engine, now - now % MINUTE_MS)
    source = FactSource(fact_providers(ask, known) | brake_fact(deps.live.brake))
    # Said once, for all slots of the page.
    witness = TokenContext(deps.keys, cache(lambda: known.whose(deps.keys[0])))
    fragments = decide_page(engine, ask, source, witness)
    faults += [f"{name}: {reason}" for name, f in fragments.items() for reason in f.reasons]
    faults += map(str, errors)
    told = ask.left_out + errors
    return PageDecision(fragments, engine.snapshot.digest, tuple(faults), health.states, told)


def _there(ask: PageRequest, engine: Engine) -> tuple[PageRequest, tuple[UnknownSlot, ...]]:
    """What can be answered, and what cannot; all of it when nothing can, for that to be told."""
    slots = engine.snapshot.slots
    kept = tuple(want for want in ask.slots if want.name in slots)
    if not kept or len(kept) == len(ask.slots):
        return ask, ()
    way_out = f"It has: {', '.join(sorted(slots))}."
    errors = tuple(
        UnknownSlot(f"slots[{at}].name", f"{want.name[:64]!r} is not a slot of this site.", way_out)
        for at, want in enumerate(ask.slots)
        if want.name not in slots
    )
    return ask._replace(slots=kept), errors


def _read(
    ask: PageRequest, visit: Visit, deps: Deps, breaker: Breaker, started: float
) -> tuple[ServingRead | Unavailable, list[str]]:
    """The one read, of no more than is allowed and needed; and the edition that came meanwhile."""
    hot, faults = _read_table(ask, visit, deps, breaker)
    if deps.live.loading:
        # What is left of the deadline is shared: half for the edition, half for the decision.
        until = started + min(deps.read_timeout, _deadline(ask, deps.live.engine))
        refused = deps.live.settle((until - deps.clock()) / 2)
        faults += [refused] if refused else []
    return hot, faults


def _read_table(
    ask: PageRequest, visit: Visit, deps: Deps, breaker: Breaker
) -> tuple[ServingRead | Unavailable, list[str]]:
    live = deps.live
    wanted = _is_personal(ask, live.engine) and consents(visit, live.engine, ask.traits.country)
    subject = visit.subject if wanted else None
    pointer = live.stale
    if subject is None and not pointer:
        return ServingRead(None, None), []
    if breaker.open:
        why = Unavailable("dynamodb", "left alone, its breaker is open")
        return why, [str(why)]
    timeout = min(deps.read_timeout, _deadline(ask, live.engine))
    try:
        hot = deps.reader.read_for_serving(deps.site, subject, pointer=pointer, timeout=timeout)
    except Unavailable as why:
        breaker.failed()
        return why, [str(why)]
    breaker.succeeded()
    refused = live.follow(hot.pointer, hot.brake).refused if pointer else ""
    return hot, [refused] if refused else []


def _is_personal(ask: PageRequest, engine: Engine | None) -> bool:
    """Whether any slot may read the visitor. Not known yet without an edition: it may come along."""
    slots = engine.snapshot.slots if engine else {}
    return engine is None or any(
        slots[want.name].personal for want in ask.slots if want.name in slots
    )


def _deadline(ask: PageRequest, engine: Engine | None) -> float:
    """Seconds that the least patient slot of the page waits; a page has one read for all of them."""
    slots = engine.snapshot.slots if engine else {}
    known = [slots[want.name].deadline_ms for want in ask.slots if want.name in slots]
    return min(known, default=_PATIENCE_MS) / 1000


def _nothing(want: SlotRequest) -> Fragment:
    """The page keeps its default markup. Of visitor scope, so that no cache keeps it."""
    body = b'{"kind":"items","items":[],"rung":"static","scope":"visitor","token":""}'
    return Fragment(want.name, body, b"", Rung.STATIC, Scope.VISITOR, "", 0)
