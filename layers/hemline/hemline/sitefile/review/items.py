"""References of a site that its catalogue lacks: items, categories, attributes and their values."""

import difflib
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from hemline.decide.rules.masks import PREFIX, attribute_of, has_mask, sections
from hemline.decide.templates.compile import compile_template
from hemline.learn.array_types import Mask
from hemline.model.item import Item
from hemline.model.site.kinds import has_list
from hemline.model.site.rule import Condition, Rule, Segment, leaves
from hemline.model.site.site import Site
from hemline.model.site.slot import DIVERSE_OVER
from hemline.sitefile.review.remark import Path, Remark
from hemline.sitefile.review.scope import Scoped, within
from hemline.sitefile.review.types import mistyped

_AFFINITY = "visitor.affinity."
_KNOWN_ATTRIBUTES = ("category", "tag", "kind", "id", "price", "stock", "published_at")


class _Catalogue:
    """Sets of names, built once. `main`: the first category of each item."""

    def __init__(self, items: Sequence[Item]) -> None:
        self.items = {item.id: item for item in items}
        self.categories = {category for item in items for category in item.categories}
        self.main = {item.categories[0] for item in items if item.categories}
        own = {attribute for item in items for attribute in item.attributes}
        self.attributes = own.union(_KNOWN_ATTRIBUTES)


def references(site: Site, rules: Sequence[Scoped], items: Sequence[Item]) -> Iterator[Remark]:
    """Warnings, not errors: the catalogue may still get what is missing today."""
    catalogue = _Catalogue(items)
    yield from _named(site, catalogue)
    comparable = [one for one in rules if not _unknown(one.rule, catalogue)]
    for one in rules:
        yield from _attribute(one, catalogue)
    yield from _filtered_pins(comparable, catalogue)
    yield from mistyped(rules, items)


def _named(site: Site, catalogue: _Catalogue) -> Iterator[Remark]:
    for path, item in _items_named(site):
        if item not in catalogue.items:
            yield _missing(path, "item", item, catalogue.items)
    for path, category in _categories_named(site):
        if category not in catalogue.categories:
            yield _missing(path, "category", category, catalogue.categories)
    for path, category in _tastes(site):
        if category in catalogue.categories - catalogue.main:
            yield _never_main(path, category, catalogue)
    for path, attribute in _spread(site):
        if attribute not in catalogue.attributes:
            yield _missing(path, "attribute", attribute, catalogue.attributes.union(DIVERSE_OVER))


def _spread(site: Site) -> Iterator[tuple[Path, str]]:
    for place, slot in enumerate(site.slots):
        if slot.diverse_over not in DIVERSE_OVER:
            yield ("slots", place, "diversity", "over"), slot.diverse_over
    for place, cap in enumerate(site.page_caps):
        yield ("page_caps", place, "attribute"), cap.attribute


def _items_named(site: Site) -> Iterator[tuple[Path, str]]:
    for place, rule in enumerate(site.rules):
        if rule.item is not None:
            yield ("rules", place, "item"), rule.item
    for place, slot in enumerate(site.slots):
        for n, item in enumerate(slot.fallback if has_list(slot.kind) else ()):
            yield ("slots", place, "fallback", n), item
    yield from _compared(site, "page.item")


def _categories_named(site: Site) -> Iterator[tuple[Path, str]]:
    for place, slot in enumerate(site.slots):
        for n, variant in enumerate(slot.variants):
            if variant.category is not None:
                yield ("slots", place, "variants", n, "category"), variant.category
    yield from _compared(site, "page.category")
    yield from _liked(site)


def _tastes(site: Site) -> Iterator[tuple[Path, str]]:
    """(path, category) of each use of a visitor's affinity for a category."""
    for place, slot in enumerate(site.slots):
        for n, variant in enumerate(slot.variants):
            if variant.category is not None:
                yield ("slots", place, "variants", n, "category"), variant.category
    yield from _liked(site)


def _liked(site: Site) -> Iterator[tuple[Path, str]]:
    facts = [((*path, "fact"), one.fact) for path, one in _conditions(site)]
    for place, template in enumerate(site.templates):
        reads = compile_template(template.html, "any").reads
        facts += [(("templates", place), read.fact) for read in reads]
    for path, fact in facts:
        if fact.startswith(_AFFINITY):
            yield path, fact.removeprefix(_AFFINITY)


def _never_main(path: Path, category: str, catalogue: _Catalogue) -> Remark:
    parents = {i.categories[0] for i in catalogue.items.values() if category in i.categories[1:]}
    problem = f"a taste for {category} is always 0: it is the first category of no item."
    way_out = f"Items that have it count for {', '.join(sorted(parents)[:3])}: name that."
    return Remark(path, "warning", "never-main", problem, way_out)


def _compared(site: Site, fact: str) -> Iterator[tuple[Path, str]]:
    """Values that conditions compare the fact with."""
    for path, condition in _conditions(site):
        if condition.fact == fact and condition.op in ("eq", "in"):
            value = condition.value
            for name in value if isinstance(value, list) else [value]:
                yield (*path, "value"), str(name)


def _conditions(site: Site) -> Iterator[tuple[Path, Condition]]:
    parts: tuple[tuple[str, Sequence[Rule | Segment]], ...] = (
        ("rules", site.rules),
        ("segments", site.segments),
    )
    for where, named in parts:
        for place, part in enumerate(named):
            for n, condition in enumerate(part.when):
                yield from (((where, place, "when", n), leaf) for leaf in leaves([condition]))
    for place, slot in enumerate(site.slots):
        for v, variant in enumerate(slot.variants):
            for n, condition in enumerate(variant.when):
                path = ("slots", place, "variants", v, "when", n)
                yield from ((path, leaf) for leaf in leaves([condition]))


def _missing(path: Path, kind: str, name: str, known: Iterable[str]) -> Remark:
    near = difflib.get_close_matches(name, list(known), 1)
    way_out = f"Did you mean {near[0]}?" if near else "Correct it, or add it to the catalogue."
    problem = f"{kind} {name} is not in the catalogue."
    return Remark(path, "warning", f"missing-{kind}", problem, way_out)


def _attribute(one: Scoped, catalogue: _Catalogue) -> Iterator[Remark]:
    """Attributes that no item has, and sets that no item is in."""
    rule = one.rule
    unknown = _unknown(rule, catalogue)
    for field, name in unknown:
        yield _missing((*one.path, field), "attribute", name, catalogue.attributes)
    if has_mask(rule) and not unknown and not members(rule, list(catalogue.items.values())).any():
        shows = "while it holds nothing is shown" if rule.action in _LEFT else "it does nothing"
        problem = f"no item of the catalogue is in its set: {shows}."
        path = (*one.path, "value" if rule.compares else "where")
        yield Remark(path, "warning", "no-item", problem, _nearest(rule, catalogue))


def _unknown(rule: Rule, catalogue: _Catalogue) -> list[tuple[str, str]]:
    """(field of the rule, attribute) of those that no item has."""
    named = (
        [("attribute", rule.attribute)] if rule.compares or rule.action in {"cap", "apart"} else []
    )
    named += [("where", leaf.fact.removeprefix(PREFIX)) for leaf in leaves(rule.where)]
    return [(field, name) for field, name in named if name not in catalogue.attributes]


_LEFT = frozenset({"filter", "include"})
_TAKEN = frozenset({"block", "exclude"})


def _nearest(rule: Rule, catalogue: _Catalogue) -> str:
    found = {str(v) for i in catalogue.items.values() for v in attribute_of(i, rule.attribute)}
    near = difflib.get_close_matches(str(rule.value), sorted(found), 1)
    return f"Did you mean {near[0]}?" if near else "Correct it, or mend the catalogue."


def _filtered_pins(rules: Sequence[Scoped], catalogue: _Catalogue) -> Iterator[Remark]:
    """Pins of items that another rule removes, given the current catalogue."""
    others = [one for one in rules if one.rule.action in _LEFT | _TAKEN]
    for pin in (one for one in rules if one.rule.action == "pin"):
        item = catalogue.items.get(pin.rule.item or "")
        for other in others if item else ():
            if item and _removes(other.rule, item) and within(pin, other):
                problem = f"{other.rule.name} takes {item.id} away whenever it holds."
                way_out = "Remove one of the two, or mend the item's attribute."
                yield Remark(pin.path, "warning", "contradiction", problem, way_out)
                break


def _removes(rule: Rule, item: Item) -> bool:
    if rule.action in _TAKEN and not has_mask(rule):
        return False  # selects by item alone: `effects` reports it without a catalogue
    return bool(members(rule, [item])[0]) == (rule.action in _TAKEN)


def members(rule: Rule, items: Sequence[Item]) -> Mask:
    """bool[len(items)]: which items are in the rule's set, as publishing compiles it."""
    if not has_mask(rule):
        return np.array([rule.item in (None, item.id) for item in items], np.bool_)
    # `rule_mask` is the packed bits of one row; unpackbits gives 0 and 1 as uint8, read here as bool.
    bits = np.frombuffer(sections([rule], items)["rule_mask"][2], np.uint8)
    return np.unpackbits(bits, count=len(items)).view(np.bool_)
