"""The brake: what an operator stopped, effective at once and without a deploy; signed like the pointer.

One item of the table, beside the pointer, holds all of it. Its version only grows, so that neither a
stale read nor a restored old copy can release it.
"""

from typing import Literal

import msgspec

from hemline.model.errors import NotAllowed, Refused
from hemline.model.signed import sign, verify

Kind = Literal["freeze", "block", "place", "pin", "no-ranker", "no-exploration"]
NAMED: frozenset[Kind] = frozenset({"freeze", "block", "place", "pin"})
"""Kinds that name one thing: a slot, an item, a position, an edition (by its digest)."""
MOST_STOPS = 100
"""Bound of the brake's size: it is read every few seconds, and every decision scans it."""
_PURPOSE = "brake"


class Stop(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that is stopped, by whom, when (epoch ms) and why.

    freeze: the slot `name` shows `shows` (item ids, or one variant), else its fallback. block: the
    item `name` appears nowhere. place: the position `name` (`for-you/1`: slot, position from 1) shows
    the item of `shows`. pin: only the edition `name` may be live. no-ranker, no-exploration: for the
    whole site, without a name.
    """

    kind: Kind
    who: str
    at: int
    why: str
    name: str = ""
    shows: tuple[str, ...] = ()


class BrakeChange(msgspec.Struct, frozen=True, omit_defaults=True):
    """The change that made a version: one stop set or cleared (all cleared: kind and name empty)."""

    act: Literal["set", "clear"]
    who: str
    at: int
    why: str
    kind: str = ""
    name: str = ""


class Brake(msgspec.Struct, frozen=True, omit_defaults=True):
    """Everything that is stopped. `version` counts the changes; 0 for a site that never used its brake."""

    site: str = ""
    version: int = 0
    stops: tuple[Stop, ...] = ()
    change: BrakeChange | None = None

    def names(self, kind: Kind) -> tuple[str, ...]:
        """Names of the stops of this kind; an empty name each where the kind has none."""
        return tuple(stop.name for stop in self.stops if stop.kind == kind)

    def has(self, kind: Kind) -> bool:
        """Whether anything of this kind is stopped."""
        return any(stop.kind == kind for stop in self.stops)

    def freeze(self, slot: str) -> Stop | None:
        """The stop of this slot, when it is frozen."""
        return next((s for s in self.stops if s.kind == "freeze" and s.name == slot), None)

    def places(self, slot: str) -> tuple[tuple[int, str], ...]:
        """(position from 1, item id) of each item placed in this slot."""
        found = ((place_of(s.name), s.shows) for s in self.stops if s.kind == "place")
        return tuple((place[1], shows[0]) for place, shows in found if place[0] == slot and shows)

    @property
    def pinned(self) -> str:
        """Digest of the only edition that may be live; empty when any may."""
        return next(iter(self.names("pin")), "")

    def signed(self, key: bytes) -> str:
        """The signed text that the table holds; it is not encrypted."""
        return sign(_PURPOSE, _encode(self), key)


def place_of(name: str) -> tuple[str, int]:
    """Slot and position of a name such as `for-you/1`; position 0 for any other text."""
    slot, _, position = name.rpartition("/")
    known = position.isascii() and position.isdecimal() and len(position) <= _DIGITS
    return slot, int(position) if known else 0


_DIGITS = 3
NO_BRAKE = Brake()
_encode = msgspec.json.Encoder(order="deterministic").encode
_decoder = msgspec.json.Decoder(Brake)


def brake_of(text: str, site: str, keys: tuple[bytes, ...]) -> Brake:
    """Raises NotAllowed unless one of `keys` signed it, Refused when it is of another site or schema."""
    try:
        brake = _decoder.decode(verify(_PURPOSE, text, keys))
    except NotAllowed:
        raise
    except (msgspec.DecodeError, UnicodeError):
        raise Refused("the brake was written by another version of this code") from None
    if brake.site != site:
        raise Refused(f"the brake is of site {brake.site}, this is {site}")
    return brake
