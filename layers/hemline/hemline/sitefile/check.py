"""Contradictions in a well-formed site file. Finding them needs the whole file.

Knows no YAML: places are paths, and `reader` finds their lines.
"""

from collections.abc import Iterator

from hemline.decide.ranking.candidates import PERSONAL
from hemline.decide.rules.conditions import Segments
from hemline.model.site.kinds import has_list, has_variants
from hemline.model.site.site import Site
from hemline.model.site.slot import Slot
from hemline.sitefile.check_rules import in_rules
from hemline.sitefile.names import unknown_names
from hemline.sitefile.nodes import Path
from hemline.sitefile.places import is_personal, placed
from hemline.sitefile.templates import in_templates


def contradictions(
    site: Site, broken: frozenset[str] = frozenset()
) -> Iterator[tuple[Path, str, str]]:
    """(path, problem, way out) of each contradiction in the well-formed site.

    `broken`: names of entries that are in the file but not in `site`, because they have other mistakes.
    """
    yield from _twice("slots", [slot.name for slot in site.slots])
    yield from _twice("rules", [rule.name for rule in site.rules])
    yield from _twice("segments", [segment.name for segment in site.segments])
    yield from _twice("templates", [template.name for template in site.templates])
    if site.currency in site.rates:
        problem = f"{site.currency} is the site's own currency."
        yield ("rates", site.currency), problem, "Leave it out: every other rate is in it."
    yield from in_rules(site)
    yield from in_templates(site, broken)
    yield from unknown_names(site, broken)
    segments = {segment.name: segment for segment in site.segments}
    for at, slot in enumerate(site.slots):
        yield from _in_slot(("slots", at), slot, segments)
    yield from _public_rules(site)


def _twice(where: str, names: list[str]) -> Iterator[tuple[Path, str, str]]:
    for at, name in enumerate(names):
        if name in names[:at]:
            yield (where, at, "name"), f"{name} stands here twice.", "Give each its own name."


def _in_slot(at: Path, slot: Slot, segments: Segments) -> Iterator[tuple[Path, str, str]]:
    variants = [variant.name for variant in slot.variants]
    for path, problem, way_out in _twice("variants", variants):
        yield (*at, *path), problem, way_out
    if has_variants(slot.kind):
        for n, name in enumerate(slot.fallback):
            if name not in variants:
                known = f"One of: {', '.join(variants)}."
                yield (*at, "fallback", n), f"there is no variant {name}.", known
    yield from _in_alert(at, slot)
    if not slot.personal:
        yield from _not_public(at, slot, segments)


def _in_alert(at: Path, slot: Slot) -> Iterator[tuple[Path, str, str]]:
    if slot.frequency and not slot.personal:
        problem = "what one person saw is personal."
        yield (*at, "frequency"), problem, "Set `personal: true` on the slot."
    if slot.frequency and slot.fallback:
        problem = (
            f"{slot.fallback[0]} is never shown: where nothing can be counted a cap shows nothing."
        )
        yield (*at, "fallback"), problem, "Leave it out, or the slot's `frequency`."
    if slot.opens and slot.opens.at == "idle" and not slot.opens.seconds:
        problem = "nobody is idle after 0 seconds."
        yield (*at, "opens"), problem, "Say for how long nothing happens, such as `seconds: 30`."


def _not_public(at: Path, slot: Slot, segments: Segments) -> Iterator[tuple[Path, str, str]]:
    for n, source in enumerate(slot.sources if has_list(slot.kind) else ()):
        if source in PERSONAL:
            where = (*at, "sources", n)
            yield where, f"{source} reads the visitor.", "Leave it out, or set `personal: true`."
    for v, variant in enumerate(slot.variants):
        for where, one in placed(variant.when, (*at, "variants", v, "when")):
            if is_personal(one.fact, segments):
                problem = f"{one.fact} is personal."
                yield (*where, "fact"), problem, "Set `personal: true` on the slot."


def _public_rules(site: Site) -> Iterator[tuple[Path, str, str]]:
    # A rule without `slots` covers all slots and never holds in a public one, which is no mistake.
    # A rule that names a public slot is a mistake.
    segments = {segment.name: segment for segment in site.segments}
    public = {slot.name for slot in site.slots if not slot.personal}
    for at, rule in enumerate(site.rules):
        touched = public.intersection(rule.slots)
        if not touched:
            continue
        for n, name in enumerate(rule.segments):
            if is_personal(f"segment.{name}", segments):
                problem = f"{name} is personal, {', '.join(sorted(touched))} is not."
                way_out = "Name only personal slots in the rule's `slots`."
                yield ("rules", at, "segments", n), problem, way_out
        for where, one in placed(rule.when, ("rules", at, "when")):
            if is_personal(one.fact, segments):
                problem = f"{one.fact} is personal, {', '.join(sorted(touched))} is not."
                way_out = "Name only personal slots in the rule's `slots`."
                yield (*where, "fact"), problem, way_out
