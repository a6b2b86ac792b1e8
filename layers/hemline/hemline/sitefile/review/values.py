"""Which values of a fact a review tries: enough of them to decide whether comparisons can hold together.

For most facts: the values in the comparisons, and values between and beside them. For facts with few
values: all of them.
"""

from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise, product
from string import ascii_uppercase
from typing import NamedTuple

from hemline.decide.facts.clock import WEEKDAYS, civil, span
from hemline.decide.facts.names import kind_of
from hemline.decide.facts.values import bounds
from hemline.model.durations import DAY_MS


class Requirement(NamedTuple):
    """One comparison that must hold, or must not if `holds` is False. Lists are tuples, to be hashable."""

    fact: str
    op: str
    value: object
    holds: bool = True


Case = frozenset[Requirement]
"""A conjunction: all of its requirements at once."""

Domain = Callable[[Case], Iterable[object]]
"""Values that a fact may have, given what it is compared with; enough of them to decide."""


def domain(fact: str) -> Domain:
    """The domain of a fact: by its name, its bounds or its kind."""
    limits = bounds(fact)
    if fact in DOMAINS or limits is None:
        return DOMAINS.get(fact) or _KINDS.get(kind_of(fact) or "", _anything)
    return _between(*limits)


def _between(low: float, high: float) -> Domain:
    def values(literals: Case) -> Iterable[object]:
        return (low, *(v for v in _some_numbers(literals) if low <= v <= high))

    return values


def decided(literals: Case) -> Case:
    """The requirements that the values can decide.

    No value tried is a date with a given beginning or part. So beside dates, those operators are left out.
    """
    if not any(_dates(one) for one in literals):
        return literals
    return frozenset(one for one in literals if one.op not in {"starts_with", "contains"})


def _dates(literal: Requirement) -> list[str]:
    """The dates in an ordering comparison."""
    values = literal.value if isinstance(literal.value, tuple) else (literal.value,)
    ordered = literal.op in {"gt", "ge", "lt", "le", "between"}
    return [one for one in values if ordered and isinstance(one, str)]


def _itself(value: object) -> tuple[object, ...]:
    return (value,)


def _each(value: object) -> tuple[object, ...]:
    return tuple(value) if isinstance(value, tuple) else (value,)


def _nothing(_: object) -> tuple[object, ...]:
    return ()


WITNESSES: Mapping[str, Callable[[object], tuple[object, ...]]] = {
    "eq": _itself,
    "ne": _itself,
    "in": _each,
    "contains": _itself,
    "gt": _itself,
    "ge": _itself,
    "lt": _itself,
    "le": _itself,
    "between": _each,
    "exists": _nothing,
    "starts_with": _itself,
}
"""Operator → the values at which its outcome may change. An operator without entry is undecided."""

_OTHER = "\x00other"
"""A text that no site file contains."""


def _anything(literals: Case) -> Iterable[object]:
    """Enough values for facts of any type."""
    mentioned = [v for one in literals if one.op in WITNESSES for v in WITNESSES[one.op](one.value)]
    yield from mentioned
    yield from _days(literals)
    yield from (True, False, "", _OTHER, (), (_OTHER,))
    yield from _some_numbers(literals)
    held = [one.value for one in literals if one.op == "contains" and one.holds]
    yield from (tuple(held), (*held, _OTHER))
    texts = [text for text in held if isinstance(text, str)]
    starts = [
        one.value for one in literals if one.op == "starts_with" and isinstance(one.value, str)
    ]
    for start in ("", *starts):
        # No site file contains the separator, so joining creates no accidental matches.
        yield "\x00".join((start, *texts, ""))


def _days(literals: Case) -> Iterable[str]:
    """The day of each date, the day before and the day after."""
    for date in (date for one in literals for date in _dates(one)):
        for day in (span(date)[0] // DAY_MS + beside for beside in (-1, 0, 1)):
            yield "{:04}-{:02}-{:02}".format(*civil(day))


def _some_numbers(literals: Case) -> Iterable[float]:
    """Numbers to try. A date counts as its first and last moment (epoch ms)."""
    named = [v for one in literals if one.op in WITNESSES for v in WITNESSES[one.op](one.value)]
    moments = [at for one in literals for date in _dates(one) for at in span(date)]
    points = [v for v in named if isinstance(v, int | float)] + moments
    yield from points
    yield from _numbers(points)


def _numbers(mentioned: list[float]) -> Iterable[float]:
    points = sorted(mentioned) or [0.0]
    yield points[0] - 1
    yield points[-1] + 1
    for low, high in pairwise(points):
        yield (low + high) / 2


def _only(*values: object) -> Domain:
    return lambda _: values


_COUNTRIES = tuple("".join(pair) for pair in product(ascii_uppercase, repeat=2))

DOMAINS: Mapping[str, Domain] = {
    "trait.country": _only("", *_COUNTRIES),
    "trait.device": _only("", "mobile", "tablet", "desktop"),
    **dict.fromkeys(("clock.weekday", "trait.weekday"), _only(*WEEKDAYS)),
    **dict.fromkeys(
        ("clock.season", "trait.season"), _only("winter", "spring", "summer", "autumn")
    ),
    **dict.fromkeys(("clock.hour", "trait.hour"), _only(*range(24))),
}
"""Fact → all values that it can have. Other facts use their bounds or their kind."""
_KINDS: Mapping[str, Domain] = {
    "flag": _only(True, False),
    "time": _some_numbers,
    "date": lambda literals: (v for v in _anything(literals) if isinstance(v, str)),
}
