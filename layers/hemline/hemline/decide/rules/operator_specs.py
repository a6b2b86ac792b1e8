"""What each operator accepts in a site file: its operand, the kinds of facts it compares, its cost.

Checked when the site file is read, never in a decision. `operators` defines what each operator does.
"""

import sys
from collections.abc import Callable, Mapping
from typing import NamedTuple, cast, get_args

from hemline.decide.facts.clock import is_day, span
from hemline.decide.facts.names import ITEM_FACTS, Kind, kind_of
from hemline.decide.rules.operators import OPERATORS
from hemline.decide.rules.semver import meetable
from hemline.model.input.times import implausible
from hemline.model.site.rule import Operand, Operator

_WHEN = "'2026-12-24' or '2026-12-24T18:00+01:00'"


def _is_number(value: object) -> bool:
    """A finite number that a float can hold; .nan and .inf are not."""
    most = sys.float_info.max
    return isinstance(value, int | float) and not isinstance(value, bool) and -most <= value <= most


def _is_date(value: object) -> bool:
    """A date from 1900 to 2199: a year such as 0026 is a typing error."""
    try:
        return isinstance(value, str) and bool(span(value)) and "1900" <= value[:4] <= "2199"
    except ValueError:
        return False


def _is_pair(value: Operand) -> bool:
    """Two numbers or two dates."""
    both = value if isinstance(value, list) and len(value) == 2 else []
    return bool(both) and (all(map(_is_number, both)) or all(map(_is_date, both)))


def _is_circle(value: Operand) -> bool:
    """Latitude, longitude, kilometres."""
    if not (isinstance(value, list) and len(value) == 3 and all(map(_is_number, value))):
        return False
    latitude, longitude, most = map(float, value)
    return abs(latitude) <= 90 and abs(longitude) <= 180 and most >= 0


def _one(value: Operand) -> str:
    if isinstance(value, list):
        return "needs one value; for a list write `op: in`"
    return "needs a value" if value is None else ""


def _one_or_none(value: Operand) -> str:
    return "" if value is None else _one(value)


def _of(fits: Callable[[Operand], bool], wrong: str) -> Callable[[Operand], str]:
    return lambda value: "" if fits(value) else wrong


_CIRCLE = (
    "needs 3 numbers as its value: latitude (-90 to 90), longitude (-180 to 180), km (from 0),"
    " such as [51.5, -0.13, 25]"
)
_SOME_TEXT = _of(lambda value: isinstance(value, str), "needs a text as its value")
_BOUND = _of(
    lambda value: _is_number(value) or _is_date(value),
    f"needs a number as its value, or a date such as {_WHEN}",
)
_LIST = _of(lambda value: isinstance(value, list), "needs a list as its value, such as [GB, IE]")
_RANGE = _of(_is_pair, "needs 2 numbers or 2 dates as its value, such as [10, 50]")
_DAYS = _of(_is_number, "needs a number as its value")
_PLACE = _of(_is_circle, _CIRCLE)


class OperatorSpec(NamedTuple):
    """What a site file may write with one operator."""

    wrong: Callable[[Operand], str]
    """What is wrong with an operand; empty when nothing is."""
    kinds: frozenset[Kind]
    """Kinds of facts that it compares."""
    cost: int = 1
    """Cost of one comparison, relative to `eq`. The total cost of a condition is limited."""


_EVERY: frozenset[Kind] = frozenset(get_args(Kind))
_PLAIN = _EVERY - {"list", "place"}
_IN_ORDER: frozenset[Kind] = frozenset({"number", "time", "date"})
_TEXTUAL: frozenset[Kind] = frozenset({"text", "date"})

SPECS: Mapping[Operator, OperatorSpec] = {
    "eq": OperatorSpec(_one, _PLAIN),
    "ne": OperatorSpec(_one, _PLAIN),
    "in": OperatorSpec(_LIST, _PLAIN - {"flag"}),
    "contains": OperatorSpec(_one, _TEXTUAL | {"list"}),
    "gt": OperatorSpec(_BOUND, _IN_ORDER),
    "ge": OperatorSpec(_BOUND, _IN_ORDER),
    "lt": OperatorSpec(_BOUND, _IN_ORDER),
    "le": OperatorSpec(_BOUND, _IN_ORDER),
    "between": OperatorSpec(_RANGE, _IN_ORDER),
    "exists": OperatorSpec(_one_or_none, _EVERY),
    "starts_with": OperatorSpec(_SOME_TEXT, _TEXTUAL),
    "matches": OperatorSpec(_SOME_TEXT, _TEXTUAL, cost=8),
    "within_days": OperatorSpec(_DAYS, frozenset({"time", "date"})),
    "distance_km": OperatorSpec(_PLACE, frozenset({"place"}), cost=4),
    "semver": OperatorSpec(_SOME_TEXT, frozenset({"text"}), cost=4),
}
"""In the order of `Operator`."""
_ORDERS = frozenset[Operator]({"gt", "ge", "lt", "le", "between"})


def check_operand(op: Operator, value: Operand) -> None:
    """Raises ValueError, with a fix, when `op` cannot use `value`."""
    wrong = SPECS[op].wrong(value) or _endless(value)
    if wrong:
        raise ValueError(f"`op: {op}` {wrong}")
    if op == "between" and isinstance(value, list) and _upside_down(*value):
        raise ValueError("`op: between` needs the smaller or earlier one first")
    try:
        OPERATORS[op](value)
    except ValueError as why:
        raise ValueError(f"`op: {op}` cannot read its value: {why}") from None
    if op == "semver" and not meetable(str(value)):
        raise ValueError(f"`op: semver`: no version meets {str(value)[:40]}")


def _endless(value: Operand) -> str:
    values = value if isinstance(value, list) else [value]
    wrong = any(isinstance(one, float) and not _is_number(one) for one in values)
    return "compares with a number that is none, such as .nan or .inf" if wrong else ""


def _upside_down(low: str | float, high: str | float) -> bool:
    if isinstance(low, str) and isinstance(high, str):
        return span(low)[0] > span(high)[0]
    return low > high  # type: ignore[operator] # two numbers, says SPECS


def wrong_pair(name: str, op: Operator, value: object) -> str:
    """Why the fact (or `item.…`) can never satisfy this comparison; empty if it can."""
    kind = ITEM_FACTS.get(name) or kind_of(name)
    if kind is None:
        return ""
    if kind not in SPECS[op].kinds:
        possible = sorted(other for other, spec in SPECS.items() if kind in spec.kinds)
        return f"{name} is a {kind}: it goes with {', '.join(possible)}"
    values = value if isinstance(value, list) else [value]
    odd = next((w for one in values if (w := _odd_time(kind, op, one))), "")
    if odd:
        return f"{name} is compared with a time, and {odd}"
    if op in {"eq", "ne", "in"} and not all(_is_of(kind, one) for one in values):
        return f"{name} is compared with {_WORDS[kind]}"
    if op in _ORDERS and not all(_orders(kind, one) for one in values):
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
    """What is wrong with a number as epoch ms; empty when nothing. `within_days` takes days instead."""
    if kind != "time" or op == "within_days" or not _is_of(kind, value):
        return ""
    wrong = implausible(cast("float", value))
    return wrong and f"{value} {wrong}: write epoch milliseconds or a date"


def _orders(kind: Kind, value: object) -> bool:
    # A time may be compared with epoch ms or with a date.
    return _is_of(kind, value) or (kind == "time" and isinstance(value, str))
