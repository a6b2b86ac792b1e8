"""The collect endpoint: checks each event, binds it to its subject and puts it on the stream.

An event is accepted only when the stream holds it. Every event of a call is accounted for: accepted,
or rejected with its position, its id and a reason. Knows nothing of HTTP, cookies or Kinesis.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from hemline.learn.profile import capsule as capsules
from hemline.learn.profile.capsule import Capsule
from hemline.model.consent import DEFAULTS, NOT_STATED, Policy, allowed, with_choices
from hemline.model.decision import Traits
from hemline.model.durations import DAY_MS, MINUTE_MS
from hemline.model.errors import BadInput, NotAllowed, Unavailable
from hemline.model.events.body import Faulty, RawEvent, diagnose, id_of, split
from hemline.model.events.event import BOT, CAPPED, ITEM_EVENT, Record, encode_record, in_call_order
from hemline.model.events.refusals import ALIASES
from hemline.model.events.schema import (
    SIGNED_ONLY,
    EventInput,
    check_item,
    event_of,
    parse_event,
    stated_choices,
    stated_time,
)
from hemline.model.input.times import check_stated
from hemline.model.token_header import BoundToken, decode_bound, verify_header
from hemline.usecases.ingest.collected import Collected, Rejected
from hemline.usecases.ingest.token_binding import check_binding, given_to
from hemline.usecases.ports import EventStream, StreamEntry

EARLIEST_MS = 395 * DAY_MS
"""The oldest client time kept: a visitor id's lifetime. Within it an event that is sent again weeks later
keeps its time, so it is recognised as a repeat."""
LATEST_MS = 5 * MINUTE_MS
"""How far a client's clock may run ahead."""
NO_CONSENT = "no_consent"
NOT_DURABLE = "not_durable"


class Caller(NamedTuple):
    """The verified facts about a batch's sender."""

    subject: str | None = None
    opted_out: bool = False
    """The browser's own signal: Sec-GPC, or DNT where the site honours it."""
    capsule: Capsule | None = None
    """The caller's capsule, if its signature is valid; it may belong to another subject."""
    signed: bool = False
    """A server with the site's key: may send events of any subject, of the past, and items."""
    traits: Traits = Traits()
    program: bool = False
    """A self-declared program (crawler, monitor, tool): its events are flagged."""
    device: str = ""
    """The visitor id of a cookie sent with a user token: tokens issued to it count as the user's."""
    purposes: tuple[str, ...] = ()
    """Allowed purposes of a browser's events; computed by `collect_events`, not passed in."""


class CollectDeps(NamedTuple):
    """Dependencies of the use case."""

    stream: EventStream
    site: str
    mint: Callable[[], str]
    """A fresh visitor id that nobody can guess."""
    policy: Policy = Policy()
    """The consent policy for visitors who have not stated a choice."""
    keys: tuple[bytes, ...] = ()
    """Decision-token secrets; without any, browsers' tokens are ignored."""


class _Taken(NamedTuple):
    at: int
    record: Record


def collect_events(body: bytes, caller: Caller, deps: CollectDeps, now: int) -> Collected:
    """Collect one call's events; `now` is epoch ms. Raises BadInput or TooLarge for an unusable body."""
    parsed, rejected = _parse(split(body), caller, deps, now)
    caller = caller._replace(purposes=_purposes(caller, deps.policy))
    parsed, refused = _agreed(parsed, caller, deps.policy)
    rejected += refused
    minted = None
    if not caller.signed and caller.subject is None and parsed:
        minted = deps.mint()
        caller = caller._replace(subject=f"v:{minted}")
    taken, repeated = _bind(parsed, caller, deps, now)
    reasons, fault = _store(taken, deps.stream)
    lost = [_rejected(t, NOT_DURABLE) for t, why in zip(taken, reasons, strict=True) if why]
    held = [t.record for t, why in zip(taken, reasons, strict=True) if why is None]
    everything = sorted([*rejected, *repeated, *lost], key=lambda one: one.index)
    return Collected(len(held), tuple(everything), minted, _capsule(caller, held), fault)


def _purposes(caller: Caller, policy: Policy) -> tuple[str, ...]:
    """The allowed purposes of a browser's events; empty for a signed batch, whose events state their own."""
    if caller.opted_out or caller.signed:
        return ()
    said = capsules.consent_from(caller.capsule, caller.subject)
    return tuple(p for p in allowed(said, policy, caller.traits.country) if p in DEFAULTS)


def _held(event: EventInput, caller: Caller, policy: Policy) -> tuple[str, ...]:
    """One event's allowed purposes. A signed event states its person's choices; else the policy applies."""
    if event.type == ITEM_EVENT:
        return DEFAULTS
    if caller.opted_out or not caller.signed:
        return caller.purposes
    found = allowed(with_choices(stated_choices(event), NOT_STATED, 0), policy, event.country or "")
    return tuple(purpose for purpose in found if purpose in DEFAULTS)


class _Parsed(NamedTuple):
    at: int
    event: EventInput
    token: BoundToken | None
    """The verified decision token, if any."""
    purposes: tuple[str, ...] = ()


def _parse(
    raws: Sequence[RawEvent], caller: Caller, deps: CollectDeps, now: int
) -> tuple[list[_Parsed], list[Rejected]]:
    parsed: list[_Parsed] = []
    rejected: list[Rejected] = []
    for index, raw in enumerate(raws):
        try:
            event = _parse_one(raw)
            _check_right(event, caller)
            check_stated(event.time, now - EARLIEST_MS, now + LATEST_MS, past=caller.signed)
            parsed.append(_Parsed(index, event, _token(event, caller, deps, now)))
        except BadInput as error:
            rejected.append(Rejected(index, id_of(raw), str(error)))
    return parsed, rejected


def _parse_one(raw: RawEvent) -> EventInput:
    if isinstance(raw, Faulty):
        raise raw.error
    try:
        return parse_event(raw)
    except BadInput as error:
        raise (diagnose(raw, error) if error.field == "event" else error) from None


def _check_right(event: EventInput, caller: Caller) -> None:
    """Raises BadInput for fields only a signed batch may set, and for those it must set."""
    if caller.signed:
        if event.type == ITEM_EVENT:
            check_item(event)
        elif not (event.visitor or event.user):
            raise BadInput("visitor", "is missing.", "Say whom it is about: visitor or user.")
        return
    if event.type == ITEM_EVENT:
        raise BadInput("type", "item is for signed batches.", "Sign the call: Hemline-Signature.")
    foreign = next((name for name in SIGNED_ONLY if getattr(event, name) is not None), None)
    if foreign:
        way_out = "Leave it out, or sign the call: Hemline-Signature."
        raise BadInput(foreign, "is for signed batches.", way_out)


def _token(event: EventInput, caller: Caller, deps: CollectDeps, now: int) -> BoundToken | None:
    """The verified decision token; None without one. A browser needs a valid one.

    An invented list must not train anything. A server is trusted; its valid tokens count for caps.
    """
    if not event.token:
        return None
    try:
        found = decode_bound(verify_header(event.token, deps.keys, site=deps.site, now=now))
    except NotAllowed as why:
        if caller.signed or not deps.keys:
            return None
        raise BadInput("token", f"is refused: {why}.", "Send back the fragment's token.") from None
    check_binding(event, found)
    return found


def _agreed(
    parsed: Sequence[_Parsed], caller: Caller, policy: Policy
) -> tuple[list[_Parsed], list[Rejected]]:
    told = [one._replace(purposes=_held(one.event, caller, policy)) for one in parsed]
    refused = [Rejected(one.at, one.event.id, NO_CONSENT) for one in told if not one.purposes]
    return [one for one in told if one.purposes], refused


def _bind(
    parsed: Sequence[_Parsed], caller: Caller, deps: CollectDeps, now: int
) -> tuple[list[_Taken], list[Rejected]]:
    taken: list[_Taken] = []
    repeated: list[Rejected] = []
    first: dict[tuple[str, str], int] = {}
    turns = Counter[tuple[str, int]]()
    for one in parsed:
        record = _record(one, caller, deps, now)
        at = first.setdefault((record.subject, one.event.id), one.at)
        if at == one.at:
            turn = (record.subject, record.event.time)
            if one.event.type == ITEM_EVENT:
                record = in_call_order(record, turns[turn])
                turns[turn] += 1
            taken.append(_Taken(one.at, record))
        else:
            repeated.append(Rejected(one.at, one.event.id, _twice(at)))
    return taken, repeated


def _twice(index: int) -> str:
    return f"id: is that of event {index} of this call too. Give each event its own."


def _record(parsed_event: _Parsed, caller: Caller, deps: CollectDeps, now: int) -> Record:
    event = parsed_event.event
    stated = stated_time(event)
    time = bounded(stated, now, past=caller.signed)
    return Record(
        site=deps.site,
        subject=_subject(event, caller),
        received=now,
        event=event_of(event, time),
        stated=None if stated == time else stated,
        flags=(BOT,) if caller.program else (),
        signed=caller.signed,
        country=event.country or caller.traits.country,
        device=event.device or caller.traits.device,
        purposes=parsed_event.purposes,
        capped=_capped(parsed_event),
        given=given_to(parsed_event.token, _subjects(event, caller), deps.keys),
    )


def _capped(parsed_event: _Parsed) -> str:
    """The slot whose frequency cap the event counts towards, from its valid token; else empty."""
    kind = ALIASES.get(parsed_event.event.type, parsed_event.event.type)
    return parsed_event.token.capped if parsed_event.token and kind in CAPPED else ""


def _subject(event: EventInput, caller: Caller) -> str:
    return f"i:{event.item}" if event.type == ITEM_EVENT else _subjects(event, caller)[0]


def _subjects(event: EventInput, caller: Caller) -> list[str]:
    """All verified ids of the event's subject; the event is recorded under the first."""
    named = [f"u:{event.user}"] if event.user else []
    named += [f"v:{event.visitor}"] if event.visitor else []
    named += [f"v:{caller.device}"] if caller.device else []
    return named if caller.signed else [caller.subject or "", *named]


def bounded(stated: int | None, received: int, *, past: bool) -> int:
    """The client's time if plausible, else the server's (epoch ms); `past` removes the lower bound."""
    earliest = 0 if past else received - EARLIEST_MS
    if stated is None or not earliest <= stated <= received + LATEST_MS:
        return received
    return stated


def _store(taken: Sequence[_Taken], stream: EventStream) -> tuple[list[str | None], str]:
    if not taken:
        return [], ""
    entries = [StreamEntry(t.record.subject, encode_record(t.record)) for t in taken]
    try:
        reasons = stream.put(entries)
    except Unavailable as error:
        return [str(error)] * len(taken), str(error)
    return reasons, next((why for why in reasons if why), "")


def _rejected(taken: _Taken, reason: str) -> Rejected:
    return Rejected(taken.at, taken.record.event.id, reason)


def _capsule(caller: Caller, held: Sequence[Record]) -> Capsule | None:
    if caller.signed or not held or caller.subject is None:
        return None
    old = caller.capsule
    if old is None or not capsules.belongs_to(old, caller.subject):
        old = Capsule(caller.subject, capsules.consent_from(old, caller.subject))
    return capsules.update(old, [record for record in held if record.profiled])
