"""What is well-formed in a site file but cannot be meant: it takes the whole file to see.

Knows no YAML: places are paths, `site_yaml` finds their lines.
"""

from collections.abc import Iterator

from hemline.adapters.site_nodes import Path
from hemline.decide.candidates import PERSONAL
from hemline.decide.facts import scope_of
from hemline.model.decision import Scope
from hemline.model.site import Site
from hemline.model.slot import Slot


def contradictions(
    site: Site, broken: frozenset[str] = frozenset()
) -> Iterator[tuple[Path, str, str]]:
    """(path, problem, way out) of what is well-formed but cannot be meant; needs the whole file.

    `broken` names what the file has and `site` has not, because something else is wrong with it.
    """
    yield from _twice("slots", [slot.name for slot in site.slots])
    yield from _twice("rules", [rule.name for rule in site.rules])
    names = {slot.name for slot in site.slots}
    for at, rule in enumerate(site.rules):
        for n, name in enumerate(rule.slots):
            if name not in names and name not in broken:
                known = ", ".join(sorted(names))
                yield ("rules", at, "slots", n), f"there is no slot {name}.", f"One of: {known}."
    for at, slot in enumerate(site.slots):
        yield from _in_slot(("slots", at), slot)
    yield from _public_rules(site)


def _twice(where: str, names: list[str]) -> Iterator[tuple[Path, str, str]]:
    for at, name in enumerate(names):
        if name in names[:at]:
            yield (where, at, "name"), f"{name} stands here twice.", "Give each its own name."


def _in_slot(at: Path, slot: Slot) -> Iterator[tuple[Path, str, str]]:
    variants = [variant.name for variant in slot.variants]
    for path, problem, way_out in _twice("variants", variants):
        yield (*at, *path), problem, way_out
    if slot.kind in ("content", "alert"):
        for n, name in enumerate(slot.fallback):
            if name not in variants:
                known = f"One of: {', '.join(variants)}."
                yield (*at, "fallback", n), f"there is no variant {name}.", known
    if not slot.personal:
        yield from _not_public(at, slot)


def _not_public(at: Path, slot: Slot) -> Iterator[tuple[Path, str, str]]:
    for n, source in enumerate(slot.sources if slot.kind == "items" else ()):
        if source in PERSONAL:
            where = (*at, "sources", n)
            yield where, f"{source} reads the visitor.", "Leave it out, or set `personal: true`."
    for v, variant in enumerate(slot.variants):
        for c, condition in enumerate(variant.when):
            if scope_of(condition.fact) is Scope.VISITOR:
                where = (*at, "variants", v, "when", c, "fact")
                yield where, f"{condition.fact} is personal.", "Set `personal: true` on the slot."


def _public_rules(site: Site) -> Iterator[tuple[Path, str, str]]:
    # A rule for all slots simply never holds in a public one; one that names it is a mistake.
    public = {slot.name for slot in site.slots if not slot.personal}
    for at, rule in enumerate(site.rules):
        touched = public.intersection(rule.slots)
        for c, condition in enumerate(rule.when):
            if touched and scope_of(condition.fact) is Scope.VISITOR:
                where = ("rules", at, "when", c, "fact")
                problem = f"{condition.fact} is personal, {', '.join(sorted(touched))} is not."
                yield where, problem, "Name only personal slots in the rule's `slots`."
