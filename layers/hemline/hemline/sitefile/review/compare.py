"""Compares two sites part by part, matched by name: added, removed, changed, moved."""

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import msgspec

from hemline.model.site.rule import Rule, Segment
from hemline.model.site.site import Site
from hemline.model.site.slot import Slot
from hemline.model.site.template import Template

Part = Slot | Rule | Segment | Template
Kind = Literal["site", "slot", "rule", "segment", "template"]
_PLAIN = tuple(set(Site.__struct_fields__) - {"slots", "rules", "segments", "templates"})


class FieldChange(msgspec.Struct, frozen=True):
    """One field that differs, with its old and new value as plain values."""

    field: str
    old: object
    new: object


class SiteChange(msgspec.Struct, frozen=True):
    """One part that differs. `moved`: the order of the rules changed; it decides among equal priorities."""

    kind: Kind
    name: str
    what: Literal["added", "removed", "changed", "moved"]
    fields: tuple[FieldChange, ...] = ()


class Named(NamedTuple):
    """A part by its name, in the old and the new site; None where the site lacks it."""

    kind: Kind
    name: str
    old: Part | None
    new: Part | None


def changes(old: Site, new: Site) -> list[SiteChange]:
    """Every difference that a decision or a reader could see, the site's own fields first."""
    own = tuple(_fields(old, new, sorted(_PLAIN)))
    found = [SiteChange("site", new.title, "changed", own)] if own else []
    found += [change for named in parts(old, new) if (change := _change(named))]
    if _order(old, new) != _order(new, old):
        found.append(SiteChange("rule", "the order of the rules", "moved"))
    return found


def parts(old: Site, new: Site) -> Iterator[Named]:
    """The parts of both sites, by kind; those of the new site first, in its order."""
    yield from _paired("segment", old.segments, new.segments)
    yield from _paired("template", old.templates, new.templates)
    yield from _paired("slot", old.slots, new.slots)
    yield from _paired("rule", old.rules, new.rules)


def _paired(kind: Kind, old: Sequence[Part], new: Sequence[Part]) -> Iterator[Named]:
    before, after = ({part.name: part for part in side} for side in (old, new))
    for name in dict.fromkeys([*after, *before]):
        yield Named(kind, name, before.get(name), after.get(name))


def _change(named: Named) -> SiteChange | None:
    old, new = named.old, named.new
    if old is None or new is None:
        return SiteChange(named.kind, named.name, "added" if old is None else "removed")
    fields = tuple(_fields(old, new, old.__struct_fields__))
    return SiteChange(named.kind, named.name, "changed", fields) if fields else None


def _fields(
    old: msgspec.Struct, new: msgspec.Struct, names: Sequence[str]
) -> Iterator[FieldChange]:
    for name in names:
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            yield FieldChange(name, msgspec.to_builtins(before), msgspec.to_builtins(after))


def _order(site: Site, other: Site) -> list[str]:
    both = {rule.name for rule in other.rules}
    return [rule.name for rule in site.rules if rule.name in both]
