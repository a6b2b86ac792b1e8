"""One request for fragments: at most one read, then a decision; raises UnknownSlot and nothing else."""

import hashlib
from typing import NamedTuple

import msgspec

from hemline.decide.brake import FACT
from hemline.decide.facts import Fact, FactSource, Maker
from hemline.decide.page import Ask, Engine, decide_page
from hemline.decide.visitor import VisitorView, view
from hemline.learn.profile import Profile, decode, fold
from hemline.model.brake import Brake
from hemline.model.decision import Fragment, Rung, Scope, SlotRequest, Visit
from hemline.model.errors import Refused, Unavailable
from hemline.model.event import Record, encode_record
from hemline.model.ids import hash64
from hemline.usecases.editions import LiveEdition
from hemline.usecases.ports import Hot, HotReader, Stored

_SESSION_GAP = 30 * 60_000
"""Milliseconds after which somebody counts as returning (the field's usual half hour)."""
_MINUTE = 60_000


class Deps(NamedTuple):
    """Collaborators of this use case."""

    site: str
    reader: HotReader
    live: LiveEdition
    keys: tuple[bytes, ...]
    read_timeout: float


class Decided(NamedTuple):
    """The fragments by name, the edition they are from, and what went wrong on the way."""

    fragments: dict[str, Fragment]
    edition: str
    faults: tuple[str, ...]


def decide(ask: Ask, visit: Visit, deps: Deps, now: int) -> Decided:
    """Fragments for every slot asked for; `now` in epoch ms. Raises UnknownSlot."""
    hot, faults = _read(ask, visit, deps)
    engine = deps.live.engine
    if engine is None:
        nothing = {want.name: _nothing(want) for want in ask.slots}
        return Decided(nothing, "", (*faults, "no edition yet"))
    makers = _facts(ask, visit, hot, engine, now) | _brake_fact(deps.live.brake)
    source = FactSource(makers)
    fragments = decide_page(engine, ask, source, deps.keys)
    faults += [f"{name}: {reason}" for name, f in fragments.items() for reason in f.reasons]
    return Decided(fragments, engine.snapshot.digest, tuple(faults))


def consents(visit: Visit, engine: Engine | None) -> bool:
    """What the visitor said; unsaid, what the site's edition says; without an edition, no."""
    if visit.consent is not None:
        return visit.consent
    return engine is not None and engine.snapshot.header.consent_default


def _read(ask: Ask, visit: Visit, deps: Deps) -> tuple[Hot | Unavailable, list[str]]:
    """The one read, of no more than is allowed and needed."""
    live = deps.live
    wanted = _is_personal(ask, live.engine) and consents(visit, live.engine)
    subject = visit.subject if wanted else None
    pointer = live.stale
    if subject is None and not pointer:
        return Hot(None, None), []
    try:
        hot = deps.reader.read_hot(deps.site, subject, pointer=pointer, timeout=deps.read_timeout)
    except Unavailable as why:
        return why, [str(why)]
    refused = live.follow(hot.pointer, hot.brake).refused if pointer else ""
    return hot, [refused] if refused else []


def _is_personal(ask: Ask, engine: Engine | None) -> bool:
    """Whether any slot may read the visitor. Not known yet without an edition: it may come along."""
    slots = engine.snapshot.slots if engine else {}
    return engine is None or any(
        slots[want.name].personal for want in ask.slots if want.name in slots
    )


def _facts(
    ask: Ask, visit: Visit, hot: Hot | Unavailable, engine: Engine, now: int
) -> dict[str, Maker]:
    minute = now - now % _MINUTE
    page, traits = ask.page, ask.traits
    makers: dict[str, Maker] = {
        "clock.minute": lambda: _fact(minute),
        "page.type": lambda: _fact(page.type),
        "page.url": lambda: _fact(page.url),
        "page.item": lambda: _fact(page.item),
        "page.category": lambda: _fact(page.category),
        "trait.country": lambda: _fact(traits.country),
        "trait.device": lambda: _fact(traits.device),
        "trait.language": lambda: _fact(traits.language),
    }
    # Without consent they are not there at all, so that nothing can read them.
    if consents(visit, engine):
        makers["page.cart"] = lambda: _fact(page.cart)
        if visit.subject:
            makers |= _visitor_facts(visit, hot, engine, minute)
    return makers


def _brake_fact(brake: Brake) -> dict[str, Maker]:
    # A brake that was never touched is read as one that is not there: nothing else is known of it.
    fact = Fact(brake, _encode(brake.stops))
    return {FACT: lambda: fact} if brake.version else {}


def _visitor_facts(
    visit: Visit, hot: Hot | Unavailable, engine: Engine, minute: int
) -> dict[str, Maker]:
    known = _Known(visit.recent, hot, engine, minute)
    return {
        "visitor.seed": lambda: _fact(hash64(visit.subject or "")),
        "visitor.known": lambda: known.fact(not known.profile().empty),
        "visitor.returning": lambda: known.fact(known.returning()),
        "visitor.view": lambda: known.fact(known.view()),
        "visitor.recent": lambda: known.fact(known.view().recent.tolist()),
        "visitor.categories": lambda: known.fact(known.view().categories.tolist()),
    }


class _Known:
    """The visitor's profile as of this request, made when a fact first asks for it."""

    def __init__(
        self, recent: tuple[Record, ...], hot: Hot | Unavailable, engine: Engine, minute: int
    ) -> None:
        self._recent, self._hot, self._engine, self._minute = recent, hot, engine, minute
        self._profile: Profile | None = None
        self._view: VisitorView | None = None
        self._mark = b""

    def profile(self) -> Profile:
        """The stored profile with the capsule's actions. Raises Unavailable when it was not to be had."""
        if self._profile is None:
            if isinstance(self._hot, Unavailable):
                raise self._hot
            self._profile = fold(_decoded(self._hot.profile), self._recent)
            self._mark = _mark(self._hot.profile, self._recent)
        return self._profile

    def view(self) -> VisitorView:
        """The profile joined with the edition."""
        if self._view is None:
            self._view = view(self.profile(), self._engine.snapshot)
        return self._view

    def returning(self) -> bool:
        """Was here before this visit."""
        profile = self.profile()
        return not profile.empty and profile.first_seen < self._minute - _SESSION_GAP

    def fact(self, value: object) -> Fact:
        """A fact that stands and falls with the profile."""
        return Fact(value, self._mark + (b"\1" if value else b"\0"))


def _decoded(stored: Stored | None) -> Profile:
    if stored is None:
        return Profile()
    try:
        return decode(stored.blob)
    except Refused as why:
        raise Unavailable("profile", str(why)) from None


def _mark(stored: Stored | None, recent: tuple[Record, ...]) -> bytes:
    state = hashlib.blake2b(stored.blob if stored else b"", digest_size=16)
    for record in recent:
        state.update(encode_record(record))
    return state.digest()


_encode = msgspec.json.Encoder().encode


def _fact(value: object) -> Fact:
    return Fact(value, _encode(value))


def _nothing(want: SlotRequest) -> Fragment:
    """The page keeps its default markup. Of visitor scope, so that no cache keeps it."""
    body = b'{"kind":"items","items":[],"rung":"static","scope":"visitor","token":""}'
    return Fragment(want.name, body, b"", Rung.STATIC, Scope.VISITOR, "", 0)
