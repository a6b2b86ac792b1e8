"""One request for fragments: at most one read, then a decision; raises what a caller can mend alone."""

from collections.abc import Mapping
from functools import cache, partial
from typing import NamedTuple

import msgspec

from hemline.decide.brake import FACT
from hemline.decide.facts import OTHERS, Fact, FactSource, Maker, MissingFact
from hemline.decide.page import Ask, Engine, decide_page
from hemline.decide.token import CONSENTED, KNOWN, UNREAD, Whose, Witness, short, who
from hemline.decide.visitor import VisitorView, view
from hemline.learn.profile import Profile, decode, fold, state_bytes
from hemline.model.brake import Brake
from hemline.model.consent import Purpose
from hemline.model.decision import Fragment, Page, Rung, Scope, SlotRequest, Visit
from hemline.model.errors import Refused, Unavailable, UnknownSlot
from hemline.model.event import Record
from hemline.model.ids import hash64
from hemline.model.standing import FRESH
from hemline.usecases.breaker import Breaker, Clock, Health, Run
from hemline.usecases.breaker import health as new_health
from hemline.usecases.editions import LiveEdition
from hemline.usecases.ports import Hot, HotReader, Stored

_SESSION_GAP = 30 * 60_000
"""Milliseconds after which somebody counts as returning (the field's usual half hour)."""
_MINUTE = 60_000
_PATIENCE_MS = 1000
"""A slot's longest deadline: for as long as no edition says another one."""


def _no_time_passes() -> float:
    return 0.0


class Deps(NamedTuple):
    """Collaborators of this use case."""

    site: str
    reader: HotReader
    live: LiveEdition
    keys: tuple[bytes, ...]
    read_timeout: float
    clock: Clock = _no_time_passes
    """Seconds that only grow: what deadlines are measured by."""
    health: Health | None = None
    """Breakers, which outlive a request; without them everything is asked every time."""


class Decided(NamedTuple):
    """The fragments by name, the edition they are from, and what went wrong on the way."""

    fragments: dict[str, Fragment]
    edition: str
    faults: tuple[str, ...]
    breakers: Mapping[str, str] = {}
    """Dependency → state, of those whose breaker is not closed."""
    errors: tuple[UnknownSlot, ...] = ()
    """Slots of the page that this site does not have: the others are answered all the same."""


def decide(ask: Ask, visit: Visit, deps: Deps, now: int) -> Decided:
    """Fragments for the slots asked for; `now` in epoch ms.

    Raises UnknownSlot when there is none of them, BadInput for a cursor.
    """
    started, health = deps.clock(), deps.health or new_health(deps.clock)
    hot, faults = _read(ask, visit, deps, health.table)
    engine = deps.live.engine
    if engine is None:
        nothing = {want.name: _nothing(want) for want in ask.slots}
        return Decided(nothing, "", (*faults, "no edition yet"), health.states)
    ask, errors = _there(ask, engine)
    if engine.ranker:
        run = Run(engine.ranker, health.ranker, deps.clock, started)
        engine = engine._replace(ranker=run, obstacle=run.obstacle)
    visit = judged(visit, hot, engine, ask.traits.country)
    known = Known(visit, hot, engine, now - now % _MINUTE)
    source = FactSource(makers(ask, known) | brake_fact(deps.live.brake))
    # Said once, for all slots of the page.
    witness = Witness(deps.keys, cache(lambda: known.whose(deps.keys[0])))
    fragments = decide_page(engine, ask, source, witness)
    faults += [f"{name}: {reason}" for name, f in fragments.items() for reason in f.reasons]
    faults += map(str, errors)
    return Decided(fragments, engine.snapshot.digest, tuple(faults), health.states, errors)


def _there(ask: Ask, engine: Engine) -> tuple[Ask, tuple[UnknownSlot, ...]]:
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


def consents(visit: Visit, engine: Engine | None, country: str) -> bool:
    """What the visitor said; unsaid, what the site's edition says; without an edition, no."""
    if visit.consent is False or engine is None:
        return bool(visit.consent)
    policy = engine.snapshot.header.policy
    if visit.dnt and policy.honours_dnt:
        return False
    return visit.consent or policy.unsaid(Purpose.PERSONALISATION, country)


def judged(visit: Visit, hot: Hot | Unavailable, engine: Engine, country: str) -> Visit:
    """The visit as it counts now that what stands beside the profile was read with it.

    A no, or being forgotten, holds from the next request on, whatever the capsule still says.
    """
    agreed = consents(visit, engine, country)
    stored = None if isinstance(hot, Unavailable) else hot.profile
    standing = stored.standing if stored else FRESH
    refused = standing.consent.states(Purpose.PERSONALISATION) is False
    dead = standing.forgotten and (visit.subject or "").startswith("v:")
    recent = tuple(act for act in visit.recent if act.event.time > standing.forgotten)
    return Visit(visit.subject, agreed and not refused and not dead, recent)


def _read(
    ask: Ask, visit: Visit, deps: Deps, breaker: Breaker
) -> tuple[Hot | Unavailable, list[str]]:
    """The one read, of no more than is allowed and needed."""
    live = deps.live
    wanted = _is_personal(ask, live.engine) and consents(visit, live.engine, ask.traits.country)
    subject = visit.subject if wanted else None
    pointer = live.stale
    if subject is None and not pointer:
        return Hot(None, None), []
    if breaker.open:
        why = Unavailable("dynamodb", "left alone, its breaker is open")
        return why, [str(why)]
    timeout = min(deps.read_timeout, _deadline(ask, live.engine))
    try:
        hot = deps.reader.read_hot(deps.site, subject, pointer=pointer, timeout=timeout)
    except Unavailable as why:
        breaker.failed()
        return why, [str(why)]
    breaker.succeeded()
    refused = live.follow(hot.pointer, hot.brake).refused if pointer else ""
    return hot, [refused] if refused else []


def _is_personal(ask: Ask, engine: Engine | None) -> bool:
    """Whether any slot may read the visitor. Not known yet without an edition: it may come along."""
    slots = engine.snapshot.slots if engine else {}
    return engine is None or any(
        slots[want.name].personal for want in ask.slots if want.name in slots
    )


def _deadline(ask: Ask, engine: Engine | None) -> float:
    """Seconds that the least patient slot of the page waits; a page has one read for all of them."""
    slots = engine.snapshot.slots if engine else {}
    known = [slots[want.name].deadline_ms for want in ask.slots if want.name in slots]
    return min(known, default=_PATIENCE_MS) / 1000


def makers(ask: Ask, known: "Known") -> dict[str, Maker]:
    """Every fact that this request may read, by name."""
    page, traits = ask.page, ask.traits
    found: dict[str, Maker] = {
        "clock.minute": lambda: _fact(known.minute),
        "page.type": lambda: _fact(page.type),
        # The query is for campaigns alone: a rule about /sale is about every way to it.
        "page.url": lambda: _fact(page.url.partition("?")[0].partition("#")[0]),
        "page.item": lambda: _fact(page.item),
        "page.category": lambda: _fact(page.category),
        "trait.country": lambda: _fact(traits.country),
        "trait.device": lambda: _fact(traits.device),
        "trait.language": lambda: _fact(traits.language),
        FACT: _no_brake,
        OTHERS: cache(partial(_others, ask, known)),
    }
    told = partial(_told, consented=known.consented)
    found |= {f"page.{n}": partial(told, v) for n, v in _lists(page) if v}
    # Without consent they are not there at all, so that nothing can read them.
    if known.consented:
        found["page.cart"] = lambda: _fact(page.cart)
        if known.subject:
            found |= _visitor_facts(known)
    return found


def _no_brake() -> Fact:
    raise MissingFact(FACT)


def _others(ask: Ask, known: "Known") -> Fact:
    # Made when a rule first asks for one of them: many sites have none, and start-up is everybody's.
    from hemline.usecases.facts_for_rules import others  # noqa: PLC0415 - as the comment says

    return others(ask.page, ask.traits, known.snapshot, known)()


def _told(names: tuple[str, ...], *, consented: bool) -> Fact:
    """What the page says of the visitor: read by nobody without consent, and that too is personal."""
    if not consented:
        raise MissingFact("consent")
    return _fact(names)


def _lists(page: Page) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return (("owned", page.owned), ("seen", page.seen))


def brake_fact(brake: Brake) -> dict[str, Maker]:
    """What is stopped, as a fact; not there at all for a site whose brake was never touched."""
    fact = Fact(brake, _encode(brake.stops))
    return {FACT: lambda: fact} if brake.version else {}


def _visitor_facts(known: "Known") -> dict[str, Maker]:
    return {
        "visitor.seed": lambda: _fact(hash64(known.subject)),
        "visitor.known": lambda: known.fact(not known.profile().empty),
        "visitor.returning": lambda: known.fact(known.returning()),
        "visitor.view": lambda: known.fact(known.view()),
        "visitor.recent": lambda: known.fact(known.view().recent.tolist()),
        "visitor.categories": lambda: known.fact(known.view().categories.tolist()),
    }


class Known:
    """What is known of who asks, as of this request; made when a fact first asks for it."""

    def __init__(self, visit: Visit, hot: Hot | Unavailable, engine: Engine, minute: int) -> None:
        self._visit, self._hot, self._engine, self.minute = visit, hot, engine, minute
        self.consented = consents(visit, engine, "")
        self.subject = visit.subject or ""
        self.snapshot = engine.snapshot
        self._stored = Profile()
        self._profile: Profile | None = None
        self._view: VisitorView | None = None
        self._mark = b""

    def profile(self) -> Profile:
        """The stored profile with the capsule's actions. Raises Unavailable when it was not to be had."""
        if self._profile is None:
            if isinstance(self._hot, Unavailable):
                raise self._hot
            self._stored = _decoded(self._hot.profile)
            self._profile = fold(self._stored, self._visit.recent)
            # Of what was folded and not of how it came: delivery may say the same again.
            self._mark = short(state_bytes(self._profile), 16)
        return self._profile

    def view(self) -> VisitorView:
        """The profile joined with the edition."""
        if self._view is None:
            self._view = view(self.profile(), self._engine.snapshot)
        return self._view

    def returning(self) -> bool:
        """Was here before this visit."""
        profile = self.profile()
        return not profile.empty and profile.first_seen < self.minute - _SESSION_GAP

    def fact(self, value: object) -> Fact:
        """A fact that stands and falls with the profile."""
        return Fact(value, self._mark + (b"\1" if value else b"\0"))

    def whose(self, key: bytes) -> Whose:
        """For the token; no more than was there to be read."""
        if not self.consented or not self.subject:
            return Whose(CONSENTED if self.consented else 0)
        try:
            self.profile()
        except Unavailable:
            return Whose(CONSENTED | KNOWN | UNREAD, who(self.subject, key))
        return Whose(
            CONSENTED | KNOWN,
            who(self.subject, key),
            self._mark[:8],
            b"".join(place_mark(*mark) for mark in sorted(self._stored.marks.items())),
            b"".join(act_mark(record) for record in self._visit.recent),
        )


def place_mark(shard: str, sequence: str) -> bytes:
    """A place in the stream as a token knows it, 4 bytes; zeros before a number say nothing."""
    return short(f"{shard}|{int(sequence)}".encode(), 4)


def act_mark(record: Record) -> bytes:
    """An act of the capsule as a token knows it, 4 bytes."""
    event = record.event
    return short(f"{event.id}|{event.type}|{event.time}".encode(), 4)


def _decoded(stored: Stored | None) -> Profile:
    if stored is None or not stored.blob:
        return Profile()
    try:
        return decode(stored.blob)
    except Refused as why:
        raise Unavailable("profile", str(why)) from None


_encode = msgspec.json.Encoder().encode


def _fact(value: object) -> Fact:
    return Fact(value, _encode(value))


def _nothing(want: SlotRequest) -> Fragment:
    """The page keeps its default markup. Of visitor scope, so that no cache keeps it."""
    body = b'{"kind":"items","items":[],"rung":"static","scope":"visitor","token":""}'
    return Fragment(want.name, body, b"", Rung.STATIC, Scope.VISITOR, "", 0)
