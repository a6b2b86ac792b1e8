"""The catalogue of Tarn & Thistle: each design of designs.csv in a few colours, as items.

Knows nothing of pages, pictures or events. Every call gives the same items in the same order.
"""

import csv
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import NamedTuple

from hemline.model.durations import DAY_MS
from hemline.model.ids import hash64
from hemline.model.item import Item

SHOP = "Tarn & Thistle"
CURRENCY = "GBP"

CATEGORIES: dict[str, tuple[str, str]] = {
    "teapots": ("Teapots", "Thrown, cast and enamelled, for one cup or for the whole table."),
    "cups": ("Cups & mugs", "A good weight, a thin lip and a handle that fits a hand."),
    "bowls": ("Bowls & plates", "Everyday stoneware that stacks, chips late and washes well."),
    "vases": ("Vases", "Quiet shapes for one branch or an armful from the garden."),
    "candles": ("Candles", "Rapeseed wax and beeswax, poured slowly, burned evenly."),
    "lamps": ("Lamps", "Warm light at the height where people sit."),
    "chairs": ("Chairs & stools", "Solid ash and oak, joined without a screw in sight."),
    "cushions": ("Cushions & throws", "Wool and linen, woven in small mills, washed soft."),
    "plants": ("Plants", "Easy to live with, potted in our own clay."),
    "clocks": ("Clocks", "Slow hands and silent movements."),
}
"""Category → its title and one line about it, in the order of the menu."""

TOGETHER: dict[str, tuple[str, ...]] = {
    "teapots": ("cups",),
    "cups": ("teapots", "bowls"),
    "bowls": ("cups", "candles"),
    "vases": ("candles", "plants"),
    "candles": ("vases", "lamps"),
    "lamps": ("chairs", "clocks"),
    "chairs": ("cushions", "lamps"),
    "cushions": ("chairs", "lamps"),
    "plants": ("vases",),
    "clocks": ("lamps",),
}
"""Category → categories bought together with it, the closest first."""


class Design(NamedTuple):
    """One row of designs.csv. `colours` and `tags` are separated by spaces."""

    category: str
    form: str
    """What its picture draws; a key of `pictures.FORMS`."""
    name: str
    noun: str
    material: str
    surface: str
    price: float
    colours: str
    tags: str


_TABLE = Path(__file__).with_name("designs.csv")
_NEWEST = int(datetime(2026, 5, 31, 8, tzinfo=UTC).timestamp() * 1000)
_SPREAD_DAYS = 540


def _designs() -> list[Design]:
    with _TABLE.open(encoding="utf-8", newline="") as table:
        return [Design(price=float(row.pop("price")), **row) for row in csv.DictReader(table)]


@cache
def designs() -> dict[str, Design]:
    """Item id → its design, in the order of the catalogue."""
    return {
        f"{d.name}-{d.noun}-{colour}".lower().replace(" ", "-"): d
        for d in _designs()
        for colour in d.colours.split()
    }


def items() -> list[Item]:
    """The whole catalogue, category by category."""
    return [_item(key, design) for key, design in designs().items()]


@cache
def by_id() -> dict[str, Item]:
    """Item id → item."""
    return {item.id: item for item in items()}


def in_category(category: str) -> list[Item]:
    """The items of one category, in the order of the catalogue."""
    return [item for item in by_id().values() if item.categories[0] == category]


def _item(key: str, design: Design) -> Item:
    colour = key.rsplit("-", 1)[1]
    return Item(
        id=key,
        title=f"{design.name} {design.noun}, {colour}",
        url=f"/item/{key}",
        image=f"/pictures/{key}.svg",
        price=design.price,
        currency=CURRENCY,
        categories=(design.category,),
        tags=tuple(design.tags.split()),
        attributes={"colour": colour, "material": design.material, "collection": design.name},
        stock=_stock(key),
        published_at=_NEWEST - _age_days(design.name, key) * DAY_MS,
    )


def _age_days(name: str, key: str) -> int:
    """Age at the newest publication: 540 days of collections, each published over 45 days."""
    return hash64(f"collection {name}") % _SPREAD_DAYS + hash64(f"published {key}") % 45


def _stock(key: str) -> int:
    """3 % are sold out, 9 % have one to three pieces, the rest 6 to 45."""
    draw = hash64(f"stock {key}") % 200
    if draw < 6:
        return 0
    return 1 + draw % 3 if draw < 24 else 6 + draw % 40
