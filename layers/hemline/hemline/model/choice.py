"""What is known of how a slot's variants do: as a publish counts it, and as an edition keeps it.

Rates are goals per exposure, 0 to 1, drawn to what is known of the whole slot where little is known
of the variant. Knows neither how they were counted nor who reads them.
"""

from collections.abc import Mapping
from enum import IntEnum

import msgspec

SECTION = "choices"


class Match(IntEnum):
    """How a variant stands to the categories of who is asked; it stands in tokens: append only."""

    NONE = 0
    """None of the variants that may be shown speaks for one of theirs."""
    OTHER = 1
    """Another one speaks for their own category."""
    OWN = 2
    """It speaks for their own: the dearest that a variant speaks for."""


class Estimate(msgspec.Struct, frozen=True, omit_defaults=True):
    """One variant of a slot."""

    rate: float
    """Shown to those of whom it is not the own category."""
    own: float
    """Shown to those of whom it is."""
    exposures: float = 0.0
    """What both rest on: effective, decayed."""


class Evidence(msgspec.Struct, frozen=True, omit_defaults=True):
    """One slot. `goal` is the event that was counted."""

    goal: str
    mean: float
    """Of all variants: what one has of which nothing is known."""
    own: float
    """The same, shown to those of whom it is the own category."""
    variants: dict[str, Estimate]
    devices: dict[str, dict[str, float]] = {}
    """Device class → variant → how many times better it does there; classes with enough evidence."""

    def of(self, variant: str) -> Estimate:
        """Its own, or what is taken for it."""
        return self.variants.get(variant) or Estimate(self.mean, self.own)


_decoder = msgspec.json.Decoder(dict[str, Evidence])


def encode(found: Mapping[str, Evidence]) -> bytes:
    """The same evidence gives the same bytes."""
    return msgspec.json.encode(found, order="deterministic")


def decode(data: memoryview) -> dict[str, Evidence]:
    """Slot → evidence; empty without a section. Raises msgspec.DecodeError."""
    return _decoder.decode(data) if data else {}
