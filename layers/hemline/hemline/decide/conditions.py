"""Conditions over facts: one dispatch table of operators."""

from collections.abc import Callable, Mapping, Sequence

from hemline.decide.facts import Facts, MissingFact
from hemline.model.rule import Condition, Operator

Test = Callable[[object, object], bool]


def _number(test: Callable[[float, float], bool]) -> Test:
    def compare(fact: object, value: object) -> bool:
        if isinstance(fact, (int, float)) and isinstance(value, (int, float)):
            return test(fact, value)
        return False

    return compare


def _contains(fact: object, value: object) -> bool:
    return isinstance(fact, (str, tuple, list, set, frozenset)) and value in fact


OPERATORS: Mapping[Operator, Test] = {
    "eq": lambda fact, value: fact == value,
    "ne": lambda fact, value: fact != value,
    "in": lambda fact, value: isinstance(value, (list, tuple)) and fact in value,
    "contains": _contains,
    "gt": _number(lambda fact, value: fact > value),
    "ge": _number(lambda fact, value: fact >= value),
    "lt": _number(lambda fact, value: fact < value),
    "le": _number(lambda fact, value: fact <= value),
    "exists": lambda _fact, value: value is not False,
}


def holds(condition: Condition, facts: Facts) -> bool:
    """Whether it holds; a missing fact satisfies only `exists: false`."""
    try:
        fact = facts.read(condition.fact)
    except MissingFact:
        return condition.op == "exists" and condition.value is False
    return OPERATORS[condition.op](fact, condition.value)


def all_hold(conditions: Sequence[Condition], facts: Facts) -> bool:
    """True for no conditions; stops reading at the first that fails."""
    return all(holds(condition, facts) for condition in conditions)
