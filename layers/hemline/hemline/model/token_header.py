"""The first checks of a decision token: signature, format, site and age.

`decide.token` reads the rest; the collect endpoint needs only what is here. Knows no clock.
"""

import hmac
from collections.abc import Iterable
from functools import cache, lru_cache
from hashlib import blake2b

import msgspec

from hemline.model.durations import DAY_MINUTES, MINUTE_MS
from hemline.model.errors import NotAllowed
from hemline.model.ids import hash64
from hemline.model.signed import unsigned, verify

PURPOSE = "decision"
KEPT_DAYS = 90
"""Age at which a token is refused: receipts and exposures need a younger one."""
_MINUTES_A_DAY = 24 * 60
CAPPED = 4
"""Bit in `TokenHeader.rung`."""


class TokenHeader(msgspec.Struct, frozen=True, array_like=True):
    """The first members of `decide.token.Token`, which the collect endpoint reads."""

    edition: bytes
    """First 8 bytes of the edition's digest."""
    slot: str
    rung: int
    """Step of the ladder, 0 to 3, plus CAPPED when it counts towards its slot's frequency cap."""
    facts: bytes
    """Digest of the facts read, 16 bytes; the ETag uses it too."""
    minute: int
    """Time of the decision, epoch minutes."""
    items: tuple[int, ...] = ()
    """Shown item indices of that edition, in order."""
    variant: str = ""
    """Name of the shown variant; empty for lists."""
    explored: tuple[int, float] | None = None
    """Lists: (item index, propensity) of the place that chance decided, when the slot explores.

    Variants: (`model.choice.Match`, propensity); None when rules, conditions or categories alone chose.
    """
    site: bytes = b""
    """First 4 bytes of the site's hash."""


class Owner(msgspec.Struct, frozen=True, array_like=True):
    """The first members of `decide.token.SubjectReference`."""

    flags: int = 0
    who: bytes = b""
    """`subject_hash`, 8 bytes; empty when the subject was unknown or did not consent."""


_SKIPPED = msgspec.Raw(b"\xc0")


class BoundToken(TokenHeader, frozen=True, array_like=True):
    """A whole token, of which only the binding to slot, items and subject is decoded."""

    body: msgspec.Raw = _SKIPPED
    form: msgspec.Raw = _SKIPPED
    broken: msgspec.Raw = _SKIPPED
    request: msgspec.Raw = _SKIPPED
    whose: Owner | None = None
    """None for a fragment that is the same for everybody."""
    shown: bytes | None = None
    """Fingerprints of the items of a list; None for other slots and for tokens of earlier versions."""

    @property
    def who(self) -> bytes:
        """Hash of the subject that it was given to; empty when anybody may have it."""
        return self.whose.who if self.whose else b""

    @property
    def capped(self) -> str:
        """The slot whose frequency cap its fragment counts towards, else empty."""
        return self.slot if self.rung & CAPPED else ""

    def has_item(self, item: str) -> bool:
        """Whether the item was shown; always true when the token has no fingerprints."""
        if self.shown is None:
            return True
        wanted, size = _item_fingerprint(item), _FINGERPRINT
        return any(wanted == self.shown[at : at + size] for at in range(0, len(self.shown), size))


_FINGERPRINT = 3
"""Bytes an item: a false match with one of ten shown items has a chance of 1 in 1.7 million."""
_decoder = msgspec.msgpack.Decoder(TokenHeader)
_bound = msgspec.msgpack.Decoder(BoundToken)


def item_fingerprints(items: Iterable[str]) -> bytes:
    """What `Bound.holds` looks in."""
    return b"".join(map(_item_fingerprint, items))


@lru_cache(maxsize=1 << 14)
def _item_fingerprint(item: str) -> bytes:
    return hash64(item).to_bytes(8, "little")[:_FINGERPRINT]


def subject_hash(subject: str, key: bytes) -> bytes:
    """A subject as tokens hold it. Keyed, so that nobody without the key can test guesses."""
    return hmac.digest(key, b"who\0" + subject.encode(), "sha256")[:8]


def decode_bound(payload: bytes) -> BoundToken:
    """Decodes a payload from `verify_header`. Raises NotAllowed when the rest is of another version."""
    try:
        return _bound.decode(payload)
    except (msgspec.DecodeError, UnicodeError):
        raise NotAllowed("this decision token is of another version") from None


def peek(text: str) -> TokenHeader | None:
    """A token's header without verification, for tokens that collect verified. None when unreadable."""
    try:
        return _decoder.decode(unsigned(text))
    except (msgspec.DecodeError, ValueError):
        return None


@cache
def site_fingerprint(site: str) -> bytes:
    """The field `site` of a token, 4 bytes."""
    return blake2b(site.encode(), digest_size=4).digest()


def verify_header(
    text: str, keys: tuple[bytes, ...], *, site: str = "", now: int | None = None
) -> bytes:
    """The payload. Raises NotAllowed unless the signature, the format, `site` and the age are right.

    `now` in epoch ms; without it the age is not checked.
    """
    payload = verify(PURPOSE, text, keys)
    try:
        head = _decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeError):
        raise NotAllowed("this decision token is of another version") from None
    if site and head.site != site_fingerprint(site):
        raise NotAllowed(f"this decision token is of another site than {site}")
    age = 0 if now is None else (now // MINUTE_MS - head.minute) // DAY_MINUTES
    if age > KEPT_DAYS:
        raise NotAllowed(
            f"this decision token is {age} days old; receipts are kept for {KEPT_DAYS} days"
        )
    return payload
