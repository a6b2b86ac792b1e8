"""What every reader of a decision token checks first: ours, whole, of this site, not too old.

The token itself is read in `decide.token`; the door knows no more of it than this. Knows no clock.
"""

from functools import cache
from hashlib import blake2b

import msgspec

from hemline.model.errors import NotAllowed
from hemline.model.signed import unsigned, verify

PURPOSE = "decision"
KEPT_DAYS = 90
"""How long a receipt can be asked about, and what was shown confirmed."""
_MINUTES_A_DAY = 24 * 60
CAPPED = 4
"""Beside the rung."""


class Head(msgspec.Struct, frozen=True, array_like=True):
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


_decoder = msgspec.msgpack.Decoder(Head)


def claimed(text: str) -> Head | None:
    """What a token says, unverified: of those that the door let in. None when it says nothing."""
    try:
        return _decoder.decode(unsigned(text))
    except (msgspec.DecodeError, ValueError):
        return None


def capped_slot(payload: bytes) -> str:
    """The slot whose cap a fragment counts towards, by the payload of its token; or nothing."""
    head = _decoder.decode(payload)
    return head.slot if head.rung & CAPPED else ""


@cache
def site_mark(site: str) -> bytes:
    """How a token spells its site."""
    return blake2b(site.encode(), digest_size=4).digest()


def checked(text: str, keys: tuple[bytes, ...], *, site: str = "", now: int | None = None) -> bytes:
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
    age = 0 if now is None else (now // 60_000 - head.minute) // _MINUTES_A_DAY
    if age > KEPT_DAYS:
        raise NotAllowed(
            f"this decision token is {age} days old; receipts are kept for {KEPT_DAYS} days"
        )
    return payload
