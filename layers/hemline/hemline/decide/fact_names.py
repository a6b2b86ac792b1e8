"""The facts that a person can compare with, and what kind of value each has.

Those that only code can read (indices, views) are not here. Scope follows from a name's first part
(`facts.scope_of`). Clock facts change with the minute at most.
"""

from collections.abc import Callable, Mapping
from typing import Literal

from hemline.decide.clock import LOCAL
from hemline.learn.profile import TYPES
from hemline.model.rule import Operator

Kind = Literal["text", "number", "list", "flag", "place"]

_LOCAL_KINDS: Mapping[str, Kind] = {name: "number" if name == "hour" else "text" for name in LOCAL}

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
    "clock.minute": "number",
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
    "visitor.last.": ("number", _is_deed, "DEED"),
    "visitor.items.": ("list", _is_deed, "DEED"),
}
"""Beginning of a name → kind, whether the rest is one that it may have, and how the rest is spelt."""

_COMPARES: Mapping[Kind, frozenset[Operator]] = {
    "text": frozenset({"eq", "ne", "in", "contains", "starts_with", "matches", "semver",
                       "within_days", "exists"}),
    "number": frozenset({"eq", "ne", "in", "gt", "ge", "lt", "le", "between", "within_days",
                         "exists"}),
    "list": frozenset({"contains", "exists"}),
    "flag": frozenset({"eq", "ne", "exists"}),
    "place": frozenset({"distance_km", "exists"}),
}  # fmt: skip


def kind_of(name: str) -> Kind | None:
    """The kind of a fact, None when no person can name it so."""
    for beginning, (kind, fits, _) in FAMILIES.items():
        if name.startswith(beginning):
            return kind if fits(name.removeprefix(beginning)) else None
    return FACTS.get(name)


def spellings() -> list[str]:
    """Every name, families as `visitor.count.DEED`."""
    return [*FACTS, *(beginning + rest for beginning, (_, _, rest) in FAMILIES.items())]


def wrong_pair(name: str, op: Operator, value: object) -> str:
    """Why such a fact never compares so, or nothing."""
    kind = kind_of(name)
    if kind is None:
        return ""
    if op not in _COMPARES[kind]:
        return f"{name} is a {kind}: it goes with {', '.join(sorted(_COMPARES[kind]))}"
    if op in {"eq", "ne", "in"}:
        values = value if isinstance(value, list) else [value]
        if not all(_is_of(kind, one) for one in values):
            word = "true or false" if kind == "flag" else f"a {kind}"
            return f"{name} is compared with {word}; quote what is text"
    return ""


def _is_of(kind: Kind, value: object) -> bool:
    if kind == "flag":
        return isinstance(value, bool)
    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, str)
