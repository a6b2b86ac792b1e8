"""The decision token: a compact signed record of one decision, returned when it was really seen.

It holds what is needed to find everything that the decision read, and no personal data:
the visitor is a keyed hash, the profile a digest and the places in the stream where it stood.
Knows no clock and no storage; `usecases.receipts.receipts` loads what it points to.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from hemline.decide.facts.facts import Facts, TracedRead
from hemline.decide.facts.snapshot import Snapshot
from hemline.model.decision import Rung, SlotRequest
from hemline.model.errors import NotAllowed
from hemline.model.signed import sign
from hemline.model.token_header import (
    CAPPED,
    KEPT_DAYS,
    PURPOSE,
    TokenHeader,
    item_fingerprints,
    site_fingerprint,
    subject_hash,
    verify_header,
)

__all__ = ["KEPT_DAYS", "item_fingerprints", "site_fingerprint", "subject_hash"]

MAX_CHARACTERS = 920
"""Of fifty items of a catalogue of millions; a token with all that was asked in it has at most 700."""
CONSENTED, KNOWN, UNREAD = 1, 2, 4
"""Flags of a `SubjectReference`:

visitor facts were present; the visitor was known; the profile was not readable."""

_RUNGS = tuple(Rung)
_SIGNATURE = 23  # a dot and 16 bytes in base64
_MOST_BYTES = (700 - _SIGNATURE) * 3 // 4
_NAMES = (
    "page.type",
    "page.url",
    "page.item",
    "page.category",
    "page.cart",
    "trait.country",
    "trait.device",
    "trait.language",
    "site.brake",
    "page.owned",
    "page.seen",
)
"""Fact names that a token spells as a number. Append only: issued tokens depend on it."""
_NUMBERS = {name: number for number, name in enumerate(_NAMES)}
_BRAKE = _NUMBERS["site.brake"]
_OWN = 7
"""Bytes of a request's digest; a brake's has one more."""
_FIELDS = SlotRequest.__struct_fields__[1:]
_DEFAULTS = tuple(getattr(SlotRequest(""), field) for field in _FIELDS)
_LISTED_AT = 1 + _FIELDS.index("candidates")
_NONE_OF_THEM = [-1]
UNHEARD_OF = ""
"""Stands for ids that the edition does not have: no item has an empty id."""

Given = tuple[int | str, bytes]
"""A fact of the request that was read (its name or its number) and its fingerprint, the value as JSON.

Empty for a list that the page sent and that must not be read, for lack of consent.
"""
_TOLD = frozenset({"page.owned", "page.seen"})
"""Read only where the page sends them: that it did is part of the request."""
EncodedRequest = tuple[object, ...]
"""A slot's position in the edition, then the request's fields; ids as item indices."""


class RecordedRequest(msgspec.Struct, frozen=True, array_like=True):
    """As much of the request as the decision read."""

    given: tuple[Given, ...] = ()
    wants: tuple[EncodedRequest, ...] = ()
    """Slots of the page that showed items before, in the order decided, and the slot itself."""


class SubjectReference(msgspec.Struct, frozen=True, array_like=True):
    """Who asked, and how to find the profile as it was; no name, no history."""

    flags: int = 0
    who: bytes = b""
    """Keyed hash of the subject, 8 bytes."""
    state: bytes = b""
    """Digest of the profile with the capsule's acts in it, 8 bytes."""
    watermarks: bytes = b""
    """4 bytes for each shard: hash of its name and the last sequence number that was folded in."""
    acts: bytes = b""
    """4 bytes for each act of the capsule."""


class Token(TokenHeader, frozen=True, array_like=True):
    """What was decided, from what. Everything in it follows from the facts read: no clock, no chance."""

    body: bytes = b""
    """Digest of the fragment but for this token, 8 bytes."""
    form: str = "json"
    broken: int = 0
    """A bit for each of `request.wants`: its ranker failed or was late, which no fact records."""
    request: RecordedRequest | bytes = b""
    """The request; where it does not fit, a replay needs it as input and only a digest is kept.

    8 bytes: digest of the brake, which the caller of a replay cannot know. 7 bytes: digest of the request,
    where nothing was ever stopped. A replay with another request is detected by `facts`.
    """
    whose: SubjectReference | None = None
    """None when no fact of the visitor was read."""
    shown: bytes | None = None
    """`item_marks` of what a list showed, since the collect endpoint has no edition; None for other slots.

    Also None in tokens from before this field: items sent with those are not checked.
    """


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Token)


def rung_number(rung: Rung, *, capped: bool = False) -> int:
    """How a token spells a rung, and that it counts towards its slot's frequency cap."""
    return _RUNGS.index(rung) | CAPPED * capped


def short(data: bytes, size: int = 8) -> bytes:
    """Digest of `data`, `size` bytes."""
    return hashlib.blake2b(data, digest_size=size).digest()


def encode(token: Token, keys: tuple[bytes, ...]) -> str:
    """Signed text, at most MAX_CHARACTERS: a request that takes it over 700 becomes its digest."""
    return sign(PURPOSE, _payload(token), keys[0])


def _payload(token: Token) -> bytes:
    if not isinstance(token.request, RecordedRequest):
        return _encoder.encode(token)
    request = _encoder.encode(token.request)
    # A request that is too long by itself need not be encoded with the rest.
    if len(request) <= _MOST_BYTES:
        payload = _encoder.encode(token)
        if len(payload) <= _MOST_BYTES:
            return payload
    return _encoder.encode(
        msgspec.structs.replace(token, request=stopped_of(token.request) or short(request, _OWN))
    )


def stopped_of(request: RecordedRequest | bytes) -> bytes:
    """Digest of what was stopped by the brake, 8 bytes; empty when it was never touched."""
    if isinstance(request, RecordedRequest):
        return next((mark for name, mark in request.given if name == _BRAKE), b"")
    return b"" if len(request) == _OWN else request


def decode(text: str, keys: tuple[bytes, ...], *, site: str = "", now: int | None = None) -> Token:
    """Raises NotAllowed, in one sentence, unless it is one of ours, whole, of `site`, and not too old.

    `now` in epoch ms; without it no age is too old.
    """
    try:
        return _decoder.decode(verify_header(text, keys, site=site, now=now))
    except (msgspec.DecodeError, UnicodeError):
        raise NotAllowed("this decision token is of another version") from None


def given_of(trace: Sequence[TracedRead]) -> tuple[Given, ...]:
    """The facts that came with the request, of all that was read; the visitor's and the clock's not.

    Facts of the site (who stopped what, and why) become a digest: visitors must not read them.
    """
    return tuple(
        (
            _NUMBERS.get(r.name, r.name),
            short(r.fingerprint) if r.name.startswith("site.") else r.fingerprint,
        )
        for r in trace
        if not r.name.startswith(("visitor.", "clock.")) and (r.fingerprint or r.name in _TOLD)
    )


def fact_name(spelled: int | str) -> str:
    """The fact that a `Given` names. Raises NotAllowed for a number of a later version."""
    if isinstance(spelled, str):
        return spelled
    if not 0 <= spelled < len(_NAMES):
        raise NotAllowed("this decision token is of another version")
    return _NAMES[spelled]


def encode_request(snapshot: Snapshot, request: SlotRequest) -> EncodedRequest:
    """A slot's request in as few bytes as it takes; defaults at the end are left out."""
    values = [getattr(request, field) for field in _FIELDS]
    while values and values[-1] == _DEFAULTS[len(values) - 1]:
        values.pop()
    return (snapshot.slot_index[request.name], *(_indices(snapshot, value) for value in values))


def listed_in(want: EncodedRequest) -> Sequence[int]:
    """Item indices of the candidates that a request names: those that the edition has."""
    found = want[_LISTED_AT] if len(want) > _LISTED_AT else ()
    return found if isinstance(found, list) and found != _NONE_OF_THEM else ()


def _indices(snapshot: Snapshot, value: object) -> object:
    # Ids were named but the edition has none of them: not the same as no ids named.
    if not isinstance(value, tuple) or not value:
        return value
    return [i for i in map(snapshot.index.get, value) if i is not None] or _NONE_OF_THEM


def request_of(snapshot: Snapshot, want: EncodedRequest) -> SlotRequest:
    """The request that `encode_request` was made from, but for ids that the edition does not have."""
    position, *values = want
    name = snapshot.header.slots[int(str(position))].name
    found = {field: _named(snapshot, value) for field, value in zip(_FIELDS, values, strict=False)}
    return msgspec.convert({"name": name, **found}, SlotRequest)


def _named(snapshot: Snapshot, value: object) -> object:
    if not isinstance(value, (list, tuple)):
        return value
    return tuple(snapshot.item_ids[i] if i >= 0 else UNHEARD_OF for i in value)


class TokenContext(NamedTuple):
    """What tokens of one page are made with."""

    keys: tuple[bytes, ...]
    whose: Callable[[], SubjectReference] = SubjectReference
    """Called only after a visitor fact was read."""
    read: Callable[[str, Facts], None] | None = None
    """Observer of the facts that each slot read, for explanations; else None."""
    counts: bool = True
    """Whether answers carry a token; an exposure without one is never counted."""
