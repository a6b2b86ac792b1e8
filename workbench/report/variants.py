"""`hemline report variants`: results of the variants of each content slot, with their uncertainty.

Raw counts, and the estimates that the next edition will use. Intervals are 95 % Wilson intervals.
"""

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np

from hemline.learn.array_types import Longs, Mask
from hemline.learn.statistics.counts import day_of
from hemline.learn.variants.estimates import estimates
from hemline.learn.variants.exposures import AttributedExposures, Choices
from hemline.model.choice import Evidence
from hemline.model.site.slot import Slot


class VariantRow(msgspec.Struct, frozen=True):
    """One variant. Each confirmed fragment counts once."""

    variant: str
    exposures: int
    goals: int
    """Exposures followed by the slot's goal within the attribution window."""
    rate: float
    """Goals per exposure, uncorrected."""
    low: float
    high: float
    """The 95 % interval of the rate."""
    estimate: float | None
    """Goals per exposure as decisions use it; None while the slot has too few goals."""
    own: float | None
    """The same for visitors whose favourite category is the variant's."""
    evidence: float
    """Effective exposures behind the estimate, after decay."""


class VariantsReport(msgspec.Struct, frozen=True):
    """One slot, its variants in the site file's order."""

    slot: str
    goal: str
    explore: float
    """The exploration rate in the site file."""
    exposures: int
    chosen: int
    """Exposures chosen by an estimate or by exploration, not by rules, conditions or categories."""
    explored: float
    """The share of `chosen` that showed another variant than the best estimate."""
    variants: tuple[VariantRow, ...]


def reports(choices: Choices, now: int) -> list[VariantsReport]:
    """Every content slot with two variants or more, as of `now` (epoch ms)."""
    trials = choices.attributed()
    found = estimates(choices, day_of(now))
    return [
        _report(slot, trials, trials.slot == at, found.get(slot.name))
        for at, slot in enumerate(choices.slots)
    ]


def _report(
    slot: Slot, trials: AttributedExposures, mine: Mask, known: Evidence | None
) -> VariantsReport:
    chosen = mine & (trials.propensity > 0)
    # At most half of the choices explore, so only a variant that is not the best has a propensity below 0.5.
    against = trials.propensity[chosen] < 0.5
    return VariantsReport(
        slot.name,
        slot.goal,
        slot.explore,
        int(mine.sum()),
        int(chosen.sum()),
        round(float(against.mean()), 4) if against.size else 0.0,
        tuple(_variants(slot, trials.variant[mine], trials.converted[mine], known)),
    )


def _variants(slot: Slot, shown: Longs, met: Mask, known: Evidence | None) -> Iterator[VariantRow]:
    size = len(slot.variants)
    exposures = np.bincount(shown, minlength=size).tolist()
    goals = np.bincount(shown[met], minlength=size).tolist()
    for one, seen, reached in zip(slot.variants, exposures, goals, strict=True):
        estimate = known.of(one.name) if known else None
        yield VariantRow(
            one.name,
            seen,
            reached,
            round(reached / seen, 5) if seen else 0.0,
            *_interval(reached, seen),
            estimate.rate if estimate else None,
            estimate.own if estimate else None,
            estimate.exposures if estimate else 0.0,
        )


def _interval(goals: int, exposures: int) -> tuple[float, float]:
    from scipy.stats import binomtest  # noqa: PLC0415 - half a second, for this command alone

    if not exposures:
        return 0.0, 1.0
    found = binomtest(goals, exposures).proportion_ci(0.95, method="wilson")
    return round(float(found.low), 5), round(float(found.high), 5)


def lines(found: Sequence[VariantsReport]) -> list[str]:
    """The report as text."""
    if not found:
        return ["no content slot has two variants or more"]
    return [line for one in found for line in _lines(one)]


def _lines(one: VariantsReport) -> Iterator[str]:
    yield (
        f"{one.slot}: {one.exposures:,} exposures, {one.chosen:,} of them chosen by estimate or chance,"
        f" {one.explored:.1%} of those against the best; goal {one.goal}"
    )
    for variant in one.variants:
        known = (
            "not enough to say"
            if variant.estimate is None
            else f"estimate {variant.estimate:.4f} ({variant.own:.4f} own category)"
            f" on {variant.evidence:,.0f}"
        )
        yield (
            f"  {variant.variant:<24} {variant.exposures:>9,} exposures {variant.goals:>7,} goals"
            f"  {variant.rate:.4f} ({variant.low:.4f} to {variant.high:.4f})  {known}"
        )
