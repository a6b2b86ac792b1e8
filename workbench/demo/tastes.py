"""Tastes of the simulated visitors: a pure function of a visitor's id, so that tests know the truth.

A visitor likes item i on day d by

    utility(v, i, d) = love_v[category(i)] + hue_v[family(colour(i))]
                     - thrift_v * log(price(i) / median price of its category)
                     + appeal(i) + trend(collection(i), d)

- love: two favourite categories (+2.4 and +1.6), noise for the others (sd 0.3). Favourites depend on the
  country, so that segments carry a signal too.
- hue: one favourite family of colours (+0.9).
- thrift: sensitivity to price, uniform in 0 to 0.8.
- appeal: the same for all visitors (sd 0.5).
- trend: a few collections rise late in the period, a few fade.
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from hemline.learn.array_types import Order, Reals
from hemline.model.ids import hash64
from hemline.model.item import Item
from workbench.demo.catalogue import CATEGORIES, by_id, in_category

FAMILIES: dict[str, tuple[str, ...]] = {
    "warm": ("clay", "mustard", "rose", "brass"),
    "green and blue": ("sage", "moss", "sky"),
    "dark": ("ink", "charcoal", "plum", "walnut"),
    "light": ("chalk", "oat", "oak"),
}
COUNTRIES: dict[str, tuple[float, tuple[str, ...]]] = {
    "GB": (0.44, ("teapots", "cups")),
    "DE": (0.20, ("lamps", "clocks")),
    "FR": (0.14, ("candles", "vases")),
    "SE": (0.12, ("chairs", "cushions")),
    "JP": (0.10, ("plants", "bowls")),
}
"""Country → share of the visitors, categories that are more often favourites there."""
DEVICES = {"mobile": 0.58, "desktop": 0.36, "tablet": 0.06}
RISING, FADING = ("Birch", "Hoya", "Cane"), ("Fell", "Noon")
_LEAN = 4.0
_FIRST, _SECOND, _HUE, _TREND = 2.4, 1.6, 0.9, 1.2


class Taste(NamedTuple):
    """One visitor's taste, with the terms of the utility."""

    favourites: tuple[str, str]
    """Categories, the most liked first."""
    hue: str
    """Name of a colour family."""
    thrift: float
    love: tuple[float, ...]
    """By category, in the catalogue's order."""
    country: str
    device: str


def taste(visitor: str) -> Taste:
    """The taste of a visitor, drawn from a hash of the id."""
    rng = np.random.default_rng(hash64(f"taste {visitor}"))
    names = list(CATEGORIES)
    country = str(rng.choice(list(COUNTRIES), p=[share for share, _ in COUNTRIES.values()]))
    odds = np.array([_LEAN if name in COUNTRIES[country][1] else 1.0 for name in names])
    first, second = rng.choice(len(names), 2, replace=False, p=odds / odds.sum())
    love = rng.normal(0, 0.3, len(names))
    love[first], love[second] = _FIRST, _SECOND
    return Taste(
        favourites=(names[first], names[second]),
        hue=str(rng.choice(list(FAMILIES))),
        thrift=float(rng.uniform(0, 0.8)),
        love=tuple(love.tolist()),
        country=country,
        device=str(rng.choice(list(DEVICES), p=list(DEVICES.values()))),
    )


def utility(of: Taste) -> Reals:
    """[n] utility of each item in the catalogue's order, without trend; higher is better."""
    category, family, dearness = _columns()
    love: Reals = np.array(of.love)[category]
    hue: Reals = np.where(family == list(FAMILIES).index(of.hue), _HUE, 0.0)
    return love + hue - of.thrift * dearness + appeal()


@cache
def appeal() -> Reals:
    """[n] appeal of each item, the same for all visitors."""
    return np.array([np.random.default_rng(hash64(f"appeal {i}")).normal(0, 0.5) for i in by_id()])


def trend(progress: float) -> Reals:
    """[n] rise or fall of each item's collection. `progress`: 0 at the period's start, 1 at its end."""
    # A logistic curve around 70 % of the period: the change comes late, so old statistics mislead.
    risen = 1 / (1 + np.exp(-(progress - 0.7) * 12))
    collections = [item.attributes["collection"] for item in by_id().values()]
    return np.array([_TREND * risen * ((c in RISING) - (c in FADING)) for c in collections])


@cache
def _columns() -> tuple[Order, Order, Reals]:
    """[n] category index, [n] colour family index, [n] log of price over its category's median."""
    names, families = list(CATEGORIES), list(FAMILIES.values())
    items = list(by_id().values())
    return (
        np.array([names.index(item.categories[0]) for item in items]),
        np.array([_family(families, str(item.attributes["colour"])) for item in items]),
        np.array([_dearness(item) for item in items]),
    )


def _family(families: list[tuple[str, ...]], colour: str) -> int:
    return next(i for i, colours in enumerate(families) if colour in colours)


def _dearness(item: Item) -> float:
    others = [other.price or 1.0 for other in in_category(item.categories[0])]
    return float(np.log((item.price or 1.0) / np.median(others)))
