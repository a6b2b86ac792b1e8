"""The capsule: a signed cookie of at most 1 kB with somebody's last few actions and consent.

The very next request reflects the click, before the stream has brought it to the profile: a
fragment folds `records(capsule, site)` into the profile it read, and what the stream brought
meanwhile is a repeat, because the event ids are the same. Knows no clock, no HTTP, no storage.
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
    """(item, quantity)."""
    capped: str = ""
    """The slot whose frequency cap it counts towards."""


class Capsule(msgspec.Struct, frozen=True, array_like=True):
    """Whose capsule it is, what they said of consent, and their acts, oldest first."""

    subject: str
    """`v:…` or `u:…`."""
    consent: Consent = NOT_STATED
    """As it counted when it was last written; where nothing was said, the site's default holds."""
    actions: tuple[RecentAction, ...] = ()


_decoder = msgspec.msgpack.Decoder(Capsule)
_encoder = msgspec.msgpack.Encoder()


def update(capsule: Capsule, records: Iterable[Record]) -> Capsule:
    """With the actions of `records` in it, the oldest dropped until it fits; none after a no."""
    if refuses_personalisation(capsule):
        return msgspec.structs.replace(capsule, acts=())
    acts = {act.id: act for act in capsule.actions}
    for act in (_act(record) for record in records if _tells(record)):
        # The same id twice counts at its latest time, as it does in a profile.
        acts[act.id] = max(act, acts.get(act.id, act), key=_age)
    newest = sorted(acts.values(), key=_age)[-MAX_ACTIONS:]
    fitted = msgspec.structs.replace(capsule, acts=tuple(newest))
    while fitted.actions and len(_encoder.encode(fitted)) > _MAX_PAYLOAD:
        fitted = msgspec.structs.replace(fitted, acts=fitted.actions[1:])
    return fitted


def _age(act: RecentAction) -> tuple[int, str]:
    return act.time, act.id


def _tells(record: Record) -> bool:
    """Exposures come by the dozen and would push out the clicks: they can wait for the stream.

    What a cap counts cannot wait: the next page would show it again.
    """
    event, deed = record.event, record.event.level
    told = deed is not None and deed > InteractionLevel.SHOWN and bool(event.items())
    return record.profiled and (told or bool(record.capped and event.type in CAPPED))


def _act(record: Record) -> RecentAction:
    event = record.event
    lines = tuple((line.item, line.quantity) for line in event.items()[:MAX_LINES])
    return RecentAction(event.id, event.type, event.time, lines, record.capped)


def encode(capsule: Capsule, keys: tuple[bytes, ...]) -> str:
    """The cookie's value, signed with the first of `keys`; at most MAX_COOKIE characters."""
    return sign(_PURPOSE, _encoder.encode(capsule), keys[0])


def decode(text: str, keys: tuple[bytes, ...]) -> Capsule:
    """Raises NotAllowed when it is not one of ours, or of a form that this code does not read."""
    if len(text) > MAX_COOKIE:
        raise NotAllowed("a capsule is at most 1 kB")
    try:
        return _decoder.decode(verify(_PURPOSE, text, keys))
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise NotAllowed("this capsule is of another form") from None


def belongs_to(capsule: Capsule, subject: str | None) -> bool:
    """Whether it is this subject's; a capsule of somebody else must neither be read nor written."""
    return subject == capsule.subject


def pick(found: Sequence[Capsule], subject: str | None) -> Capsule | None:
    """One of several that a browser sent at once: the subject's newest, with every no of all of them."""
    if len(found) < 2:
        return found[0] if found else None
    own = [one for one in found if belongs_to(one, subject)]
    newest = max(own or found, key=_newest)
    refused = reduce(or_, (one.consent.refused for one in found))
    said = newest.consent
    said = Consent(said.granted & ~refused, refused, max(one.consent.at for one in found))
    return msgspec.structs.replace(newest, consent=said)


def _newest(capsule: Capsule) -> tuple[int, tuple[int, str]]:
    return capsule.consent.at, max(map(_age, capsule.actions), default=(0, ""))


def refuses_personalisation(capsule: Capsule) -> bool:
    """Whether they said no to being remembered."""
    return capsule.consent.states(Purpose.PERSONALISATION) is False


def consent_from(capsule: Capsule | None, subject: str | None) -> Consent:
    """What it says for `subject`; of somebody else's only a no counts: doubt is on the visitor's side."""
    if capsule is None:
        return NOT_STATED
    if belongs_to(capsule, subject):
        return capsule.consent
    return Consent(refused=capsule.consent.refused, at=capsule.consent.at)


def records(capsule: Capsule, site: str) -> list[Record]:
    """Its acts as records to fold, none after a no; `received` is the act's own time."""
    if refuses_personalisation(capsule):
        return []
    return [_record(act, site, capsule.subject) for act in capsule.actions]


def _record(act: RecentAction, site: str, subject: str) -> Record:
    lines = tuple(OrderLine(item, quantity) for item, quantity in act.lines)
    event = Event(id=act.id, type=act.type, time=act.time, lines=lines)
    return Record(site, subject, act.time, event, capped=act.capped)
