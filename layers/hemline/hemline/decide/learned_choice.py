"""Which of the variants that may be shown is shown: the best by what is known, now and then another.

Rules and the variants' own conditions have spoken before; here is no more than a choice among what
they leave. Estimates are the edition's (`model.choice`). Read only by slots that explore or have
learned something: others never import it.
"""

from typing import NamedTuple

from hemline.decide.eligible import EligibleVariants
from hemline.decide.facts.facts import Facts
from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.ranking.explore import sample_epsilon_greedy, seed_of
from hemline.model.choice import Evidence, Match
from hemline.model.site.slot import Slot, Variant


class ScoredVariant(NamedTuple):
    """One variant that may be shown, and what is expected of it."""

    variant: Variant
    match: Match
    estimate: float
    """Goals per exposure, for who is asked."""
    exposures: float
    """What that rests on."""


class Selection(NamedTuple):
    """What is shown; `mark` is what the token says of it: how it matches, and how likely it was."""

    variant: Variant
    estimated: bool
    """The estimate chose, or chance in its place."""
    exploration: tuple[int, float]


def match(field: EligibleVariants, variant: Variant) -> Match:
    """How a variant stands to the visitor's categories."""
    if not field.own:
        return Match.NONE
    return Match.OWN if variant is field.usual else Match.OTHER


def pick(slot: Slot, field: EligibleVariants, snapshot: Snapshot, facts: Facts) -> Selection:
    """The best by estimate, else the usual one; with the share `slot.explore` any, evenly drawn.

    For a field of two variants or more.
    """
    evidence = snapshot.choices.get(slot.name)
    best = field.allowed.index(_best(field, evidence, facts))
    if slot.explore:
        at, propensity = sample_epsilon_greedy(
            len(field.allowed), best, slot.explore, seed_of(slot.name, facts)
        )
    else:
        at, propensity = best, 1.0
    shown = field.allowed[at]
    return Selection(shown, evidence is not None, (int(match(field, shown)), propensity))


def weigh(field: EligibleVariants, evidence: Evidence, facts: Facts) -> list[ScoredVariant]:
    """Every variant of the field, in its order. Reads the device where classes of it are told apart."""
    here = evidence.devices.get(facts.read("trait.device"), {}) if evidence.devices else {}
    return [_weighed(variant, match(field, variant), evidence, here) for variant in field.allowed]


def _weighed(
    variant: Variant, match: Match, evidence: Evidence, here: dict[str, float]
) -> ScoredVariant:
    known = evidence.of(variant.name)
    rate = known.own if match is Match.OWN else known.rate
    return ScoredVariant(variant, match, rate * here.get(variant.name, 1.0), known.exposures)


def _best(field: EligibleVariants, evidence: Evidence | None, facts: Facts) -> Variant:
    """The highest estimate; among equals the usual one, then the one that stands first."""
    if evidence is None:
        return field.usual or field.allowed[0]
    weighed = weigh(field, evidence, facts)
    return min(weighed, key=lambda one: (-one.estimate, one.variant is not field.usual)).variant
