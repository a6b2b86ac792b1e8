"""Estimates of how a slot's variants perform, as a publish writes them into an edition.

Rates are goals per exposure, 0 to 1, shrunk to the slot's mean where a variant has little evidence.
Knows neither how they were counted nor who reads them.
"""

from collections.abc import Mapping
from enum import IntEnum

import msgspec

SECTION = "choices"


class Match(IntEnum):
    """How a variant matches the visitor's categories. Tokens hold the number: append only."""

    NONE = 0
    """No variant that may be shown is for one of the visitor's categories."""
    OTHER = 1
    """Another variant is for the visitor's own category."""
    OWN = 2
    """It is for the visitor's own category: the favourite among those that variants are for."""


class Estimate(msgspec.Struct, frozen=True, omit_defaults=True):
    """One variant of a slot."""

    rate: float
    """Goal rate among visitors whose own category it is not."""
    own: float
    """Goal rate among visitors whose own category it is."""
    exposures: float = 0.0
    """Effective number of exposures behind both rates, decayed."""


class Evidence(msgspec.Struct, frozen=True, omit_defaults=True):
    """The estimates of one slot."""

    goal: str
    """Type of the event that was counted."""
    mean: float
    """Rate of all variants together; also of a variant without evidence."""
    own: float
    """The same among visitors whose own category it is."""
    variants: dict[str, Estimate]
    devices: dict[str, dict[str, float]] = {}
    """Device class → variant → factor on its rate there; only classes with enough evidence."""

    def of(self, variant: str) -> Estimate:
        """The variant's estimate, or the slot's mean without evidence."""
        return self.variants.get(variant) or Estimate(self.mean, self.own)


_decoder = msgspec.json.Decoder(dict[str, Evidence])


def encode(found: Mapping[str, Evidence]) -> bytes:
    """The same evidence gives the same bytes."""
    return msgspec.json.encode(found, order="deterministic")


def decode(data: memoryview) -> dict[str, Evidence]:
    """Slot → evidence; empty without a section. Raises msgspec.DecodeError."""
    return _decoder.decode(data) if data else {}
