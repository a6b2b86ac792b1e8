"""The brake: what an operator stops by hand, at once, without a deploy; signed like the pointer.

One item of the table beside the pointer holds all of it. Its version only grows, so that neither a
stale read nor an old copy that somebody puts back can release it.
"""

from typing import Literal

import msgspec

from hemline.model.errors import NotAllowed, Refused
from hemline.model.signed import sign, verify

Kind = Literal["freeze", "block", "place", "pin", "no-ranker", "no-exploration"]
NAMED: frozenset[Kind] = frozenset({"freeze", "block", "place", "pin"})
"""Those that are of one thing by name: a slot, an item, a position, an edition (its digest)."""
MOST_STOPS = 100
"""It travels with a decision's read every few seconds, and every decision looks through it."""
_PURPOSE = "brake"


class Stop(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that is stopped, by whom, when (epoch ms) and why.

    freeze: the slot `name` shows `shows` (item ids, or one variant), else its fallback. block: the
    item `name` appears nowhere. place: at the position `name` (`for-you/1`: slot, and from 1) stands
    the item of `shows`. pin: the edition `name` and no other. no-ranker, no-exploration: of
    the whole site.
    """

    kind: Kind
    who: str
    at: int
    why: str
    name: str = ""
    shows: tuple[str, ...] = ()


class BrakeChange(msgspec.Struct, frozen=True, omit_defaults=True):
    """What made a version: one stop set or cleared (`all` cleared: kind and name empty)."""

    act: Literal["set", "clear"]
    who: str
    at: int
    why: str
    kind: str = ""
    name: str = ""


class Brake(msgspec.Struct, frozen=True, omit_defaults=True):
    """All that is stopped. `version` counts the changes; 0 is a site whose brake was never touched."""

    site: str = ""
    version: int = 0
    stops: tuple[Stop, ...] = ()
    change: BrakeChange | None = None

    def names(self, kind: Kind) -> tuple[str, ...]:
        """What is stopped of this kind; one empty name where the kind has none."""
        return tuple(stop.name for stop in self.stops if stop.kind == kind)

    def has(self, kind: Kind) -> bool:
        """Whether anything of this kind is stopped."""
        return any(stop.kind == kind for stop in self.stops)

    def freeze(self, slot: str) -> Stop | None:
        """The stop of this slot, when it is frozen."""
        return next((s for s in self.stops if s.kind == "freeze" and s.name == slot), None)

    def places(self, slot: str) -> tuple[tuple[int, str], ...]:
        """(position from 1, item id) of what is placed in this slot."""
        found = ((place_of(s.name), s.shows) for s in self.stops if s.kind == "place")
        return tuple((place[1], shows[0]) for place, shows in found if place[0] == slot and shows)

    @property
    def pinned(self) -> str:
        """The digest of the only edition that may be live, empty when any may."""
        return next(iter(self.names("pin")), "")

    def signed(self, key: bytes) -> str:
        """As the table holds it: readable by anybody who has it, made by nobody without the key."""
        return sign(_PURPOSE, _encode(self), key)


def place_of(name: str) -> tuple[str, int]:
    """Slot and position of a place's name; position 0 for what is no such name."""
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
        raise Refused("the brake is of another version of this code") from None
    if brake.site != site:
        raise Refused(f"the brake is of site {brake.site}, this is {site}")
    return brake
