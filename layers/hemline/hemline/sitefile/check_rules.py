"""Checks of rules that need the whole site: the cost of conditions with their segments, sources, dates."""

from collections.abc import Iterator, Mapping, Sequence

from hemline.decide.ranking.candidates import PERSONAL
from hemline.decide.rules.conditions import BadCondition, compile_all, segment_of
from hemline.decide.rules.plan import conditions_of
from hemline.model.site.rule import Rule, Segment, When, leaves
from hemline.model.site.site import Site
from hemline.sitefile.conditions import MOST_COST, cost
from hemline.sitefile.nodes import Path
from hemline.sitefile.schema import SiteModel
from hemline.sitefile.times import gap

Wrong = Iterator[tuple[Path, str, str]]


def in_rules(site: Site) -> Wrong:
    """(path, problem, way out) of each mistake in rules and in the conditions of variants."""
    segments = {segment.name: segment for segment in site.segments}
    for at, rule in enumerate(site.rules):
        yield from too_much(
            ("rules", at, "when"), conditions_of(rule), segments, len(rule.segments)
        )
        yield from _of_slots(("rules", at), rule, site)
    for at, slot in enumerate(site.slots):
        for n, variant in enumerate(slot.variants):
            yield from too_much(("slots", at, "variants", n, "when"), variant.when, segments)


def left_out(model: SiteModel) -> Wrong:
    """Start and end times in the gap where the site's clocks are put forward: they do not exist."""
    for at, rule in enumerate(model.rules):
        for field, moment in (("from", rule.since), ("until", rule.until)):
            found = gap(moment, model.time_zone) if moment else None
            if found:
                before, after = found
                problem = f"clocks in {model.time_zone} are put forward from {before} to {after}."
                way_out = f"There is no {moment} there: write '{after}', or an earlier time."
                yield ("rules", at, field), problem, way_out


def _reached(segment: Segment, segments: Mapping[str, Segment]) -> set[str]:
    """Names of the segments that it refers to, directly or through other segments."""
    found: set[str] = set()
    waiting = [segment]
    while waiting:
        inner = leaves(waiting.pop().when)
        names = {name for one in inner if (name := segment_of(one.fact))} - found
        found |= names
        waiting += [segments[name] for name in names if name in segments]
    return found


def too_much(
    at: Path, when: Sequence[When], segments: Mapping[str, Segment], free: int = 0
) -> Wrong:
    """Conditions that cost too much together with their segments, or that serving cannot compile.

    `free` is subtracted from the cost: the comparisons of a rule's own `segments` field.
    """
    names = {name for one in leaves(when) if (name := segment_of(one.fact))}
    for name in tuple(names):
        names |= _reached(segments[name], segments) if name in segments else set()
    total = cost(when) - free + sum(cost(segments[n].when) for n in names if n in segments)
    if total > MOST_COST:
        problem = f"costs {total} comparisons with its segments; at most {MOST_COST}."
        yield at, problem, "Name fewer segments, or make it several parts."
    elif names <= segments.keys() and not any(n in _reached(segments[n], segments) for n in names):
        try:
            compile_all(when, segments)
        except BadCondition as why:
            yield at, f"cannot be asked: {why}.", "Write the inner segments' conditions out."


def _of_slots(at: Path, rule: Rule, site: Site) -> Wrong:
    """Personal sources in a rule that names a public slot: that slot reads no visitor."""
    slots = [slot for slot in site.slots if slot.name in rule.slots]
    public = [slot.name for slot in slots if not slot.personal]
    for n, source in enumerate(rule.sources if public else ()):
        if source in PERSONAL:
            problem = f"{source} reads the visitor, {', '.join(public)} does not."
            yield (*at, "sources", n), problem, "Name only personal slots in the rule's `slots`."
