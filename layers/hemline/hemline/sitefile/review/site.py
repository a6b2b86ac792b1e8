"""Reviews a site: rules that can never hold, never take effect, or have no end.

Works on the structs; places are paths, and `reader` finds their lines. Remarks about rules alone are
true for every catalogue; remarks about a catalogue are true for that catalogue only.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from hemline.decide.facts.values import in_words
from hemline.model.item import Item
from hemline.model.site.rule import Rule, When
from hemline.model.site.site import Site
from hemline.sitefile.review.effects import effects
from hemline.sitefile.review.exploration import cold_start
from hemline.sitefile.review.items import references
from hemline.sitefile.review.logic import Cases, TooMany, cases, clashes, possible
from hemline.sitefile.review.money import rates
from hemline.sitefile.review.remark import Path, Remark
from hemline.sitefile.review.scope import Scoped, scoped, segment_cases
from hemline.sitefile.review.templates import templates
from hemline.sitefile.review.times import endless, live, over

_PROMOTES = frozenset({"pin", "boost", "bury", "variant", "source", "reorder", "suppress"})
"""Actions of campaigns, which should end. Rules with other actions may stay forever."""


class Against(NamedTuple):
    """What the review compares the site with: `now` (epoch ms), and the catalogue or None."""

    now: int
    items: Sequence[Item] | None = None


def review(site: Site, against: Against) -> list[Remark]:
    """All remarks, sorted by place."""
    found: list[Remark] = []
    sound: list[Scoped] = []
    for one in scoped(site):
        remarks = list(_never(one.path, one.cases, against.now, one.rule))
        found += remarks or _no_end(one)
        if not remarks:
            sound.append(one)
    for path, of in _others(site):
        found += _never(path, of, against.now)
    found += effects(site, sound)
    found += templates(site)
    found += cold_start(site)
    if against.items is not None:
        found += rates(site, against.items)
        found += references(site, sound, site.money.compared(against.items))
    return sorted(
        _strongest(found), key=lambda remark: ([str(p).zfill(6) for p in remark.path], remark)
    )


def _strongest(found: Sequence[Remark]) -> set[Remark]:
    """Drop warnings and notes that have an error with the same path and code: the error says more."""
    errors = {(remark.path, remark.code) for remark in found if remark.severity == "error"}
    return {r for r in found if r.severity == "error" or (r.path, r.code) not in errors}


def _others(site: Site) -> Iterator[tuple[Path, Cases | None]]:
    """(path, cases) of segments and variants, which have conditions too."""
    segments = segment_cases(site)
    for place, segment in enumerate(site.segments):
        yield ("segments", place), segments.get(segment.name)
    for place, slot in enumerate(site.slots):
        for n, variant in enumerate(slot.variants):
            yield ("slots", place, "variants", n), _cases(variant.when, segments)


def live_rules(site: Site, moment: int) -> Iterator[Rule]:
    """Rules that can hold for some visitor at `moment` (epoch ms), the strongest first."""
    for one in scoped(site):
        if one.cases is None or live(one.cases, moment, site.time):
            yield one.rule


def _never(path: Path, of: Cases | None, now: int, rule: Rule | None = None) -> Iterator[Remark]:
    if of is None:
        return
    if not possible(of):
        facts = sorted({fact for case in of for fact in clashes(case)})
        named = " and ".join(_named(fact, rule) for fact in facts)
        problem = f"it can never hold: {named or 'what it asks'} is never so."
        known = [f"{fact} is {words}" for fact in facts if (words := in_words(fact))]
        hint = f" ({'; '.join(known)})" if known else ""
        way_out = f"Correct the conditions{hint}, or remove it."
        yield Remark(path, "error", "dead", problem, way_out)
    elif over(of, now):
        problem = "its time is over: it cannot hold any more."
        yield Remark(path, "warning", "over", problem, "Remove it, or give it a new end.")


def _named(fact: str, rule: Rule | None) -> str:
    """What is asked of a fact, in words. A rule's dates become `clock.minute`, so that name is explained."""
    dated = rule is not None and (rule.since is not None or rule.until is not None)
    if fact == "clock.minute" and dated:
        return "what its dates (`from`, `until`, clock.minute) ask"
    return f"what it asks of {fact}"


def _no_end(one: Scoped) -> list[Remark]:
    if one.cases is None or not endless(one.cases):
        return []
    problem = "it has no end date."
    if one.rule.action in _PROMOTES:
        way_out = "Give it one, so that nobody has to remember to remove it."
        return [Remark(one.path, "warning", "no-end", problem, way_out)]
    return [Remark(one.path, "note", "no-end", problem, "Right for a standing rule.")]


def _cases(when: Sequence[When], segments: Mapping[str, Cases]) -> Cases | None:
    try:
        return cases(when, segments)
    except TooMany:
        return None
