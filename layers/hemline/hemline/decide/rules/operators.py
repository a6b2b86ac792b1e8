"""What the operators of conditions mean: one dispatch table, for facts and for items alike.

An operator takes its operand once and returns a test; patterns and versions are parsed at that point.
A fact of the wrong type is a mistake in the rule and raises Misfit: a plain "no" would let through what
the rule should stop. None means that the fact is missing. Dates compare as times: RFC 3339 text and
epoch ms are two spellings of one moment.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from hemline.decide.facts.clock import epoch_ms, span
from hemline.decide.rules.pattern_machine import TooManySteps
from hemline.decide.rules.patterns import compile_pattern
from hemline.decide.rules.semver import requirement, version
from hemline.model.durations import DAY_MS
from hemline.model.site.rule import Operator

Test = Callable[[Any, int], bool]
"""(fact, now in epoch ms) → whether it holds."""
Maker = Callable[[Any], Test]

_EARTH_KM = 6371.0


class Misfit(TypeError):  # noqa: N818 - named for what it says, as the errors are
    """The fact is of another type than the operator compares."""


class Unfinished(Misfit):
    """The search hit its step limit before it had an answer."""


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


def _moment(fact: object, op: str) -> float:
    """Epoch ms. A text that is no date raises Misfit, since False would be a wrong answer."""
    when = epoch_ms(fact) if isinstance(fact, str) else _number(fact, op)
    if when is None:
        raise Misfit(f"{op} compares times, and this text is none")
    return when


def _ordered(op: str, numbers: Maker) -> Maker:
    """Compares times when the operand is a date, else `numbers`."""
    return lambda value: _dated(op, value) if isinstance(value, str) else numbers(value)


def _dated(op: str, value: str) -> Test:
    first, after = span(value)
    bound = first if op in {"ge", "lt"} else after
    later = op in {"ge", "gt"}
    return lambda fact, _now: (_moment(fact, op) >= bound) is later


def _between(value: Sequence[Any]) -> Test:
    low, high = value
    if isinstance(low, str):
        first, after = span(low)[0], span(high)[1]
        return lambda fact, _now: first <= _moment(fact, "between") < after
    return lambda fact, _now: low <= _number(fact, "between") <= high


def _exists(value: object) -> Test:
    wanted = value is not False
    return lambda fact, _now: is_there(fact) is wanted


def is_there(fact: object) -> bool:
    """Neither None nor empty text nor an empty list."""
    return fact is not None and (not isinstance(fact, str | tuple | list) or len(fact) > 0)


@lru_cache(maxsize=1024)
def _matches(value: str) -> Test:
    meets = compile_pattern(value)
    # The rules and slots of a page test the same text: the last result is kept.
    last = ("", _search(meets, ""))

    def test(fact: object, _now: int) -> bool:
        nonlocal last
        text = _text(fact, "matches")
        if last[0] != text:
            last = (text, _search(meets, text))
        if last[1] is None:
            raise Unfinished(f"{value!r} gave up on a text of {len(text)} characters")
        return last[1]

    return test


def _search(meets: Callable[[str], bool], text: str) -> bool | None:
    """None when the search hit its step limit."""
    try:
        return meets(text)
    except TooManySteps:
        return None


def _within_days(value: float) -> Test:
    """Within the last `value` days; a negative value means the next days."""
    width = value * DAY_MS

    def test(fact: object, now: int) -> bool:
        past = now - _moment(fact, "within_days")
        return 0 <= past <= width if width >= 0 else width <= past <= 0

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
    "gt": _ordered("gt", lambda value: lambda fact, _now: _number(fact, "gt") > value),
    "ge": _ordered("ge", lambda value: lambda fact, _now: _number(fact, "ge") >= value),
    "lt": _ordered("lt", lambda value: lambda fact, _now: _number(fact, "lt") < value),
    "le": _ordered("le", lambda value: lambda fact, _now: _number(fact, "le") <= value),
    "between": _between,
    "exists": _exists,
    "starts_with": lambda value: lambda fact, _now: _text(fact, "starts_with").startswith(value),
    "matches": _matches,
    "within_days": _within_days,
    "distance_km": _distance_km,
    "semver": _semver,
}
