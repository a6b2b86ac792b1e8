"""A visitor's consent by purpose, and the site's policy where there is none. Knows no clock."""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

import msgspec


class Purpose(StrEnum):
    """What data may be used for. Necessary uses (a cart, this choice itself) need no consent."""

    ANALYTICS = "analytics"
    """The archive, and the statistics behind everybody's answers."""
    PERSONALISATION = "personalisation"
    """The profile, and every visitor fact of a decision."""
    MESSAGING = "messaging"
    """Push, email and other messages."""


BITS = {purpose: 1 << at for at, purpose in enumerate(Purpose)}
"""Purpose → its bit where purposes are packed. Append only: stored consents depend on it."""
EVERYTHING = sum(BITS.values())
DEFAULTS = (Purpose.ANALYTICS, Purpose.PERSONALISATION)
"""Purposes that a site may assume before it has asked; messaging always needs an explicit consent."""


class Consent(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """A visitor's statement: bits of granted and refused purposes; a purpose in neither is not stated."""

    granted: int = 0
    refused: int = 0
    at: int = 0
    """Server time of the statement, epoch ms; 0 without one."""

    def states(self, purpose: Purpose) -> bool | None:
        """True when granted, False when refused, None when not stated."""
        bit = BITS[purpose]
        if self.refused & bit:
            return False
        return True if self.granted & bit else None


NOT_STATED = Consent()
NO = Consent(refused=EVERYTHING)
"""Refuses every purpose, as a browser's opt-out signal does."""


class Policy(NamedTuple):
    """What a site assumes for visitors without a statement; never messaging."""

    default: bool = True
    exceptions: frozenset[str] = frozenset()
    """Countries (ISO 3166-1) where the opposite of the default holds."""
    honours_dnt: bool = False
    """Whether `DNT: 1` refuses everything, as `Sec-GPC: 1` always does."""

    def when_not_stated(self, purpose: Purpose, country: str) -> bool:
        """Whether a purpose without a statement is allowed.

        With an unknown country, where there are exceptions, it is not: the stricter of the two holds.
        """
        if not country and self.exceptions:
            return False
        return purpose in DEFAULTS and self.default != (country in self.exceptions)


class ConsentRules(msgspec.Struct, frozen=True, omit_defaults=True):
    """The site file's settings of consent, without the default."""

    exceptions: tuple[str, ...] = ()
    """Countries where the opposite of the default holds, sorted."""
    honour_dnt: bool = False

    def policy(self, *, default: bool) -> Policy:
        """The policy that decisions and collect apply."""
        return Policy(default, frozenset(self.exceptions), self.honour_dnt)


def allowed(consent: Consent, policy: Policy, country: str) -> tuple[Purpose, ...]:
    """The purposes that this visitor's data may be used for, in the order of Purpose."""
    stated = ((purpose, consent.states(purpose)) for purpose in Purpose)
    return tuple(
        p for p, yes in stated if (policy.when_not_stated(p, country) if yes is None else yes)
    )


def with_choices(choices: Iterable[tuple[Purpose, bool]], before: Consent, at: int) -> Consent:
    """`before` with these choices applied, stated at `at` (epoch ms); other purposes stay."""
    granted, refused = before.granted, before.refused
    for purpose, yes in choices:
        bit = BITS[purpose]
        granted, refused = (
            (granted | bit, refused & ~bit) if yes else (granted & ~bit, refused | bit)
        )
    return Consent(granted, refused, at)


def later(one: Consent, other: Consent) -> Consent:
    """The newer of two statements of one person; of the same instant, the stricter."""
    if one.at == other.at:
        return strictest((one, other))
    return max(one, other, key=lambda consent: consent.at)


def strictest(consents: Iterable[Consent]) -> Consent:
    """Consent of linked subjects: any refusal wins, then any grant. Order and repeats do not matter."""
    granted = refused = at = 0
    for consent in consents:
        granted, refused = granted | consent.granted, refused | consent.refused
        at = max(at, consent.at)
    return Consent(granted & ~refused, refused, at)
