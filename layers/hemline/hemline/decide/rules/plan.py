"""Which rules hold: planned once per slot and stretch of the schedule, then evaluated with facts.

A plan holds only the rules of its slot that are within their schedule. Rules whose first condition is
`eq` or `in` are looked up by the fact's value in a dictionary. Rules with the same first condition share
its result. The remaining conditions are evaluated per rule.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from hemline.decide.facts.facts import Facts, MissingFact
from hemline.decide.rules.conditions import Holds, Segments, compile_all, segment_of
from hemline.model.site.kinds import ACTIONS, Fills
from hemline.model.site.rule import RESTRICTING, Condition, Rule, Some, When

_NAMED = 3
"""How many rule names one fault line lists before "and N more"."""
_BY_VALUE = frozenset({"eq", "in"})

_encode = msgspec.json.Encoder().encode


class CandidateRule(NamedTuple):
    """A rule whose first condition holds: its row, and the rest of its conditions."""

    order: int
    at: int
    rest: Holds | None


class _Failure(Exception):  # noqa: N818 - carries what went wrong to where rules have names
    pass


class RulePlan:
    """The rules of one slot in one stretch of its schedule."""

    def __init__(
        self, rules: Sequence[Rule], at: Sequence[int], compiled: Callable[[Sequence[When]], Holds]
    ) -> None:
        self._rules, self._compiled = rules, compiled
        self._always: list[CandidateRule] = []
        self._by_value: dict[str, dict[object, list[CandidateRule]]] = {}
        self._by_test: list[tuple[Holds, list[CandidateRule]]] = []
        self._sort(at)

    def _sort(self, at: Sequence[int]) -> None:
        shared: dict[bytes, list[CandidateRule]] = defaultdict(list)
        firsts: dict[bytes, When] = {}
        for order, row in enumerate(sorted(at, key=lambda row: (-self._rules[row].priority, row))):
            conditions = conditions_of(self._rules[row])
            first, rest = conditions[0] if conditions else None, conditions[1:]
            one = CandidateRule(order, row, self._compiled(rest) if rest else None)
            if first is None:
                self._always.append(one)
            elif isinstance(first, Condition) and _is_by_value(first):
                self._index(first, one)
            else:
                key = _encode(first)
                firsts[key] = first
                shared[key].append(one)
        self._by_test = [(self._compiled((firsts[key],)), found) for key, found in shared.items()]

    def _index(self, first: Condition, one: CandidateRule) -> None:
        values = first.value if isinstance(first.value, list) else [first.value]
        table = self._by_value.setdefault(first.fact, defaultdict(list))
        for value in dict.fromkeys(values):
            table[value].append(one)

    def fire(self, facts: Facts) -> tuple[list[int], tuple[str, ...]]:
        """(rows of the rules in force, the foremost first; what failed, with the rules' names)."""
        found: list[tuple[int, int]] = []
        faults: dict[str, list[int]] = {}
        for one in self._candidates(facts, found, faults):
            try:
                if one.rest is None or one.rest(facts):
                    found.append((one.order, one.at))
            except Exception as fault:  # noqa: BLE001 - reported with the rule's name, never "no match"
                self._doubt([one], fault, found, faults)
        found.sort()
        return [at for _, at in found], tuple(self._lines(faults))

    def _candidates(
        self, facts: Facts, found: list[tuple[int, int]], faults: dict[str, list[int]]
    ) -> Iterator[CandidateRule]:
        """Rules whose first condition holds. A rule in doubt goes to `found` and `faults` instead."""
        yield from self._always
        for name, table in self._by_value.items():
            try:
                yield from table.get(facts.read(name), ())
            except MissingFact:
                continue
            except Exception as fault:  # noqa: BLE001 - as above
                every = {one.at: one for row in table.values() for one in row}
                self._doubt(list(every.values()), fault, found, faults)
        for test, candidates in self._by_test:
            try:
                holds = test(facts)
            except Exception as fault:  # noqa: BLE001 - as above
                self._doubt(candidates, fault, found, faults)
                continue
            if holds:
                yield from candidates

    def _doubt(
        self,
        candidates: Sequence[CandidateRule],
        fault: Exception,
        found: list[tuple[int, int]],
        faults: dict[str, list[int]],
    ) -> None:
        """Records rules that could not be evaluated. Restricting ones count as in force."""
        faults.setdefault(f"{type(fault).__name__}: {fault}"[:200], []).extend(
            one.at for one in candidates
        )
        found += [
            (one.order, one.at) for one in candidates if self._rules[one.at].action in RESTRICTING
        ]

    def _lines(self, faults: Mapping[str, Sequence[int]]) -> Iterator[str]:
        for fault, rows in faults.items():
            names = [self._rules[at].name for at in sorted(rows)]
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            yield f"rule {', '.join(names[:_NAMED])}{more}: {fault}"


def conditions_of(rule: Rule) -> list[When]:
    """All conditions of a rule, its segments first."""
    scope = tuple(Condition(f"segment.{name}", "eq", value=True) for name in rule.segments)
    first: list[When] = [scope[0] if len(scope) == 1 else Some(scope)] if scope else []
    return first + list(rule.when)


def _is_by_value(first: Condition) -> bool:
    """Whether a dictionary look-up equals the comparison. A wrong operand is left to its test to report."""
    fits = isinstance(first.value, list) == (first.op == "in")
    return first.op in _BY_VALUE and fits and segment_of(first.fact) is None


class RulePlans:
    """Plans of an edition, made at a slot's first decision; kept for the current stretch only."""

    def __init__(self, rules: Sequence[Rule], segments: Segments) -> None:
        self._rules, self._segments = rules, segments
        edges = {edge for rule in rules for edge in (rule.since, rule.until) if edge is not None}
        self._edges = sorted(edges)
        self._made: dict[tuple[str, Fills], tuple[int, RulePlan]] = {}

    def of(self, slot: str, fills: Fills, now: int) -> RulePlan:
        """The plan for a slot at a time (epoch ms), of the rules whose action concerns `fills`."""
        stretch = bisect_right(self._edges, now)
        made = self._made.get((slot, fills))
        if made is None or made[0] != stretch:
            rules = enumerate(self._rules)
            use = ACTIONS[fills]
            at = [at for at, rule in rules if rule.action in use and _is_due(rule, slot, now)]
            made = self._made[slot, fills] = (stretch, RulePlan(self._rules, at, self.compiled))
        return made[1]

    def compiled(self, when: Sequence[When]) -> Holds:
        """Conditions as a test. If they do not compile, the test raises, so that the fault is reported."""
        try:
            return compile_all(when, self._segments)
        except Exception as why:  # noqa: BLE001 - whatever it is, its rule must not be lost
            message = str(why)

            def broken(_facts: Facts) -> bool:
                raise _Failure(message)

            return broken


def _is_due(rule: Rule, slot: str, now: int) -> bool:
    here = not rule.slots or slot in rule.slots
    begun = rule.since is None or rule.since <= now
    return here and begun and (rule.until is None or now < rule.until)
