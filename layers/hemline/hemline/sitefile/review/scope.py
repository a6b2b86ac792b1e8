"""The scope of each rule: the cases in which it holds, and the slots in which it acts."""

import contextlib
from collections.abc import Mapping
from typing import NamedTuple

from hemline.decide.rules.plan import conditions_of
from hemline.model.site.kinds import KINDS
from hemline.model.site.rule import Rule
from hemline.model.site.site import Site
from hemline.sitefile.review.logic import Cases, TooMany, both, cases, implies, together
from hemline.sitefile.review.remark import Path
from hemline.sitefile.review.times import clock


class Scoped(NamedTuple):
    """A rule with its scope. `cases`: None for too many. `slots`: names of the slots in which it acts."""

    path: Path
    rule: Rule
    cases: Cases | None
    slots: frozenset[str]


def scoped(site: Site) -> list[Scoped]:
    """Every rule of the site, the strongest first: by priority, then by order in the file."""
    segments = segment_cases(site)
    found = [
        Scoped(("rules", place), rule, rule_cases(rule, segments), _slots(rule, site))
        for place, rule in enumerate(site.rules)
    ]
    return sorted(found, key=lambda one: -one.rule.priority)


def _slots(rule: Rule, site: Site) -> frozenset[str]:
    named = [slot for slot in site.slots if not rule.slots or slot.name in rule.slots]
    return frozenset(slot.name for slot in named if rule.action in KINDS[slot.kind].actions)


def segment_cases(site: Site) -> dict[str, Cases]:
    """Segment name → cases in which a visitor is in it. Segments with too many cases are left out."""
    found: dict[str, Cases] = {}
    for segment in site.segments:
        with contextlib.suppress(TooMany):
            found[segment.name] = cases(segment.when, found)
    return found


def rule_cases(rule: Rule, segments: Mapping[str, Cases]) -> Cases | None:
    """The cases in which the rule holds, from its conditions, segments and dates; None for too many."""
    dates = (("ge", rule.since), ("lt", rule.until))
    try:
        return both(
            cases(conditions_of(rule), segments),
            *(clock(op, moment) for op, moment in dates if moment is not None),
        )
    except TooMany:
        return None


def within(one: Scoped, other: Scoped) -> bool:
    """Whether `other` holds in every slot and case in which `one` does; False if undecided."""
    if one.cases is None or other.cases is None or not one.slots <= other.slots:
        return False
    return implies(one.cases, other.cases)


def meet(one: Scoped, other: Scoped) -> frozenset[str]:
    """The slots in which both may hold at the same time; undecided cases count as yes."""
    if one.cases is None or other.cases is None or together(one.cases, other.cases):
        return one.slots & other.slots
    return frozenset()
