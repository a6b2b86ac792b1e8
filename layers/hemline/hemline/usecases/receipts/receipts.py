"""Restores everything that a decision read from its token: edition, brake, profile as it was.

The visitor's part comes from the archive by the same fold that made the profile. Raises Refused, in
one sentence, when something is not there any more.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from hemline.decide.engine import Engine
from hemline.decide.facts.facts import Fact, Maker, MissingFact
from hemline.decide.page import PageRequest
from hemline.decide.token import (
    CONSENTED,
    KNOWN,
    UNREAD,
    RecordedRequest,
    SubjectReference,
    Token,
    fact_name,
    request_of,
    short,
    stopped_of,
    subject_hash,
)
from hemline.learn.profile import capsule
from hemline.learn.profile.fold import Profile, encode, fold, state_bytes
from hemline.model.brake import Brake, brake_of
from hemline.model.decision import PageContext, Traits, Visit
from hemline.model.durations import MINUTE_MS
from hemline.model.edition import unpack
from hemline.model.errors import BadInput, Refused, Unavailable
from hemline.model.events.event import Record
from hemline.model.keys import brake_log, edition_object
from hemline.usecases.ingest.archive import Archived, read_archive
from hemline.usecases.ports import ObjectStore, ServingRead, Stored
from hemline.usecases.receipts.people import Logs, built, cut, link_histories
from hemline.usecases.serving.editions import LoadRanker, engine_of
from hemline.usecases.serving.fact_providers import brake_fact
from hemline.usecases.serving.visitor_context import action_fingerprint

_LATE = "the ranker failed or was late then"


class TokenSubject(NamedTuple):
    """The subject of a token; `key`: the key that their hash was made with."""

    subject: str
    key: bytes
    history: Sequence[Archived]
    link_histories: tuple[Logs, ...] = ({},)
    """One entry for each set of visitors that the user was ever linked to, newest first: their logs."""


class Sources(NamedTuple):
    """Where receipts are looked up. Each raises Refused when it has nothing."""

    site: str
    keys: tuple[bytes, ...]
    engine: Callable[[bytes], Engine]
    """First bytes of an edition's digest → the edition, opened."""
    brake: Callable[[bytes], Brake]
    """Digest of what was stopped → the brake."""
    person: Callable[[bytes], TokenSubject]
    """Keyed hash of a subject → who it is."""


class DecisionInputs(NamedTuple):
    """Everything that one decision read, restored."""

    token: Token
    engine: Engine
    page_request: PageRequest
    visit: Visit
    serving_read: ServingRead | Unavailable
    given: dict[str, Maker]
    minute: int
    """Epoch ms."""
    key: bytes


def sources_of(
    site: str,
    objects: ObjectStore,
    keys: tuple[bytes, ...],
    load_ranker: LoadRanker,
    subject: str = "",
) -> Sources:
    """Receipts looked up in a bucket; `subject` when who asks for it knows whom it is about."""
    return Sources(
        site,
        keys,
        lambda digest: _engine(site, objects, load_ranker, digest),
        lambda digest: _brake(site, objects, keys, digest),
        lambda hashed: _person(site, objects, keys, hashed, subject),
    )


def sources_at_once(
    site: str,
    objects: ObjectStore,
    keys: tuple[bytes, ...],
    load_ranker: LoadRanker,
    subjects: Iterable[str] = (),
) -> Sources:
    """The same for many receipts, their tokens made with the first key: the archive is read once.

    `subjects` are known although they may not be in the archive.
    """
    histories: dict[str, list[Archived]] = {name: [] for name in subjects}
    for one in read_archive(objects, site, repeats=True):
        history = histories.setdefault(one.record.subject, [])
        if one.record.profiled:
            history.append(one)
    people = {
        subject_hash(name, keys[0]): TokenSubject(name, keys[0], history)
        for name, history in histories.items()
    }

    def person(hashed: bytes) -> TokenSubject:
        if hashed not in people:
            raise Refused("who it is about is not in the archive")
        return people[hashed]

    plain = sources_of(site, objects, keys, load_ranker)
    kept = lru_cache(plain.engine), lru_cache(plain.brake)
    return plain._replace(person=person, engine=kept[0], brake=kept[1])


def decision_inputs(
    token: Token, sources: Sources, asked: PageRequest | None = None
) -> DecisionInputs:
    """Raises Refused when something is gone, BadInput when only the caller can know it."""
    engine = sources.engine(token.edition)
    given, page_request = _recorded_request(token, engine, sources, asked)
    late = {want.name for at, want in enumerate(page_request.slots) if token.broken >> at & 1}
    engine = engine._replace(obstacle=lambda slot: _LATE if slot.name in late else "")
    visit, serving_read, key = _visitor(token, sources)
    return DecisionInputs(
        token, engine, page_request, visit, serving_read, given, token.minute * MINUTE_MS, key
    )


def _recorded_request(
    token: Token, engine: Engine, sources: Sources, asked: PageRequest | None
) -> tuple[dict[str, Maker], PageRequest]:
    if asked is not None:
        # The caller states the request, but cannot know what an operator had stopped.
        stopped_then = stopped_of(token.request)
        return (brake_fact(sources.brake(stopped_then)) if stopped_then else {}), asked
    if not isinstance(token.request, RecordedRequest):
        way_out = "Hand it over: --request FILE."
        raise BadInput("request", "was too long for the token and is not in it.", way_out)
    values = {fact_name(name): mark for name, mark in token.request.given}
    stopped = values.pop("site.brake", None)
    facts = {name: Fact(msgspec.json.decode(mark), mark) for name, mark in values.items() if mark}
    given = {name: fixed(facts[name]) if mark else _withheld for name, mark in values.items()}
    if stopped is not None:
        given |= brake_fact(sources.brake(stopped))
    slots = tuple(request_of(engine.snapshot, want) for want in token.request.wants)
    page, traits = _struct(PageContext, "page", facts), _struct(Traits, "trait", facts)
    form: Any = token.form
    return given, PageRequest(page, traits, slots, form)


def _withheld() -> Fact:
    raise MissingFact("consent")


def fixed(fact: Fact) -> Maker:
    """A provider of a constant fact."""
    return lambda: fact


def _struct(kind: type[Any], family: str, facts: dict[str, Fact]) -> Any:  # noqa: ANN401 - `kind`
    """What was read of a page or of traits; what was not read is not there."""
    names = kind.__struct_fields__
    read = {n: facts[f"{family}.{n}"].value for n in names if f"{family}.{n}" in facts}
    return msgspec.convert(read, kind)


def _visitor(token: Token, sources: Sources) -> tuple[Visit, ServingRead | Unavailable, bytes]:
    reference = token.whose or SubjectReference()
    nobody, key = ServingRead(None, None), sources.keys[0]
    if not reference.flags & KNOWN:
        return Visit(None, consent=bool(reference.flags & CONSENTED)), nobody, key
    person = sources.person(reference.who)
    if reference.flags & UNREAD:
        gone = Unavailable("profile", "was not to be had then")
        return Visit(person.subject, consent=True), gone, person.key
    profile, recent = profile_then(reference, person, sources.site)
    serving_read = ServingRead(Stored(encode(profile), 1), None) if not profile.empty else nobody
    return Visit(person.subject, consent=True, recent=recent), serving_read, person.key


def profile_then(
    reference: SubjectReference, person: TokenSubject, site: str
) -> tuple[Profile, tuple[Record, ...]]:
    """The profile as it lay in the table, and the capsule's acts. Raises Refused."""
    recent = _acts(reference, person, site)
    for others in person.link_histories:
        base, loose = built(reference, person.history, others, site)
        # A shard without a mark came later, or its mark gave way to newer ones: the digest tells.
        for profile in (base, fold(base, loose)):
            if short(state_bytes(fold(profile, recent)), 16)[:8] == reference.state:
                return profile, recent
    raise Refused("the archive does not hold the profile as it was then (yet, or any more)")


def _acts(reference: SubjectReference, person: TokenSubject, site: str) -> tuple[Record, ...]:
    wanted = set(cut(reference.acts))
    found = [one.record for one in person.history if action_fingerprint(one.record) in wanted]
    if len({action_fingerprint(record) for record in found}) < len(wanted):
        raise Refused("the archive does not hold yet what the visitor did just before")
    kept = capsule.update(capsule.Capsule(person.subject), found)
    return tuple(capsule.records(kept, site))


def _engine(site: str, objects: ObjectStore, load_ranker: LoadRanker, digest: bytes) -> Engine:
    prefix, suffix = edition_object(site, digest.hex()).removesuffix(".hem"), ".hem"
    key = next((key for key in objects.keys(prefix) if key.endswith(suffix)), None)
    data = objects.get(key) if key else None
    if data is None:
        raise Refused(f"edition {digest.hex()} is not in the bucket any more")
    return engine_of(unpack(data, site=site), load_ranker)


def _brake(site: str, objects: ObjectStore, keys: tuple[bytes, ...], digest: bytes) -> Brake:
    for key in objects.keys(brake_log(site)):
        brake = brake_of((objects.get(key) or b"").decode("ascii", "replace"), site, keys)
        if brake_digest(brake) == digest:
            return brake
    raise Refused("what was stopped by the brake then is not in its log")


def brake_digest(brake: Brake) -> bytes:
    """How a token spells what is stopped."""
    made = [maker().fingerprint for maker in brake_fact(brake).values()]
    return short(b"".join(made))


def _person(
    site: str, objects: ObjectStore, keys: tuple[bytes, ...], hashed: bytes, subject: str
) -> TokenSubject:
    """The subject with this hash, found in one pass over the archive."""
    known: dict[str, bytes | None] = {}

    def key_of(name: str) -> bytes | None:
        if name not in known:
            known[name] = next((key for key in keys if subject_hash(name, key) == hashed), None)
        return known[name]

    events = read_archive(objects, site, repeats=True)
    theirs = [one for one in events if key_of(one.record.subject)]
    history = [one for one in theirs if one.record.profiled]
    found = theirs[0].record.subject if theirs else subject
    key = key_of(found) if found else None
    if key is None or subject not in {"", found}:
        whom = "is somebody else." if subject else "is not in the archive."
        raise BadInput("visitor", whom, "Name whom it is about: --visitor ID.")
    joined = link_histories(site, objects, theirs) if found.startswith("u:") else ({},)
    return TokenSubject(found, key, history, joined)
