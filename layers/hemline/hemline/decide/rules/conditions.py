"""Conditions compiled to closures over facts, once per edition.

A segment is a name for conditions, not a fact. Its conditions read through the same `Facts`, so the
answer's scope is the widest scope that the segment actually read.
"""

from collections.abc import Callable, Mapping, Sequence

from hemline.decide.facts.facts import Facts, MissingFact
from hemline.decide.rules.operators import OPERATORS, Unfinished
from hemline.model.site.rule import Condition, Every, Not, Segment, Some, When

Holds = Callable[[Facts], bool]
"""Raises Misfit, and what reading a fact raises except MissingFact."""
Segments = Mapping[str, Segment]

_PREFIX = "segment."
_TIMED = frozenset({"within_days"})
_MOST_DEPTH = 32


class BadCondition(ValueError):  # noqa: N818 - named for what it says, as the errors are
    """It cannot be compiled: an unknown segment, a cycle of segments, or an unusable operand."""


def segment_of(fact: str) -> str | None:
    """Segment name in a `segment.…` fact; None for other facts."""
    return fact.removeprefix(_PREFIX) if fact.startswith(_PREFIX) else None


def compile_all(conditions: Sequence[When], segments: Segments, depth: int = 0) -> Holds:
    """A test that all hold. It stops at the first that fails; no conditions hold. Raises BadCondition."""
    if depth > _MOST_DEPTH:
        raise BadCondition("conditions are nested too deeply, or segments name each other")
    tests = [_compiled(one, segments, depth + 1) for one in conditions]
    return tests[0] if len(tests) == 1 else lambda facts: all(test(facts) for test in tests)


def _compiled(one: When, segments: Segments, depth: int) -> Holds:
    if isinstance(one, Condition):
        name = segment_of(one.fact)
        return _leaf(one) if name is None else _segment(name, one, segments, depth)
    if isinstance(one, Every):
        return compile_all(one.of, segments, depth)
    if isinstance(one, Not):
        inner = compile_all((one.of,), segments, depth)
        return lambda facts: not inner(facts)
    return _some(one, segments, depth)


def _some(one: Some, segments: Segments, depth: int) -> Holds:
    tests = [compile_all((part,), segments, depth) for part in one.of]
    return lambda facts: any(test(facts) for test in tests)


def _leaf(one: Condition) -> Holds:
    """A missing fact satisfies only `exists: false`. An unfinished search satisfies nothing."""
    test, name, absent = _test(one), one.fact, one.op == "exists" and one.value is False
    timed = one.op in _TIMED

    def holds(facts: Facts) -> bool:
        try:
            fact = facts.read(name)
        except MissingFact:
            return absent
        if fact is None:
            return absent
        try:
            return test(fact, facts.read("clock.minute") if timed else 0)
        except Unfinished as why:
            facts.unfinished[f"{name} matches: {why}, taken as no match"] = None
            return False

    return holds


def _test(one: Condition) -> Callable[[object, int], bool]:
    try:
        return OPERATORS[one.op](one.value)
    except (TypeError, ValueError) as why:
        raise BadCondition(f"{one.fact} {one.op}: {why}") from None


def _segment(name: str, one: Condition, segments: Segments, depth: int) -> Holds:
    if name not in segments:
        raise BadCondition(f"there is no segment {name}")
    inner, test = compile_all(segments[name].when, segments, depth), _test(one)

    def holds(facts: Facts) -> bool:
        known = facts.segments.get(name)
        if known is None:
            known = facts.segments[name] = inner(facts)
        return test(known, 0)

    return holds


def holds(condition: When, facts: Facts, segments: Segments | None = None) -> bool:
    """Compiles and evaluates one condition; for tools and tests."""
    return compile_all((condition,), segments or {})(facts)


def all_hold(conditions: Sequence[When], facts: Facts, segments: Segments | None = None) -> bool:
    """Compiles and evaluates all conditions; for tools and tests."""
    return compile_all(conditions, segments or {})(facts)
