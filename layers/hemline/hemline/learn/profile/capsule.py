"""The capsule: a signed cookie of at most 1 kB with a visitor's last few actions and consent.

It makes the next request reflect the click before ingest has run: a fragment folds
`records(capsule, site)` into the profile that it read. When the stream delivers the same events later,
they are repeats, because their ids are the same. Knows no clock, no HTTP, no storage.
"""

from collections.abc import Iterable, Sequence
from functools import reduce
from operator import or_

import msgspec

from hemline.model.consent import NOT_STATED, Consent, Purpose
from hemline.model.errors import NotAllowed
from hemline.model.events.event import CAPPED, Event, InteractionLevel, OrderLine, Record
from hemline.model.signed import sign, verify

MAX_COOKIE = 1024
"""Characters of the signed value."""
MAX_ACTIONS = 16
MAX_LINES = 5
_PURPOSE = "capsule"
_SIGNATURE = 23  # a dot and 16 bytes in base64
_MAX_PAYLOAD = (MAX_COOKIE - _SIGNATURE) * 3 // 4


class RecentAction(msgspec.Struct, frozen=True, array_like=True):
    """One action, as much of its event as a profile keeps."""

    id: str
    type: str
    time: int
    lines: tuple[tuple[str, int], ...]
    """(item id, quantity), at most MAX_LINES."""
    capped: str = ""
    """The slot whose frequency cap it counts towards, else empty."""


class Capsule(msgspec.Struct, frozen=True, array_like=True):
    """A subject, their consent, and their recent actions."""

    subject: str
    """`v:…` or `u:…`."""
    consent: Consent = NOT_STATED
    """As of the last write; for a purpose without a statement the site's default holds."""
    actions: tuple[RecentAction, ...] = ()
    """Oldest first, at most MAX_ACTIONS."""


_decoder = msgspec.msgpack.Decoder(Capsule)
_encoder = msgspec.msgpack.Encoder()


def update(capsule: Capsule, records: Iterable[Record]) -> Capsule:
    """The capsule with the actions of `records`, the oldest dropped until it fits; none after a refusal."""
    if refuses_personalisation(capsule):
        return msgspec.structs.replace(capsule, actions=())
    acts = {act.id: act for act in capsule.actions}
    for act in (_recent_action(record) for record in records if _belongs_in_capsule(record)):
        # The same id twice counts at its latest time, as it does in a profile.
        acts[act.id] = max(act, acts.get(act.id, act), key=_age)
    newest = sorted(acts.values(), key=_age)[-MAX_ACTIONS:]
    fitted = msgspec.structs.replace(capsule, actions=tuple(newest))
    while fitted.actions and len(_encoder.encode(fitted)) > _MAX_PAYLOAD:
        fitted = msgspec.structs.replace(fitted, actions=fitted.actions[1:])
    return fitted


def _age(act: RecentAction) -> tuple[int, str]:
    return act.time, act.id


def _belongs_in_capsule(record: Record) -> bool:
    """Whether the next request needs it: clicks and deeper, and what a frequency cap counts.

    Exposures come by the dozen and would displace the clicks: they can wait for the stream. Those of a
    capped slot cannot, or the next page would show it again.
    """
    event, level = record.event, record.event.level
    deeper = level is not None and level > InteractionLevel.SHOWN and bool(event.items())
    return record.profiled and (deeper or bool(record.capped and event.type in CAPPED))


def _recent_action(record: Record) -> RecentAction:
    event = record.event
    lines = tuple((line.item, line.quantity) for line in event.items()[:MAX_LINES])
    return RecentAction(event.id, event.type, event.time, lines, record.capped)


def encode(capsule: Capsule, keys: tuple[bytes, ...]) -> str:
    """The cookie's value, signed with the first of `keys`; at most MAX_COOKIE characters."""
    return sign(_PURPOSE, _encoder.encode(capsule), keys[0])


def decode(text: str, keys: tuple[bytes, ...]) -> Capsule:
    """Raises NotAllowed when the signature does not verify or this code cannot read the format."""
    if len(text) > MAX_COOKIE:
        raise NotAllowed("a capsule is at most 1 kB")
    try:
        return _decoder.decode(verify(_PURPOSE, text, keys))
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise NotAllowed("this capsule is of another form") from None


def belongs_to(capsule: Capsule, subject: str | None) -> bool:
    """Whether it is this subject's. Another subject's actions must neither be read nor extended."""
    return subject == capsule.subject


def pick(capsules: Sequence[Capsule], subject: str | None) -> Capsule | None:
    """One of several capsules in a request: the subject's newest, with every refusal of all of them."""
    if len(capsules) < 2:
        return capsules[0] if capsules else None
    own = [one for one in capsules if belongs_to(one, subject)]
    newest = max(own or capsules, key=_recency)
    refused = reduce(or_, (one.consent.refused for one in capsules))
    stated_at = max(one.consent.at for one in capsules)
    consent = Consent(newest.consent.granted & ~refused, refused, stated_at)
    return msgspec.structs.replace(newest, consent=consent)


def _recency(capsule: Capsule) -> tuple[int, tuple[int, str]]:
    return capsule.consent.at, max(map(_age, capsule.actions), default=(0, ""))


def refuses_personalisation(capsule: Capsule) -> bool:
    """Whether the visitor refused personalisation."""
    return capsule.consent.states(Purpose.PERSONALISATION) is False


def consent_from(capsule: Capsule | None, subject: str | None) -> Consent:
    """The consent that a capsule states for `subject`; of another subject's only refusals count."""
    if capsule is None:
        return NOT_STATED
    if belongs_to(capsule, subject):
        return capsule.consent
    return Consent(refused=capsule.consent.refused, at=capsule.consent.at)


def records(capsule: Capsule, site: str) -> list[Record]:
    """Its actions as records to fold, none after a refusal; `received` is the action's own time."""
    if refuses_personalisation(capsule):
        return []
    return [_record(act, site, capsule.subject) for act in capsule.actions]


def _record(act: RecentAction, site: str, subject: str) -> Record:
    lines = tuple(OrderLine(item, quantity) for item, quantity in act.lines)
    event = Event(id=act.id, type=act.type, time=act.time, lines=lines)
    return Record(site, subject, act.time, event, capped=act.capped)
