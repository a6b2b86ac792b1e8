"""The decision token: a compact signed record of one decision, returned when it was really seen."""

import msgspec

from hemline.model.decision import Rung
from hemline.model.errors import NotAllowed
from hemline.model.signed import sign, verify

_PURPOSE = "decision"
_RUNGS = tuple(Rung)


class Token(msgspec.Struct, frozen=True, array_like=True):
    """What was decided, from what. Everything in it follows from the facts read: no clock, no chance."""

    edition: bytes
    """First 8 bytes of the edition's digest."""
    slot: str
    rung: int
    facts: bytes
    """Digest of the facts read, 16 bytes: the ETag's own."""
    minute: int
    """Epoch minutes."""
    items: tuple[int, ...] = ()
    """Shown item indices of that edition, in order."""
    variant: str = ""
    explored: tuple[int, float] | None = None
    """(item index, propensity) of the place that chance decided, when the slot explores."""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Token)


def rung_number(rung: Rung) -> int:
    """How a token spells a rung."""
    return _RUNGS.index(rung)


def encode(token: Token, keys: tuple[bytes, ...]) -> str:
    """Signed text, about 100 bytes and 4 an item."""
    return sign(_PURPOSE, _encoder.encode(token), keys[0])


def decode(text: str, keys: tuple[bytes, ...]) -> Token:
    """Raises NotAllowed unless it is one of ours, whole and unchanged."""
    payload = verify(_PURPOSE, text, keys)
    try:
        return _decoder.decode(payload)
    except msgspec.DecodeError:
        raise NotAllowed("this decision token is of another version") from None
