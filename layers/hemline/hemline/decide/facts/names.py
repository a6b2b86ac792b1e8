"""The facts that a site file can use in conditions, and the kind of each value.

Facts for code only (indices, views) are not here. A name's first part gives its scope
(`facts.scope_of`). Clock facts change at most once a minute. `values` lists the values that a fact can
have.
"""

from collections.abc import Callable, Mapping
from typing import Literal

from hemline.decide.facts.clock import LOCAL
from hemline.learn.profile.fold import TYPES

Kind = Literal["text", "number", "time", "date", "list", "flag", "place"]
"""time: a moment, epoch ms. date: a day, as 2026-12-24."""

_LOCAL_KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(LOCAL, "text"),
    "hour": "number",
    "date": "date",
}

FACTS: Mapping[str, Kind] = {
    "trait.country": "text",
    "trait.region": "text",
    "trait.city": "text",
    "trait.lat": "number",
    "trait.lon": "number",
    "trait.place": "place",
    "trait.time_zone": "text",
    "trait.device": "text",
    "trait.language": "text",
    **{f"trait.{name}": kind for name, kind in _LOCAL_KINDS.items()},
    "page.type": "text",
    "page.url": "text",
    "page.item": "text",
    "page.item_categories": "list",
    "page.item_price": "number",
    "page.item_stock": "number",
    "page.category": "text",
    "page.cart": "list",
    "page.referrer": "text",
    "page.referrer_host": "text",
    "page.campaign": "text",
    "page.utm_source": "text",
    "page.utm_medium": "text",
    "page.app_version": "text",
    "cart.count": "number",
    "cart.value": "number",
    "cart.categories": "list",
    "visitor.known": "flag",
    "visitor.returning": "flag",
    "visitor.days_since_last": "number",
    "visitor.days_since_first": "number",
    "visitor.last_purchase_days": "number",
    "visitor.lifetime_value": "number",
    "clock.minute": "time",
    **{f"clock.{name}": kind for name, kind in _LOCAL_KINDS.items()},
}
"""Name → kind."""


def window(rest: str) -> tuple[str, int | None]:
    """`purchase.30d` → (purchase, 30); without a window (purchase, None)."""
    deed, dot, days = rest.partition(".")
    if not dot:
        return deed, None
    number = days.removesuffix("d")
    return deed, int(number) if days.endswith("d") and number.isdigit() and len(number) < 5 else -1


def _is_deed(rest: str) -> bool:
    return rest in TYPES


def _is_count(rest: str) -> bool:
    deed, days = window(rest)
    return deed in TYPES and (days is None or days > 0)


FAMILIES: Mapping[str, tuple[Kind, Callable[[str], bool], str]] = {
    "segment.": ("flag", bool, "NAME"),
    "visitor.affinity.": ("number", bool, "CATEGORY"),
    "visitor.count.": ("number", _is_count, "DEED or DEED.30d"),
    "visitor.last.": ("time", _is_deed, "DEED"),
    "visitor.items.": ("list", _is_deed, "DEED"),
}
"""Prefix → (kind, test of the rest of the name, placeholder for the rest)."""

ITEM_FACTS: Mapping[str, Kind] = {
    **dict.fromkeys(("item.category", "item.tag", "item.kind", "item.id"), "text"),
    **dict.fromkeys(("item.price", "item.stock"), "number"),
    "item.published_at": "time",
}
"""Built-in facts of every item. An item's own attributes can be of any kind."""


def kind_of(name: str) -> Kind | None:
    """The kind of a fact; None for a name that a site file cannot use."""
    for beginning, (kind, fits, _) in FAMILIES.items():
        if name.startswith(beginning):
            return kind if fits(name.removeprefix(beginning)) else None
    return FACTS.get(name)


def spellings() -> list[str]:
    """Every name; a family as its prefix and placeholder."""
    return [*FACTS, *(beginning + rest for beginning, (_, _, rest) in FAMILIES.items())]
