"""What a visitor agreed to, by purpose, and what holds for one who said nothing. Knows no clock."""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

import msgspec


class Purpose(StrEnum):
    """What data may be used for; the necessary (a cart, this very choice) needs no consent."""

    ANALYTICS = "analytics"
    """The archive and the statistics that everybody's answers are made from."""
    PERSONALISATION = "personalisation"
    """The profile, and every visitor fact of a decision."""
    MESSAGING = "messaging"
    """Push, email and other messages."""


BITS = {purpose: 1 << at for at, purpose in enumerate(Purpose)}
"""Purpose → its bit where purposes are packed. Append only: stored consents depend on it."""
EVERYTHING = sum(BITS.values())
DEFAULTS = (Purpose.ANALYTICS, Purpose.PERSONALISATION)
"""What a site may hold as agreed before it was asked; messages are asked for, always."""


class Consent(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """One statement: bits of what was granted and refused; what is in neither was never said."""

    granted: int = 0
    refused: int = 0
    at: int = 0
    """Server time of the statement, epoch ms; 0 when nothing was ever said."""

    @property
    def said(self) -> bool:
        """Anything at all."""
        return bool(self.granted | self.refused)

    def states(self, purpose: Purpose) -> bool | None:
        """Yes, no, or None for never said."""
        bit = BITS[purpose]
        if self.refused & bit:
            return False
        return True if self.granted & bit else None


UNSAID = Consent()
NO = Consent(refused=EVERYTHING)
"""To everything, as a browser's opt-out says."""


class Policy(NamedTuple):
    """What a site holds for visitors who said nothing; messaging is never held as agreed."""

    default: bool = True
    exceptions: frozenset[str] = frozenset()
    """Countries (ISO 3166-1) where the opposite of the default holds."""
    honours_dnt: bool = False
    """Whether `DNT: 1` counts as a no to everything, as `Sec-GPC: 1` always does."""

    def unsaid(self, purpose: Purpose, country: str) -> bool:
        """What holds for a purpose that was never spoken of.

        From a country that nobody knows the stricter of the two holds: doubt is on the visitor's side.
        """
        if not country and self.exceptions:
            return False
        return purpose in DEFAULTS and self.default != (country in self.exceptions)


class ConsentRules(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a site file says of consent beside its default."""

    exceptions: tuple[str, ...] = ()
    """Countries where the opposite of the default holds, sorted."""
    honour_dnt: bool = False

    def policy(self, *, default: bool) -> Policy:
        """As a decision asks it."""
        return Policy(default, frozenset(self.exceptions), self.honour_dnt)


def allowed(consent: Consent, policy: Policy, country: str) -> tuple[Purpose, ...]:
    """The purposes that data of this visitor may be used for now, in the order of Purpose."""
    stated = ((purpose, consent.states(purpose)) for purpose in Purpose)
    return tuple(p for p, yes in stated if (policy.unsaid(p, country) if yes is None else yes))


def say(choices: Iterable[tuple[Purpose, bool]], before: Consent, at: int) -> Consent:
    """`before` with these choices in it, as said at `at` (epoch ms)."""
    granted, refused = before.granted, before.refused
    for purpose, yes in choices:
        bit = BITS[purpose]
        granted, refused = (
            (granted | bit, refused & ~bit) if yes else (granted & ~bit, refused | bit)
        )
    return Consent(granted, refused, at)


def later(one: Consent, other: Consent) -> Consent:
    """Of two statements of the same person the newer one; of the same instant the stricter."""
    if one.at == other.at:
        return strictest((one, other))
    return max(one, other, key=lambda consent: consent.at)


def strictest(consents: Iterable[Consent]) -> Consent:
    """Of several people who are one: a no of anyone counts, then a yes. Any order, any repeats."""
    granted = refused = at = 0
    for consent in consents:
        granted, refused = granted | consent.granted, refused | consent.refused
        at = max(at, consent.at)
    return Consent(granted & ~refused, refused, at)
