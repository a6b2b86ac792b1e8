"""What holds for a person beside their profile, in the same item: consent, being forgotten, links.

It lies beside the profile so that the one read of a decision brings it along, and so that the one
condition of a write covers it: a profile that was forgotten or refused meanwhile is never written.
"""

import msgspec

from hemline.model.consent import NOT_STATED, Consent
from hemline.model.errors import Refused


class SubjectStatus(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """At most 64 bytes as it is stored, so that profile and standing stay within one 4 kB read."""

    consent: Consent = NOT_STATED
    """As it counts: of a user with linked visitors, the strictest of them all."""
    forgotten: int = 0
    """Epoch ms: what happened or arrived until then is forgotten; 0 for never."""
    linked: bool = False
    """The person's links (item `links`) must be looked at: events belong to somebody else too."""


DEFAULT_STATUS = SubjectStatus()
"""Of somebody about whom nothing was ever stated."""
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(SubjectStatus)


def encode_status(standing: SubjectStatus) -> bytes:
    """Empty for the fresh one: most people never state anything."""
    return b"" if standing == DEFAULT_STATUS else _encoder.encode(standing)


def decode_status(data: bytes) -> SubjectStatus:
    """Raises Refused when it is of another form."""
    try:
        return _decoder.decode(data) if data else DEFAULT_STATUS
    except msgspec.DecodeError:
        raise Refused("what stands beside a profile is of another form") from None


class Links(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """Who is one person: a visitor's users (bare ids), or a user's visitors, each on or cut."""

    on: tuple[str, ...] = ()
    cut: tuple[str, ...] = ()
    """Were linked and are no more: an `identify` that comes late or again must not undo that."""


def encode_links(links: Links) -> bytes:
    """Sorted, so that equal links are equal bytes."""
    ordered = Links(tuple(sorted(set(links.on))), tuple(sorted(set(links.cut))))
    return _encoder.encode(ordered)


def decode_links(data: bytes) -> Links:
    """Raises Refused when it is of another form."""
    try:
        return msgspec.msgpack.decode(data, type=Links) if data else Links()
    except msgspec.DecodeError:
        raise Refused("the links of a profile are of another form") from None
