"""An item's price and age, and their distance from the visitor's mean and from the page's item."""

import math

import numpy as np

from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.ranking.features.inputs import UNKNOWN_GAP, FeatureInputs, known_or
from hemline.learn.array_types import Floats
from hemline.model.durations import DAY_MS

NAMES = ("price", "price_gap", "page_price_gap", "age", "age_gap")
_AT = {name: column for column, name in enumerate(NAMES)}
_YEAR = np.float32(365.0)
# Unknown values get a number that no known value has: log ages are 0 or more, and log prices are
# clipped to at least -0.99.
_UNKNOWN_PRICE, _UNKNOWN_AGE = -1.0, -1.0
_LEAST_LOG_PRICE = np.float32(-0.99)


def base(out: Floats, snapshot: Snapshot) -> None:
    """[n items, NAMES] for a page without an item or category."""
    price: Floats = np.maximum(snapshot.log_price, _LEAST_LOG_PRICE)
    out[:, _AT["price"]] = known_or(price, _UNKNOWN_PRICE)
    out[:, _AT["page_price_gap"]] = UNKNOWN_GAP


def fill(out: Floats, inputs: FeatureInputs) -> None:
    """[n candidates, NAMES]: log prices, log days since publication, differences in years."""
    snapshot, view, candidates = inputs.snapshot, inputs.view, inputs.candidates
    if inputs.page_item >= 0:
        price = snapshot.log_price
        gap = price[candidates] - price[inputs.page_item]
        out[:, _AT["page_price_gap"]] = known_or(gap, UNKNOWN_GAP)
    # Where every item and the visitor have a value, the search for NaN is skipped.
    priced, dated = snapshot.all_priced, snapshot.all_dated
    price, born = snapshot.price_and_born.take(candidates, axis=1)
    price -= np.float32(view.price)
    complete = priced and math.isfinite(view.price)
    out[:, _AT["price_gap"]] = known_or(price, UNKNOWN_GAP, complete=complete)
    # Days since 1970 in float32 are accurate to about three minutes.
    age = np.log1p(np.maximum(np.float32(inputs.now / DAY_MS) - born, np.float32(0.0)))
    out[:, _AT["age"]] = known_or(age, _UNKNOWN_AGE, complete=dated)
    born -= np.float32(view.born)
    born /= _YEAR
    complete = dated and math.isfinite(view.born)
    out[:, _AT["age_gap"]] = known_or(born, UNKNOWN_GAP, complete=complete)
