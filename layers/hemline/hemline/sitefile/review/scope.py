"""A rule with what a review compares: when it holds, and in which slots."""

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
    """`cases` None: too many to be looked at. `slots`: the names of those it does something in."""

    path: Path
    rule: Rule
    cases: Cases | None
    slots: frozenset[str]


def scoped(site: Site) -> list[Scoped]:
    """Every rule of the site, the strongest first: by priority, then as they stand in the file."""
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
    """Segment → when somebody is in it; without those that have too many cases."""
    found: dict[str, Cases] = {}
    for segment in site.segments:
        with contextlib.suppress(TooMany):
            found[segment.name] = cases(segment.when, found)
    return found


def rule_cases(rule: Rule, segments: Mapping[str, Cases]) -> Cases | None:
    """When it is in force: its conditions, its segments and its dates; None for too many cases."""
    dates = (("ge", rule.since), ("lt", rule.until))
    try:
        return both(
            cases(conditions_of(rule), segments),
            *(clock(op, moment) for op, moment in dates if moment is not None),
        )
    except TooMany:
        return None


def within(one: Scoped, other: Scoped) -> bool:
    """Whether `other` is in force wherever and whenever `one` is."""
    if one.cases is None or other.cases is None or not one.slots <= other.slots:
        return False
    return implies(one.cases, other.cases)


def meet(one: Scoped, other: Scoped) -> frozenset[str]:
    """The slots in which the two may be in force at the same time."""
    if one.cases is None or other.cases is None or together(one.cases, other.cases):
        return one.slots & other.slots
    return frozenset()
