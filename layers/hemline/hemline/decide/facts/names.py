"""The facts that a person can compare with, and what kind of value each has.

Those that only code can read (indices, views) are not here. Scope follows from a name's first part
(`facts.scope_of`). Clock facts change with the minute at most. What values a fact can have at all is in
`fact_values`.
"""

from collections.abc import Callable, Mapping
from typing import Literal, cast

from hemline.decide.facts.clock import LOCAL, is_day
from hemline.learn.profile.fold import TYPES
from hemline.model.input.times import implausible
from hemline.model.site.rule import Operator

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
"""Beginning of a name → kind, whether the rest is one that it may have, and how the rest is spelt."""

_ITEM: Mapping[str, Kind] = {
    **dict.fromkeys(("item.category", "item.tag", "item.kind", "item.id"), "text"),
    **dict.fromkeys(("item.price", "item.stock"), "number"),
    "item.published_at": "time",
}
"""What every item has under its name; attributes of its own can be of any kind."""

_ANY = frozenset[Operator]({"eq", "ne", "exists"})
_IN_ORDER = _ANY | frozenset[Operator]({"in", "gt", "ge", "lt", "le", "between"})
_COMPARES: Mapping[Kind, frozenset[Operator]] = {
    "text": _ANY | frozenset[Operator]({"in", "contains", "starts_with", "matches", "semver"}),
    "number": _IN_ORDER,
    "time": _IN_ORDER | frozenset[Operator]({"within_days"}),
    "date": _IN_ORDER | frozenset[Operator]({"contains", "starts_with", "matches", "within_days"}),
    "list": frozenset({"contains", "exists"}),
    "flag": _ANY,
    "place": frozenset({"distance_km", "exists"}),
}


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
    """Why such a fact, or `item.…`, never compares so, or nothing."""
    kind = _ITEM.get(name) or kind_of(name)
    if kind is None:
        return ""
    if op not in _COMPARES[kind]:
        return f"{name} is a {kind}: it goes with {', '.join(sorted(_COMPARES[kind]))}"
    values = value if isinstance(value, list) else [value]
    odd = next((w for one in values if (w := _odd_time(kind, op, one))), "")
    if odd:
        return f"{name} is compared with a time, and {odd}"
    if op in {"eq", "ne", "in"} and not all(_is_of(kind, one) for one in values):
        return f"{name} is compared with {_WORDS[kind]}"
    if op in _IN_ORDER - _ANY and not all(_orders(kind, one) for one in values):
        return f"{name} is compared with {_WORDS[kind]}"
    return ""


_WORDS: Mapping[Kind, str] = {
    "text": "a text; quote what is text",
    "number": "a number",
    "time": "a time: epoch milliseconds, or with gt, ge, lt, le, between a date",
    "date": "a date such as '2026-12-24'",
    "flag": "true or false",
}


def _is_of(kind: Kind, value: object) -> bool:
    if kind == "flag":
        return isinstance(value, bool)
    if kind in {"number", "time"}:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, str) and (kind != "date" or is_day(value))


def _odd_time(kind: Kind, op: Operator, value: object) -> str:
    """What is wrong with a number that is no time in epoch ms; days have numbers of their own."""
    if kind != "time" or op == "within_days" or not _is_of(kind, value):
        return ""
    wrong = implausible(cast("float", value))
    return wrong and f"{value} {wrong}: write epoch milliseconds or a date"


def _orders(kind: Kind, value: object) -> bool:
    # A moment's operand may be either spelling.
    return _is_of(kind, value) or (kind == "time" and isinstance(value, str))
