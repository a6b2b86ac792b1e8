"""References in a site file that must exist in it: slots, segments, variants, sections."""

from collections.abc import Iterable, Iterator, Sequence

from hemline.decide.rules.conditions import Segments, segment_of
from hemline.model.site.rule import Rule, When, leaves
from hemline.model.site.site import Site
from hemline.model.site.slot import Slot
from hemline.sitefile.nodes import Path
from hemline.sitefile.places import placed

Mistake = tuple[Path, str, str]
"""(place, problem, way out)."""


def unknown_names(site: Site, broken: frozenset[str]) -> Iterator[Mistake]:
    """References to nothing. `broken`: names in the file but not in `site`, which have other mistakes."""
    slots = {slot.name: slot for slot in site.slots}
    segments = {segment.name: segment for segment in site.segments}
    for path, kind, name in _named(site):
        known: Iterable[str] = slots if kind == "slot" else segments
        if name not in known and name not in broken:
            yield path, f"there is no {kind} {name}.", _one_of(known)
    for at, rule in enumerate(site.rules):
        # A broken slot is not in `site`, but may have the variant or section that seems missing.
        if not broken or (rule.slots and not broken.intersection(rule.slots)):
            here = [slots[name] for name in rule.slots if name in slots] or site.slots
            yield from _chosen(("rules", at), rule, here)
    for at, segment in enumerate(site.segments):
        if _names_itself(segment.name, segments):
            problem = f"{segment.name} stands for itself."
            yield ("segments", at), problem, "Take it out of what it is made of."


def _named(site: Site) -> Iterator[tuple[Path, str, str]]:
    """(place, `slot` or `segment`, name) of each reference to a slot or segment."""
    for at, rule in enumerate(site.rules):
        for field in ("slots", "segments"):
            for n, name in enumerate(getattr(rule, field)):
                yield ("rules", at, field, n), field.removesuffix("s"), name
    for where, conditions in _conditions(site):
        for path, one in placed(conditions, where):
            found = segment_of(one.fact)
            if found is not None:
                yield (*path, "fact"), "segment", found


def _conditions(site: Site) -> Iterator[tuple[Path, Sequence[When]]]:
    for at, segment in enumerate(site.segments):
        yield ("segments", at, "when"), segment.when
    for at, rule in enumerate(site.rules):
        yield ("rules", at, "when"), rule.when
    for at, slot in enumerate(site.slots):
        for n, variant in enumerate(slot.variants):
            yield ("slots", at, "variants", n, "when"), variant.when


def _chosen(path: Path, rule: Rule, slots: Sequence[Slot]) -> Iterator[Mistake]:
    """The variant and the section of a rule must be in one of its slots."""
    variants = [variant.name for slot in slots for variant in slot.variants]
    sections = [section for slot in slots for section in slot.sections]
    if rule.variant is not None and rule.variant not in variants:
        problem = f"its slots have no variant {rule.variant}."
        yield (*path, "variant"), problem, _one_of(variants)
    if rule.section is not None and rule.section not in sections:
        problem = f"its slots have no section {rule.section}."
        yield (*path, "section"), problem, _one_of(sections)


def _names_itself(name: str, segments: Segments) -> bool:
    ahead, seen = [name], set[str]()
    while ahead:
        current = ahead.pop()
        for leaf in leaves(segments[current].when) if current in segments else ():
            inner = segment_of(leaf.fact)
            if inner == name:
                return True
            if inner is not None and inner not in seen:
                seen.add(inner)
                ahead.append(inner)
    return False


def _one_of(names: Iterable[str]) -> str:
    known = ", ".join(sorted(names))
    return f"One of: {known}." if known else "The file has none."
