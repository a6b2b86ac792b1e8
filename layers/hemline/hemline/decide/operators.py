"""What the operators of conditions mean: one dispatch table, for facts and for items alike.

An operator is given its operand once and becomes a test; what can be prepared (a pattern, a version) is
prepared then. A fact of another type than an operator compares is a mistake of the rule and raises
Misfit: "no" would let through what a rule should have stopped. None is a fact that is not there.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hemline.decide.clock import epoch_ms
from hemline.decide.patterns import compile_pattern
from hemline.decide.semver import requirement, version
from hemline.model.rule import Operand, Operator

Test = Callable[[Any, int], bool]
"""(fact, now in epoch ms) → whether it holds."""
Maker = Callable[[Any], Test]

_DAY = 86_400_000
_EARTH_KM = 6371.0


class Misfit(TypeError):  # noqa: N818 - named for what it says, as the errors are
    """The fact is of another type than the operator compares."""


def _number(fact: object, op: str) -> float:
    if isinstance(fact, bool) or not isinstance(fact, int | float):
        raise Misfit(f"{op} compares numbers, not {type(fact).__name__}")
    return fact


def _text(fact: object, op: str) -> str:
    if not isinstance(fact, str):
        raise Misfit(f"{op} compares text, not {type(fact).__name__}")
    return fact


def _contains(value: object) -> Test:
    def test(fact: object, _now: int) -> bool:
        if isinstance(fact, str):
            return _text(value, "contains") in fact
        if not isinstance(fact, tuple | list | set | frozenset):
            raise Misfit(f"contains looks into text and lists, not {type(fact).__name__}")
        return value in fact

    return test


def _between(value: Sequence[float]) -> Test:
    low, high = value
    return lambda fact, _now: low <= _number(fact, "between") <= high


def _exists(value: object) -> Test:
    wanted = value is not False
    return lambda fact, _now: is_there(fact) is wanted


def is_there(fact: object) -> bool:
    """Neither None nor empty text nor an empty list."""
    return fact is not None and (not isinstance(fact, str | tuple | list) or len(fact) > 0)


def _matches(value: str) -> Test:
    meets = compile_pattern(value)
    return lambda fact, _now: meets(_text(fact, "matches"))


def _within_days(value: float) -> Test:
    """The last `value` days, or, below 0, the next ones."""
    span = value * _DAY

    def test(fact: object, now: int) -> bool:
        when = epoch_ms(fact) if isinstance(fact, str) else _number(fact, "within_days")
        if when is None:
            # A text that is no date says nothing about when.
            return False
        past = now - when
        return 0 <= past <= span if span >= 0 else span <= past <= 0

    return test


def _distance_km(value: Sequence[float]) -> Test:
    latitude, longitude, most = value
    here = (math.radians(latitude), math.radians(longitude))

    def test(fact: object, _now: int) -> bool:
        if not isinstance(fact, tuple | list) or len(fact) != len(here):
            raise Misfit(f"distance_km measures places, not {type(fact).__name__}")
        return _kilometres(here, (math.radians(fact[0]), math.radians(fact[1]))) <= most

    return test


def _kilometres(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Great-circle distance (haversine) of two (latitude, longitude) in radians."""
    up, aside = (other[0] - one[0]) / 2, (other[1] - one[1]) / 2
    part = math.sin(up) ** 2 + math.cos(one[0]) * math.cos(other[0]) * math.sin(aside) ** 2
    return 2 * _EARTH_KM * math.asin(min(1.0, math.sqrt(part)))


def _semver(value: str) -> Test:
    wanted = requirement(value)

    def test(fact: object, _now: int) -> bool:
        found = version(_text(fact, "semver"))
        return found is not None and wanted(found)

    return test


OPERATORS: Mapping[Operator, Maker] = {
    "eq": lambda value: lambda fact, _now: fact == value,
    "ne": lambda value: lambda fact, _now: fact != value,
    "in": lambda value: lambda fact, _now: fact in value,
    "contains": _contains,
    "gt": lambda value: lambda fact, _now: _number(fact, "gt") > value,
    "ge": lambda value: lambda fact, _now: _number(fact, "ge") >= value,
    "lt": lambda value: lambda fact, _now: _number(fact, "lt") < value,
    "le": lambda value: lambda fact, _now: _number(fact, "le") <= value,
    "between": _between,
    "exists": _exists,
    "starts_with": lambda value: lambda fact, _now: _text(fact, "starts_with").startswith(value),
    "matches": _matches,
    "within_days": _within_days,
    "distance_km": _distance_km,
    "semver": _semver,
}

_NUMBERS: Mapping[Operator, int] = {"between": 2, "distance_km": 3}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _shape(op: Operator, value: Operand) -> str:
    """What is wrong with the kind of operand, or nothing."""
    if op in _NUMBERS:
        sized = isinstance(value, list) and len(value) == _NUMBERS[op]
        if not (sized and all(map(_is_number, value if isinstance(value, list) else ()))):
            example = (
                "[10, 50]" if op == "between" else "[51.5, -0.13, 25] (latitude, longitude, km)"
            )
            return f"needs {_NUMBERS[op]} numbers as its value, such as {example}"
    elif op == "in":
        return "" if isinstance(value, list) else "needs a list as its value, such as [GB, IE]"
    elif op in {"gt", "ge", "lt", "le", "within_days"}:
        return "" if _is_number(value) else "needs a number as its value"
    elif isinstance(value, list):
        return "needs one value; for a list write `op: in`"
    elif op in {"starts_with", "matches", "semver"}:
        return "" if isinstance(value, str) else "needs a text as its value"
    return "needs a value" if op != "exists" and value is None else ""


def check_operand(op: Operator, value: Operand) -> None:
    """Raises ValueError, with the way out, when `op` can mean nothing with such a `value`."""
    wrong = _shape(op, value)
    if wrong:
        raise ValueError(f"`op: {op}` {wrong}")
    if op == "between" and isinstance(value, list) and value[0] > value[1]:  # type: ignore[operator] # two numbers, says _shape
        raise ValueError("`op: between` needs the smaller number first")
    try:
        OPERATORS[op](value)
    except ValueError as why:
        raise ValueError(f"`op: {op}` cannot read its value: {why}") from None
