"""What operators can be given in a site file: checked when the file is, so that no decision has to.

Knows operators by what they do with a value (`operators`), and no fact.
"""

import sys
from collections.abc import Callable, Mapping

from hemline.decide.facts.clock import span
from hemline.decide.rules.operators import OPERATORS
from hemline.decide.rules.semver import meetable
from hemline.model.site.rule import Operand, Operator

_WHEN = "'2026-12-24' or '2026-12-24T18:00+01:00'"


def _is_number(value: object) -> bool:
    """Finite: nothing can be said of .nan and .inf, nor of what no float holds."""
    most = sys.float_info.max
    return isinstance(value, int | float) and not isinstance(value, bool) and -most <= value <= most


def _is_date(value: object) -> bool:
    """One of a shop's time: the year 26 is a slip of the finger."""
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


def _shape(op: Operator, value: Operand) -> str:
    """What is wrong with the kind of operand, or nothing."""
    if op in _SHAPES:
        fits, wrong = _SHAPES[op]
        return "" if fits(value) else wrong
    if isinstance(value, list):
        return "needs one value; for a list write `op: in`"
    return "needs a value" if op != "exists" and value is None else ""


_CIRCLE = (
    "needs 3 numbers as its value: latitude (-90 to 90), longitude (-180 to 180), km (from 0),"
    " such as [51.5, -0.13, 25]"
)
_TEXT = (lambda value: isinstance(value, str), "needs a text as its value")
_SHAPES: Mapping[Operator, tuple[Callable[[Operand], bool], str]] = {
    "in": (lambda value: isinstance(value, list), "needs a list as its value, such as [GB, IE]"),
    "between": (_is_pair, "needs 2 numbers or 2 dates as its value, such as [10, 50]"),
    "distance_km": (_is_circle, _CIRCLE),
    **dict.fromkeys(
        ("gt", "ge", "lt", "le"),
        (
            lambda value: _is_number(value) or _is_date(value),
            f"needs a number as its value, or a date such as {_WHEN}",
        ),
    ),
    "within_days": (_is_number, "needs a number as its value"),
    **dict.fromkeys(("starts_with", "matches", "semver"), _TEXT),
}
"""Operator → what its operand must be, and what to say when it is not."""


def check_operand(op: Operator, value: Operand) -> None:
    """Raises ValueError, with the way out, when `op` can mean nothing with such a `value`."""
    wrong = _shape(op, value) or _endless(value)
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
    return low > high  # type: ignore[operator] # two numbers, says _shape
