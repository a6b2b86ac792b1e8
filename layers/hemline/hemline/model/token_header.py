"""What every reader of a decision token checks first: ours, whole, of this site, not too old.

The token itself is read in `decide.token`; the door knows no more of it than this. Knows no clock.
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
"""How long a receipt can be asked about, and what was shown confirmed."""
CAPPED = 4
"""Beside the rung."""


class TokenHeader(msgspec.Struct, frozen=True, array_like=True):
    """How `decide.token.Token` begins: as much of it as the door looks at."""

    edition: bytes
    """First 8 bytes of the edition's digest."""
    slot: str
    rung: int
    """Step of the ladder, 0 to 3; and CAPPED when it counts towards its slot's frequency cap."""
    facts: bytes
    """Digest of the facts read, 16 bytes: the ETag's own."""
    minute: int
    """Epoch minutes."""
    items: tuple[int, ...] = ()
    """Shown item indices of that edition, in order."""
    variant: str = ""
    explored: tuple[int, float] | None = None
    """(item index, propensity) of the place that chance decided, when the slot explores.

    Of a variant: how it matches the visitor's categories (`model.choice.Match`), and how likely it was
    to be shown; None where rules, conditions or the categories alone chose it.
    """
    site: bytes = b""
    """First 4 bytes of the site's hash."""


class Owner(msgspec.Struct, frozen=True, array_like=True):
    """How `decide.token.Whose` begins."""

    flags: int = 0
    who: bytes = b""
    """Keyed hash of the subject, 8 bytes; empty where nobody was known, or let themselves be."""


_SKIPPED = msgspec.Raw(b"\xc0")


class Bound(TokenHeader, frozen=True, array_like=True):
    """A whole token, of which the door reads to what and to whom it is bound."""

    body: msgspec.Raw = _SKIPPED
    form: msgspec.Raw = _SKIPPED
    broken: msgspec.Raw = _SKIPPED
    request: msgspec.Raw = _SKIPPED
    whose: Owner | None = None
    """None of a fragment that everybody gets."""
    shown: bytes | None = None
    """A mark of each item that was shown; None of other slots than lists, and before there were any."""

    @property
    def who(self) -> bytes:
        """Whom it was given to; nothing where anybody may have it."""
        return self.whose.who if self.whose else b""

    @property
    def capped(self) -> str:
        """The slot whose frequency cap its fragment counts towards, or nothing."""
        return self.slot if self.rung & CAPPED else ""

    def holds(self, item: str) -> bool:
        """Whether it was shown; yes to all where the token does not say."""
        if self.shown is None:
            return True
        mark = _item_mark(item)
        return any(mark == self.shown[at : at + _MARK] for at in range(0, len(self.shown), _MARK))


_MARK = 3
"""Bytes of an item: one item in 1.7 million passes for one of ten that were shown."""
_decoder = msgspec.msgpack.Decoder(TokenHeader)
_bound = msgspec.msgpack.Decoder(Bound)


def item_marks(items: Iterable[str]) -> bytes:
    """What `Bound.holds` looks in."""
    return b"".join(map(_item_mark, items))


@lru_cache(maxsize=1 << 14)
def _item_mark(item: str) -> bytes:
    return hash64(item).to_bytes(8, "little")[:_MARK]


def who(subject: str, key: bytes) -> bytes:
    """A subject as a token knows it: nobody without the key can try names out."""
    return hmac.digest(key, b"who\0" + subject.encode(), "sha256")[:8]


def bound(payload: bytes) -> Bound:
    """Of a payload that was `checked`. Raises NotAllowed when the rest of it is of another version."""
    try:
        return _bound.decode(payload)
    except (msgspec.DecodeError, UnicodeError):
        raise NotAllowed("this decision token is of another version") from None


def peek(text: str) -> TokenHeader | None:
    """What a token says, unverified: of those that the door let in. None when it says nothing."""
    try:
        return _decoder.decode(unsigned(text))
    except (msgspec.DecodeError, ValueError):
        return None


@cache
def site_mark(site: str) -> bytes:
    """How a token spells its site."""
    return blake2b(site.encode(), digest_size=4).digest()


def verify_header(
    text: str, keys: tuple[bytes, ...], *, site: str = "", now: int | None = None
) -> bytes:
    """The payload. Raises NotAllowed, in one sentence, unless it is one of ours, of `site`, not too old.

    `now` in epoch ms; without it no age is too old.
    """
    payload = verify(PURPOSE, text, keys)
    try:
        head = _decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeError):
        raise NotAllowed("this decision token is of another version") from None
    if site and head.site != site_mark(site):
        raise NotAllowed(f"this decision token is of another site than {site}")
    age = 0 if now is None else (now // MINUTE_MS - head.minute) // DAY_MINUTES
    if age > KEPT_DAYS:
        raise NotAllowed(
            f"this decision token is {age} days old; receipts are kept for {KEPT_DAYS} days"
        )
    return payload
