"""Epsilon-greedy choice among eligible variants: the best by estimate, now and then another.

Rules and the variants' own conditions were applied before. Estimates come from the edition
(`model.choice`). Imported only for slots that explore or have estimates.
"""

from typing import NamedTuple

from hemline.decide.eligible import EligibleVariants
from hemline.decide.facts.facts import Facts
from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.ranking.explore import sample_epsilon_greedy, seed_of
from hemline.model.choice import Evidence, Match
from hemline.model.site.slot import Slot, Variant


class ScoredVariant(NamedTuple):
    """An eligible variant and its estimate."""

    variant: Variant
    match: Match
    estimate: float
    """Expected goals per exposure for this visitor."""
    exposures: float
    """Effective exposures that the estimate rests on."""


class Selection(NamedTuple):
    """The variant that is shown, and how it was chosen."""

    variant: Variant
    estimated: bool
    """The estimate chose, or chance in its place."""
    exploration: tuple[int, float]
    """(`Match`, propensity), as the token records it."""


def match(eligible: EligibleVariants, variant: Variant) -> Match:
    """Whether a variant is for a category of the visitor's own."""
    if not eligible.own:
        return Match.NONE
    return Match.OWN if variant is eligible.usual else Match.OTHER


def pick(slot: Slot, eligible: EligibleVariants, snapshot: Snapshot, facts: Facts) -> Selection:
    """The best by estimate, else the usual one; with probability `slot.explore` any, drawn evenly.

    For two eligible variants or more.
    """
    evidence = snapshot.choices.get(slot.name)
    best = eligible.allowed.index(_best(eligible, evidence, facts))
    if slot.explore:
        at, propensity = sample_epsilon_greedy(
            len(eligible.allowed), best, slot.explore, seed_of(slot.name, facts)
        )
    else:
        at, propensity = best, 1.0
    shown = eligible.allowed[at]
    return Selection(shown, evidence is not None, (int(match(eligible, shown)), propensity))


def weigh(eligible: EligibleVariants, evidence: Evidence, facts: Facts) -> list[ScoredVariant]:
    """Every eligible variant, in order. Reads the device only where estimates differ by device."""
    here = evidence.devices.get(facts.read("trait.device"), {}) if evidence.devices else {}
    return [
        _scored(variant, match(eligible, variant), evidence, here) for variant in eligible.allowed
    ]


def _scored(
    variant: Variant, match: Match, evidence: Evidence, here: dict[str, float]
) -> ScoredVariant:
    known = evidence.of(variant.name)
    rate = known.own if match is Match.OWN else known.rate
    return ScoredVariant(variant, match, rate * here.get(variant.name, 1.0), known.exposures)


def _best(eligible: EligibleVariants, evidence: Evidence | None, facts: Facts) -> Variant:
    """The highest estimate; among equals the usual one, then the one that stands first."""
    if evidence is None:
        return eligible.usual or eligible.allowed[0]
    scored = weigh(eligible, evidence, facts)
    return min(scored, key=lambda one: (-one.estimate, one.variant is not eligible.usual)).variant
