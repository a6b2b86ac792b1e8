"""A subject's consent, tombstone and links, stored in the same item as the profile.

So the one read of a decision includes it, and the one condition of a write covers it: a profile that
was forgotten or refused in the meantime is never written.
"""

import msgspec

from hemline.model.consent import NOT_STATED, Consent
from hemline.model.errors import Refused


class SubjectStatus(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """At most 64 bytes when stored, so that profile and status fit into one 4 kB read."""

    consent: Consent = NOT_STATED
    """The effective consent: of a user with linked visitors, the strictest of them all."""
    forgotten: int = 0
    """Epoch ms: events that happened or arrived until then are forgotten; 0 for never."""
    linked: bool = False
    """Whether the item `links` must be read: the events belong to another subject too."""


DEFAULT_STATUS = SubjectStatus()
"""The status of a subject without any statement."""
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(SubjectStatus)


def encode_status(standing: SubjectStatus) -> bytes:
    """The stored bytes; empty for DEFAULT_STATUS, which most people have."""
    return b"" if standing == DEFAULT_STATUS else _encoder.encode(standing)


def decode_status(data: bytes) -> SubjectStatus:
    """Raises Refused when the bytes are no subject status."""
    try:
        return _decoder.decode(data) if data else DEFAULT_STATUS
    except msgspec.DecodeError:
        raise Refused("a stored subject status is unreadable") from None


class Links(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """A visitor's users, or a user's visitors (bare ids)."""

    on: tuple[str, ...] = ()
    """Linked now."""
    cut: tuple[str, ...] = ()
    """Were linked and are not any more: a late or repeated `identify` must not link them again."""


def encode_links(links: Links) -> bytes:
    """The stored bytes, sorted: equal links give equal bytes."""
    ordered = Links(tuple(sorted(set(links.on))), tuple(sorted(set(links.cut))))
    return _encoder.encode(ordered)


def decode_links(data: bytes) -> Links:
    """Raises Refused when the bytes are no links."""
    try:
        return msgspec.msgpack.decode(data, type=Links) if data else Links()
    except msgspec.DecodeError:
        raise Refused("the stored links of a profile are unreadable") from None
