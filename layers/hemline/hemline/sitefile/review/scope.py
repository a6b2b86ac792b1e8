"""A rule with what a review compares: when it holds, and in which slots."""

import contextlib
from collections.abc import Mapping
from typing import NamedTuple

from hemline.decide.rules.plan import conditions_of
from hemline.model.site.rule import Action, Rule
from hemline.model.site.site import Site
from hemline.sitefile.review.logic import Cases, TooMany, both, cases, implies, together
from hemline.sitefile.review.remark import Path
from hemline.sitefile.review.times import clock

_CHOOSING = frozenset({"content", "alert"})
_KINDS: Mapping[Action, frozenset[str]] = {
    "variant": _CHOOSING,
    "reorder": frozenset({"layout"}),
    # A variant may be about an item, and goes where that item goes.
    **dict.fromkeys(("block", "exclude", "filter", "include"), _CHOOSING | {"items"}),
    "suppress": _CHOOSING | {"items"},
}
"""Action → the kinds of slots that it does something to; lists, where it is not named."""
_LISTS = frozenset({"items"})


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
    kinds = _KINDS.get(rule.action, _LISTS)
    named = [slot for slot in site.slots if not rule.slots or slot.name in rule.slots]
    return frozenset(slot.name for slot in named if slot.kind in kinds)


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
