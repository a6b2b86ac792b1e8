"""Reach of a site file change: the share of recent visitors it affects, by running real decisions."""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from hemline.decide.engine import Engine
from hemline.decide.facts.facts import Facts, FactSource
from hemline.decide.page import PageRequest, decide_page
from hemline.decide.rules.conditions import BadCondition, Holds, compile_all
from hemline.decide.rules.operators import Misfit
from hemline.decide.rules.plan import conditions_of
from hemline.decide.token import TokenContext
from hemline.model.decision import Fragment, SlotRequest
from hemline.model.durations import MINUTE_MS
from hemline.model.site.rule import Rule, Segment, When, leaves
from hemline.model.site.site import Site
from hemline.sitefile.review.compare import Named, Part, SiteChange, changes, parts
from hemline.usecases.serving.fact_providers import fact_providers
from hemline.usecases.serving.visitor_context import VisitorContext
from hemline.usecases.sites.recent_visitors import KNOWN_FACTS, Moment, VisitorSample

_KEY = b"receipts of a comparison go nowhere"


class Reach(msgspec.Struct, frozen=True):
    """Share of recent visitors, with the standard error of the sample; None and why when unknown."""

    share: float | None
    error: float | None = None
    why: str = ""


class ChangeReach(msgspec.Struct, frozen=True):
    """A change and the share of visitors it affects.

    Of rules and segments: those for whom the conditions of the old or the new one held at one of their
    moments, its dates aside.
    """

    change: SiteChange
    reach: Reach | None = None


class SlotReach(msgspec.Struct, frozen=True):
    """Share of recent visitors who would be shown something else in this slot."""

    slot: str
    reach: Reach


class Sides(NamedTuple):
    """The old and the new site, each with an edition over the same catalogue and history."""

    old: Site
    new: Site
    engines: tuple[Engine, Engine]


def change_reaches(sides: Sides, sample: VisitorSample) -> list[ChangeReach]:
    """Every change, rule by rule, with its reach."""
    named = {(one.kind, one.name): one for one in parts(sides.old, sides.new)}
    return [
        ChangeReach(
            change,
            _reach(one, sides, sample) if (one := named.get((change.kind, change.name))) else None,
        )
        for change in changes(sides.old, sides.new)
    ]


def slots(sides: Sides, sample: VisitorSample, now: int) -> list[SlotReach]:
    """Each slot that both have: who, as of `now` (epoch ms), would see something else there."""
    before = {slot.name for slot in sides.old.slots}
    names = [slot.name for slot in sides.new.slots if slot.name in before]
    if not names:
        return []
    counts = dict.fromkeys(names, 0)
    for moments in sample.visitors:
        last = moments[-1]._replace(now=now)
        old, new = (_shown(engine, names, last) for engine in sides.engines)
        for name in names:
            counts[name] += old[name] != new[name]
    return [SlotReach(name, share(count, sample)) for name, count in counts.items()]


def _shown(engine: Engine, names: Sequence[str], moment: Moment) -> dict[str, object]:
    """Each slot alone: which of them stand on one page the site file does not say."""
    visitor = _visitor_context(engine, moment)
    token_context = TokenContext((_KEY,), lambda: visitor.subject_reference(_KEY))
    found: dict[str, object] = {}
    for name in names:
        page_request = PageRequest(moment.page, moment.traits, (SlotRequest(name),), "json")
        made = decide_page(
            engine, page_request, FactSource(fact_providers(page_request, visitor)), token_context
        )
        found[name] = _answer(made[name])
    return found


def _answer(fragment: Fragment) -> object:
    body = msgspec.json.decode(fragment.body)
    return fragment.items or body.get("variant") or body.get("sections")


def _visitor_context(engine: Engine, moment: Moment) -> VisitorContext:
    return VisitorContext(
        moment.visit, moment.serving_read, engine, moment.now - moment.now % MINUTE_MS
    )


def _reach(named: Named, sides: Sides, sample: VisitorSample) -> Reach | None:
    if named.kind in {"slot", "template"}:
        return None
    tests: list[tuple[Engine, Holds, bool]] = []
    for site, part, engine in zip(
        (sides.old, sides.new), (named.old, named.new), sides.engines, strict=True
    ):
        if part is None:
            continue
        when, segments = _conditions(part), {one.name: one for one in site.segments}
        unknown = _unarchived_facts(when, segments)
        if unknown:
            return Reach(None, why=f"the archive does not tell {', '.join(unknown)}")
        try:
            tests.append((engine, compile_all(when, segments), _is_personal(part, site)))
        except BadCondition as fault:
            return Reach(None, why=str(fault))
    try:
        return share(sum(_touched(tests, moments) for moments in sample.visitors), sample)
    except Misfit as fault:
        return Reach(None, why=f"its conditions fail: {fault}")


def _conditions(part: Part) -> Sequence[When]:
    if isinstance(part, Rule):
        return conditions_of(part)
    return part.when if isinstance(part, Segment) else ()


def _unarchived_facts(when: Iterable[When], segments: dict[str, Segment]) -> list[str]:
    """Facts that the conditions read but the archive does not hold."""
    found: set[str] = set()
    ahead, seen = list(leaves(list(when))), set[str]()
    while ahead:
        fact = ahead.pop().fact
        name = fact.removeprefix("segment.")
        if fact != name and name not in seen:
            seen.add(name)
            ahead += leaves(segments[name].when) if name in segments else ()
        elif fact == name and not fact.startswith(KNOWN_FACTS):
            found.add(fact)
    return sorted(found)


def _is_personal(part: Part, site: Site) -> bool:
    """Whether it may read the visitor anywhere."""
    within = part.slots if isinstance(part, Rule) else ()
    return any(slot.personal for slot in site.slots if not within or slot.name in within)


def _touched(tests: Sequence[tuple[Engine, Holds, bool]], moments: Sequence[Moment]) -> bool:
    return any(
        holds(_facts(engine, moment, personal=personal))
        for moment in moments
        for engine, holds, personal in tests
    )


def _facts(engine: Engine, moment: Moment, *, personal: bool) -> Facts:
    page_request = PageRequest(moment.page, moment.traits, (), "json")
    return Facts(
        FactSource(fact_providers(page_request, _visitor_context(engine, moment))),
        personal=personal,
    )


def share(count: int, sample: VisitorSample) -> Reach:
    """A share of the sample with its standard error; nothing is uncertain about a whole population."""
    n = len(sample.visitors)
    if not n:
        return Reach(None, why="there were no visitors")
    # Add half a visitor to each side: 0 of a small sample must not get a standard error of 0.
    smoothed = (count + 0.5) / (n + 1)
    rest = 1 - n / max(sample.population, n)
    return Reach(count / n, math.sqrt(smoothed * (1 - smoothed) / max(n - 1, 1) * rest))
