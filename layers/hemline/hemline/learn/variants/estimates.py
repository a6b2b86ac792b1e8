"""Estimates of a slot's variants: goals per exposure, corrected for how each came to be shown.

**Corrected.** An exposure weighs 1 / propensity, at most `CLIP`, and a rate is the weighted goals over the
weights (self-normalised inverse propensity). So a variant gains nothing by being shown to the visitors
whom it suits. Exposures that neither estimate nor chance chose (a rule, a single variant) are left out.
**Decayed** with the half-life of all statistics, by the day of the exposure. The effective number of
exposures is (sum of w d)² / sum of w² d, with w the weight and d the decay.
**Shrunk** to the slot's mean m with a beta prior worth `PRIOR` goals, Beta(5, 5 / m - 5): a slot with rare
goals needs more exposures. A slot with fewer than `ENOUGH` goals has no estimates.
**Own category.** Visitors with a favourite category may be more active whatever they see. Three steps:
their activity, from exposures outside their category; the lift of all variants of the own category,
with the prior `LIFT`; the lift of each variant.
**By device** where a class has `ENOUGH_DEVICE` goals: a factor on what is usual there, shrunk to 1.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from hemline.learn.array_types import Order, Reals
from hemline.learn.statistics.arrays import HALF_LIFE_DAYS
from hemline.learn.statistics.counts import day_of
from hemline.learn.variants.exposures import DEVICES, AttributedExposures, Choices
from hemline.model.choice import SECTION, Estimate, Evidence, Match, encode
from hemline.model.edition import Payload
from hemline.model.site.slot import Slot

CLIP = 5.0
"""The most that one exposure weighs."""
PRIOR = 5.0
"""Goals that the prior (the slot's mean) is worth."""
ENOUGH = 10.0
"""Effective goals of a slot before it has estimates."""
LIFT = 2.0
"""Prior factor on the rate among visitors whose own category the variant has."""
ENOUGH_DEVICE = 30.0
"""Effective goals of a device class before it has factors of its own."""
DEVICE_PRIOR = 20.0
"""Goals that the prior (no difference between devices) is worth."""
_TURNS = 20
"""Iterations of two estimates that depend on each other."""


def sections(choices: Choices, built: int, newest: int) -> dict[str, Payload]:
    """The section `choices`: JSON by slot; absent when no slot has enough goals. Times in epoch ms."""
    found = estimates(choices, day_of(min(built, newest + 1) - 1))
    if not found:
        return {}
    data = encode(found)
    return {SECTION: ("bytes", (len(data),), data)}


def estimates(choices: Choices, as_of: int) -> dict[str, Evidence]:
    """Slot → evidence as of a day (days since 1970), for the slots with enough goals."""
    exposures = choices.attributed()
    found = {
        slot.name: _evidence(slot, _sums(exposures, at, len(slot.variants), as_of))
        for at, slot in enumerate(choices.slots)
    }
    return {name: evidence for name, evidence in found.items() if evidence}


class _Sums(NamedTuple):
    """Decayed sums of one slot, each [variants, matches, devices], or fewer axes after `over`."""

    weight: Reals
    """Of 1 / propensity."""
    converted: Reals
    """Of the weights of exposures whose goal followed."""
    square: Reals
    """Of the squared weights."""

    def over(self, axes: int | tuple[int, ...]) -> "_Sums":
        return _Sums(*(part.sum(axis=axes) for part in self))

    def at(self, match: Match) -> "_Sums":
        """[variants] of one match, whatever the device."""
        return _Sums(*(part[:, match].sum(axis=1) for part in self))

    @property
    def exposures(self) -> Reals:
        """Effective ones."""
        seen: Reals = np.divide(
            self.weight**2, self.square, out=np.zeros_like(self.weight), where=self.square > 0
        )
        return seen

    @property
    def goals(self) -> Reals:
        """Effective ones."""
        rate = np.divide(
            self.converted, self.weight, out=np.zeros_like(self.weight), where=self.weight > 0
        )
        found: Reals = self.exposures * rate
        return found


def _sums(exposures: AttributedExposures, slot: int, variants: int, as_of: int) -> _Sums:
    rows = np.flatnonzero((exposures.slot == slot) & (exposures.propensity > 0))
    shape = variants, len(Match), len(DEVICES)
    cell = np.ravel_multi_index(
        (exposures.variant[rows], exposures.match[rows], exposures.device[rows]), shape
    )
    weight = np.minimum(1.0 / exposures.propensity[rows], CLIP)
    decay = np.exp2(-np.maximum(as_of - exposures.day[rows], 0) / HALF_LIFE_DAYS)
    size = variants * len(Match) * len(DEVICES)
    parts = (weight * decay, weight * decay * exposures.converted[rows], weight**2 * decay)
    return _Sums(*(_total(cell, part, size).reshape(shape) for part in parts))


def _total(cell: Order, part: Reals, size: int) -> Reals:
    return np.bincount(cell, part, size).astype(np.float64)


def _shrunk(goals: Reals, exposures: Reals, rate: Reals | float, prior: float = PRIOR) -> Reals:
    """The mean of a beta posterior whose prior is worth `prior` goals at `rate`."""
    posterior: Reals = (goals + prior) / (exposures + prior / rate)
    return posterior


class _Base(NamedTuple):
    """Rates among visitors without a favourite category."""

    rate: Reals
    """[variants], goals per exposure."""
    mean: float
    """Of all variants together."""
    activity: float
    """Factor on the rate of visitors with a favourite category, whatever they are shown."""


def _evidence(slot: Slot, sums: _Sums) -> Evidence | None:
    none, other = sums.at(Match.NONE), sums.at(Match.OTHER)
    if none.goals.sum() + other.goals.sum() < ENOUGH:
        return None
    base = _base(none, other)
    own, lift = _own(sums.at(Match.OWN), base)
    names = [variant.name for variant in slot.variants]
    exposures = sums.over((1, 2)).exposures
    columns = zip(names, base.rate.tolist(), own.tolist(), exposures.tolist(), strict=True)
    known = {name: Estimate(*map(_round, numbers)) for name, *numbers in columns}
    mean, own_mean = _round(base.mean), _round(min(base.mean * lift, 1.0))
    return Evidence(slot.goal, mean, own_mean, known, _devices(names, sums))


def _base(none: _Sums, other: _Sums) -> _Base:
    """Rates and activity depend on each other, so each is estimated from the other in turns."""
    goals, activity = none.goals + other.goals, 1.0
    for _ in range(_TURNS):
        exposures = none.exposures + activity * other.exposures
        mean = min(float(goals.sum() / exposures.sum()), 1.0)
        rate = np.minimum(_shrunk(goals, exposures, mean), 1.0)
        activity = float((other.goals.sum() + PRIOR) / ((other.exposures * rate).sum() + PRIOR))
    return _Base(rate, mean, activity)


def _own(own: _Sums, base: _Base) -> tuple[Reals, float]:
    """([variants] rate among visitors of the own category, without their higher activity; lift)."""
    expected = base.activity * (own.exposures * base.rate).sum()
    lift = float((own.goals.sum() + PRIOR * LIFT) / (expected + PRIOR))
    prior_rate = lift * base.activity * base.rate
    return np.minimum(_shrunk(own.goals, own.exposures, prior_rate) / base.activity, 1.0), lift


def _devices(names: Sequence[str], sums: _Sums) -> dict[str, dict[str, float]]:
    """Device class → variant → factor on its rate there, beside the class's usual one."""
    whole, found = sums.over((1, 2)), {}
    rate = _shrunk(whole.goals, whole.exposures, whole.goals.sum() / whole.exposures.sum())
    for at, device in enumerate(DEVICES):
        there = _Sums(*(part[:, :, at].sum(axis=1) for part in sums))
        if not device or there.goals.sum() < ENOUGH_DEVICE:
            continue
        usual = (there.goals.sum() + PRIOR) / ((there.exposures * rate).sum() + PRIOR)
        prior_rate = usual * rate
        times = _shrunk(there.goals, there.exposures, prior_rate, DEVICE_PRIOR) / prior_rate
        found[device] = dict(zip(names, map(_round, times.tolist()), strict=True))
    return found


def _round(number: float) -> float:
    """Six digits: sums in another order differ in the last ones, and the bytes must not."""
    return float(f"{number:.6g}")
