"""Whether conditions can hold at all, and whether those of one rule imply those of another.

Tries values (from `values`) with the operators that serving uses. Undecided conditions (an operator
without an entry in WITNESSES, too many cases) count as possible. So "never" is always right for facts
of the type that they are compared as. Knows no site and no clock.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import product

from hemline.decide.rules.conditions import segment_of
from hemline.decide.rules.operators import OPERATORS
from hemline.model.site.rule import Condition, Every, Not, Some, When
from hemline.sitefile.review.values import WITNESSES, Case, Requirement, decided, domain

Cases = frozenset[Case]
"""A disjunction: at least one case holds. The empty set never holds."""

ALWAYS: Cases = frozenset({frozenset()})
NEVER: Cases = frozenset()
_MOST_CASES = 256
"""Conditions with more cases are left undecided, because the product of cases grows exponentially."""


class TooMany(Exception):  # noqa: N818 - never leaves this module's callers
    """The conditions have more than _MOST_CASES cases."""


def cases(when: Sequence[When], segments: Mapping[str, Cases] = {}) -> Cases:
    """The cases of conditions that must all hold; `segments` by name. Raises TooMany."""
    return both(*(_of(condition, segments) for condition in when))


def _of(when: When, segments: Mapping[str, Cases]) -> Cases:
    if isinstance(when, Every):
        return cases(when.of, segments)
    if isinstance(when, Some):
        return either(*(_of(one, segments) for one in when.of))
    if isinstance(when, Not):
        return denied(_of(when.of, segments))
    return _leaf(when, segments)


def _leaf(when: Condition, segments: Mapping[str, Cases]) -> Cases:
    frozen = tuple(when.value) if isinstance(when.value, list) else when.value
    literal = Requirement(when.fact, when.op, frozen)
    inside = segments.get(segment_of(when.fact) or "")
    if inside is None:
        return frozenset({frozenset({literal})})
    found = (inside if _agrees(literal, value=True) else NEVER,)
    return either(*found, denied(inside) if _agrees(literal, value=False) else NEVER)


def both(*parts: Cases) -> Cases:
    """All of the parts at once."""
    found = ALWAYS
    for part in parts:
        if len(found) * len(part) > _MOST_CASES:
            raise TooMany
        found = frozenset(one | other for one, other in product(found, part))
    return found


def either(*parts: Cases) -> Cases:
    """At least one of the parts."""
    return NEVER.union(*parts)


def denied(of: Cases) -> Cases:
    """The cases in which none of these holds."""
    return both(
        *(frozenset(frozenset({one._replace(holds=not one.holds)}) for one in case) for case in of)
    )


def possible(of: Cases) -> bool:
    """False only when no facts can make any of the cases hold."""
    return any(not clashes(case) for case in of)


def implies(one: Cases, other: Cases) -> bool:
    """True only when the other holds whenever the one does."""
    try:
        return not possible(both(one, denied(other)))
    except TooMany:
        return one == other


def together(one: Cases, other: Cases) -> bool:
    """False only when the two can never hold at the same time."""
    try:
        return possible(both(one, other))
    except TooMany:
        return True


def clashes(case: Case) -> list[str]:
    """The facts on which the case contradicts itself, by name."""
    facts = sorted({literal.fact for literal in case})
    return [fact for fact in facts if not _any(fact, _about(fact, case))]


def _about(fact: str, case: Case) -> Case:
    return frozenset(literal for literal in case if literal.fact == fact)


class _Missing:
    """The type of _MISSING, the value of a missing fact."""


_MISSING = _Missing()


@lru_cache(maxsize=20_000)
def _any(fact: str, literals: Case) -> bool:
    """Whether some value of the fact satisfies them all."""
    plain = {literal[:3] for literal in literals}
    if len(plain) < len(literals):  # the same comparison must both hold and not hold
        return False
    values = (_MISSING, *domain(fact)(literals))
    told = decided(literals)
    return any(all(_agrees(literal, value) for literal in told) for value in values)


def _agrees(literal: Requirement, value: object) -> bool:
    if isinstance(value, _Missing):
        return (literal.op == "exists" and literal.value is False) == literal.holds
    if literal.op not in WITNESSES:
        return True
    try:
        test = OPERATORS[literal.op](literal.value)  # type: ignore[index] # any text: seen just now
        return test(value, 0) == literal.holds
    except (TypeError, ValueError):
        return False  # a value of another type: serving fails the rule and reports it
