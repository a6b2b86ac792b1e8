"""What the variants of a slot are worth: goals per exposure, corrected for how each came to be shown.

**Corrected.** An exposure weighs 1 / propensity, at most `CLIP`, and a rate is the weighted goals over the
weights (self-normalised inverse propensity): what was shown to those whom it was thought to suit
counts no more for it. What was not chosen by estimate or chance (a rule, one variant alone) is left out.
**Decayed** with the half-life of all statistics, by the day it was seen. What weights leave of the
evidence is its effective size: (sum of w d)² / sum of w² d, with w the weight and d the decay.
**Shrunk** to the slot's mean m with a beta prior worth `PRIOR` goals: Beta(5, 5 / m - 5), so that a
slot of rare goals waits longer. Without `ENOUGH` goals of the slot nothing is said at all.
**The own category.** Visitors who have one may act more, whatever they are shown: first it is found out how
much (from what was shown to them and is not theirs), then how much better variants do with those of
whom they are the own category, starting from `LIFT`, then how much better each of them does.
**By device** where a class has `ENOUGH_DEVICE` goals: how many times better than there usual, shrunk to 1.
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
"""Goals that the slot's mean is worth against a variant's own."""
ENOUGH = 10.0
"""Effective goals of a slot before it has estimates."""
LIFT = 2.0
"""How many times better a variant of the own category is held to be, until that is known."""
ENOUGH_DEVICE = 30.0
DEVICE_PRIOR = 20.0
"""Goals that no difference between devices is worth."""
_TURNS = 20


def sections(choices: Choices, built: int, newest: int) -> dict[str, Payload]:
    """`choices`: JSON by slot; absent when there is not enough of any. Times in epoch ms."""
    found = estimates(choices, day_of(min(built, newest + 1) - 1))
    if not found:
        return {}
    data = encode(found)
    return {SECTION: ("bytes", (len(data),), data)}


def estimates(choices: Choices, as_of: int) -> dict[str, Evidence]:
    """Slot → evidence as of a day, of the slots that have enough."""
    trials = choices.trials()
    found = {
        slot.name: _evidence(slot, _sums(trials, at, len(slot.variants), as_of))
        for at, slot in enumerate(choices.slots)
    }
    return {name: evidence for name, evidence in found.items() if evidence}


class _Sums(NamedTuple):
    """Sums of one slot, each [variants, matches, devices] or what is left of it by `over`."""

    weight: Reals
    met: Reals
    square: Reals

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
            self.met, self.weight, out=np.zeros_like(self.weight), where=self.weight > 0
        )
        found: Reals = self.exposures * rate
        return found


def _sums(trials: AttributedExposures, slot: int, variants: int, as_of: int) -> _Sums:
    mine = np.flatnonzero((trials.slot == slot) & (trials.propensity > 0))
    shape = variants, len(Match), len(DEVICES)
    cell = np.ravel_multi_index(
        (trials.variant[mine], trials.match[mine], trials.device[mine]), shape
    )
    weight = np.minimum(1.0 / trials.propensity[mine], CLIP)
    decay = np.exp2(-np.maximum(as_of - trials.day[mine], 0) / HALF_LIFE_DAYS)
    size = variants * len(Match) * len(DEVICES)
    parts = (weight * decay, weight * decay * trials.converted[mine], weight**2 * decay)
    return _Sums(*(_total(cell, part, size).reshape(shape) for part in parts))


def _total(cell: Order, part: Reals, size: int) -> Reals:
    return np.bincount(cell, part, size).astype(np.float64)


def _shrunk(goals: Reals, exposures: Reals, rate: Reals | float, prior: float = PRIOR) -> Reals:
    """The mean of a beta posterior whose prior is worth `prior` goals at `rate`."""
    drawn: Reals = (goals + prior) / (exposures + prior / rate)
    return drawn


class _Base(NamedTuple):
    """Rates [variants] of visitors with no category of their own, and all of them together."""

    rate: Reals
    mean: float
    keen: float
    """How many times more often visitors with one do the same, whatever they are shown."""


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
    mean, likely = _round(base.mean), _round(min(base.mean * lift, 1.0))
    return Evidence(slot.goal, mean, likely, known, _devices(names, sums))


def _base(none: _Sums, other: _Sums) -> _Base:
    """Rates and keenness explain each other: in turns, until neither moves."""
    goals, keen = none.goals + other.goals, 1.0
    for _ in range(_TURNS):
        exposures = none.exposures + keen * other.exposures
        mean = min(float(goals.sum() / exposures.sum()), 1.0)
        rate = np.minimum(_shrunk(goals, exposures, mean), 1.0)
        keen = float((other.goals.sum() + PRIOR) / ((other.exposures * rate).sum() + PRIOR))
    return _Base(rate, mean, keen)


def _own(own: _Sums, base: _Base) -> tuple[Reals, float]:
    """([variants] rate with those of whom it is the own category, as if they were like all; lift)."""
    expected = base.keen * (own.exposures * base.rate).sum()
    lift = float((own.goals.sum() + PRIOR * LIFT) / (expected + PRIOR))
    likely = lift * base.keen * base.rate
    return np.minimum(_shrunk(own.goals, own.exposures, likely) / base.keen, 1.0), lift


def _devices(names: Sequence[str], sums: _Sums) -> dict[str, dict[str, float]]:
    """Class → variant → how many times better it does there than variants do."""
    whole, found = sums.over((1, 2)), {}
    rate = _shrunk(whole.goals, whole.exposures, whole.goals.sum() / whole.exposures.sum())
    for at, device in enumerate(DEVICES):
        there = _Sums(*(part[:, :, at].sum(axis=1) for part in sums))
        if not device or there.goals.sum() < ENOUGH_DEVICE:
            continue
        usual = (there.goals.sum() + PRIOR) / ((there.exposures * rate).sum() + PRIOR)
        likely = usual * rate
        times = _shrunk(there.goals, there.exposures, likely, DEVICE_PRIOR) / likely
        found[device] = dict(zip(names, map(_round, times.tolist()), strict=True))
    return found


def _round(number: float) -> float:
    """What is equal but for the order of sums is equal."""
    return float(f"{number:.6g}")
