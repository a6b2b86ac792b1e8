"""Compares rules in pairs: which one wins, and which one therefore never takes effect."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations, product

from hemline.model.site.kinds import KINDS
from hemline.model.site.rule import Action, Condition, Rule
from hemline.model.site.site import Site
from hemline.model.site.slot import Slot
from hemline.sitefile.review.logic import TooMany, cases, implies, possible
from hemline.sitefile.review.remark import Path, Remark
from hemline.sitefile.review.scope import Scoped, meet, segment_cases, within

_REMOVE = "Remove one of the two."


def effects(site: Site, rules: Sequence[Scoped]) -> Iterator[Remark]:
    """`rules`: the strongest first, without those that can never hold."""
    slots = {slot.name: slot for slot in site.slots}
    for one in rules:
        yield from _nowhere(one, slots)
        if one.rule.action == "pin":
            yield from _beyond(one, slots)
    for stronger, weaker in combinations([one for one in rules if one.slots], 2):
        for compare in _PAIRS.get((stronger.rule.action, weaker.rule.action), ()):
            yield from compare(stronger, weaker)
        yield from _suppressed(stronger, weaker)
    for place, slot in enumerate(site.slots):
        yield from _variants(("slots", place), slot, site)


def _nowhere(one: Scoped, slots: Mapping[str, Slot]) -> Iterator[Remark]:
    """The slots named by the rule in which its action does nothing; without names, if no slot fits."""
    for n, name in enumerate(one.rule.slots):
        if name in slots and name not in one.slots:
            problem = f"{name} is of kind {slots[name].kind}: {one.rule.action} does nothing there."
            yield Remark((*one.path, "slots", n), "error", "wrong-kind", problem, "Leave it out.")
    if not one.slots and not one.rule.slots:
        problem = f"the site has no slot in which {one.rule.action} does something."
        yield Remark(one.path, "error", "wrong-kind", problem, "Remove it.")


def _beyond(one: Scoped, slots: Mapping[str, Slot]) -> Iterator[Remark]:
    names = [name for name in sorted(one.slots) if slots[name].limit < one.rule.position]
    if names:
        problem = f"{', '.join(names)} shows fewer than {one.rule.position} items."
        way_out = "Choose an earlier position, unless pages ask for more."
        yield Remark((*one.path, "position"), "warning", "beyond", problem, way_out)


def _two_pins(stronger: Scoped, weaker: Scoped) -> Iterator[Remark]:
    """The stronger rule gets a position. An item pinned twice takes the first of its positions."""
    first, second = stronger.rule, weaker.rule
    if first.position == second.position and first.item == second.item:
        yield from _repeated(stronger, weaker)
    elif first.position == second.position and within(weaker, stronger):
        problem = (
            f"{first.name} has its position whenever it holds:"
            f" {second.item} stands there only while {first.item} cannot be shown."
        )
        yield Remark(weaker.path, "warning", "overruled", problem, _REMOVE)
    elif first.item == second.item:
        upper, lower = sorted((stronger, weaker), key=lambda one: one.rule.position)
        if within(lower, upper):
            problem = f"{upper.rule.name} pins {first.item} further up whenever it holds."
            yield Remark(lower.path, "warning", "overruled", problem, _REMOVE)


def _repeated(stronger: Scoped, weaker: Scoped) -> Iterator[Remark]:
    """Two rules do the same: the one whose scope the other covers changes nothing."""
    for one, other in ((weaker, stronger), (stronger, weaker)):
        if within(one, other):
            problem = f"{other.rule.name} does the same whenever it holds."
            yield Remark(one.path, "error", "shadowed", problem, _REMOVE)
            return


def _same_set(stronger: Scoped, weaker: Scoped) -> Iterator[Remark]:
    if selection(stronger.rule) == selection(weaker.rule):
        yield from _repeated(stronger, weaker)


def selection(rule: Rule) -> tuple[object, ...]:
    """A key of the rule's set of items. Equal keys mean equal sets; equal sets may have different keys."""
    value = tuple(rule.value) if isinstance(rule.value, list) else rule.value
    compared = (rule.attribute, rule.op, type(value), value) if rule.compares else ()
    return rule.item, compared, repr(rule.where)


def _only_item(rule: Rule) -> bool:
    """Whether the rule selects by `item` alone."""
    return rule.item is not None and not rule.compares and not rule.where


def _pin_and_block(pin: Scoped, block: Scoped) -> Iterator[Remark]:
    if not _only_item(block.rule) or pin.rule.item != block.rule.item:
        return
    if within(pin, block):
        problem = f"{block.rule.name} blocks {pin.rule.item} whenever it holds: it is never pinned."
        yield Remark(pin.path, "error", "contradiction", problem, _REMOVE)
    elif where := meet(pin, block):
        problem = (
            f"{block.rule.name} blocks {pin.rule.item} in {', '.join(sorted(where))} at times."
        )
        way_out = "Where both hold nothing is pinned: make their conditions exclude each other."
        yield Remark(pin.path, "warning", "contradiction", problem, way_out)


def _block_and_pin(block: Scoped, pin: Scoped) -> Iterator[Remark]:
    yield from _pin_and_block(pin, block)


def _two_caps(stronger: Scoped, weaker: Scoped) -> Iterator[Remark]:
    """The lower of two caps on one attribute applies, whichever rule is stronger."""
    if stronger.rule.attribute != weaker.rule.attribute:
        return
    for one, other in ((weaker, stronger), (stronger, weaker)):
        if one.rule.count >= other.rule.count and within(one, other):
            problem = f"{other.rule.name} allows no more than {other.rule.count} whenever it holds."
            yield Remark(one.path, "error", "shadowed", problem, _REMOVE)
            return


def _two_filters(stronger: Scoped, weaker: Scoped) -> Iterator[Remark]:
    if _leaves_anything(stronger.rule, weaker.rule):
        return
    where = meet(stronger, weaker)
    if where:
        last, other = _by_place(stronger, weaker)
        problem = (
            f"together with {other.rule.name} it leaves no item in {', '.join(sorted(where))}."
        )
        yield Remark(
            last.path, "error", "contradiction", problem, "Widen or remove one of the two."
        )


def _by_place(one: Scoped, other: Scoped) -> tuple[Scoped, Scoped]:
    """(later, earlier) in the file. A remark about both is reported at the later one."""
    return (one, other) if one.path > other.path else (other, one)


def _opposed(stronger: Scoped, weaker: Scoped) -> Iterator[Remark]:
    """One set is boosted and buried at once: both apply, and neither gets its effect."""
    if selection(stronger.rule) != selection(weaker.rule):
        return
    where = meet(stronger, weaker)
    if where:
        last, other = _by_place(stronger, weaker)
        problem = (
            f"{other.rule.name} moves the same items the other way in {', '.join(sorted(where))}."
        )
        yield Remark(last.path, "warning", "contradiction", problem, _REMOVE)


def _two_shares(stronger: Scoped, weaker: Scoped) -> Iterator[Remark]:
    """For one set, the larger share covers the smaller. For two, an item in both counts for both."""
    if selection(stronger.rule) == selection(weaker.rule):
        for one, other in ((weaker, stronger), (stronger, weaker)):
            if one.rule.share <= other.rule.share and within(one, other):
                problem = f"{other.rule.name} asks for as much of it whenever it holds."
                yield Remark(one.path, "error", "shadowed", problem, _REMOVE)
                return
        return
    asked = stronger.rule.share + weaker.rule.share
    where = meet(stronger, weaker)
    if asked > 1 and where:
        last, other = _by_place(stronger, weaker)
        problem = (
            f"together with {other.rule.name} it asks for {asked:.0%} of the places in"
            f" {', '.join(sorted(where))}."
        )
        way_out = "Lower one of the two, unless enough items are in both sets."
        yield Remark(last.path, "warning", "contradiction", problem, way_out)


_SEVERAL = frozenset({"category", "tag"})
"""Attributes that may have several values in one item."""


def _leaves_anything(first: Rule, second: Rule) -> bool:
    """Whether some item could pass both; one without the attribute passes `ne` and `exists: false`."""
    loose = {"ne", "exists"}
    comparable = first.compares and second.compares and first.attribute == second.attribute
    if not comparable or first.attribute in _SEVERAL or first.op in loose or second.op in loose:
        return True
    of = [Condition(f"item.{rule.attribute}", rule.op, rule.value) for rule in (first, second)]
    return possible(cases(of))


def _suppressed(stronger: Scoped, weaker: Scoped) -> Iterator[Remark]:
    for one, other in ((stronger, weaker), (weaker, stronger)):
        if other.rule.action == "suppress" != one.rule.action and within(one, other):
            problem = f"{other.rule.name} suppresses its slots whenever it holds."
            yield Remark(one.path, "error", "shadowed", problem, _REMOVE)


def _one_choice(stronger: Scoped, weaker: Scoped) -> Iterator[Remark]:
    """Only one of the two can apply: the stronger rule's, where it is possible."""
    if within(weaker, stronger):
        problem = f"{stronger.rule.name} goes first whenever it holds."
        yield Remark(weaker.path, "warning", "overruled", problem, _REMOVE)


def _variants(path: Path, slot: Slot, site: Site) -> Iterator[Remark]:
    """The first eligible variant of a category is shown, so an earlier one can hide a later one."""
    if slot.explore:
        # Exploration can show every variant.
        return
    segments = segment_cases(site)
    chosen = {*slot.fallback, *(rule.variant for rule in site.rules)}
    for n, variant in enumerate(slot.variants):
        for earlier in slot.variants[:n]:
            # An earlier variant for an item hides only variants for the same item.
            alike = earlier.item in (None, variant.item) and earlier.category == variant.category
            try:
                shadowed = (
                    variant.name not in chosen
                    and alike
                    and implies(cases(variant.when, segments), cases(earlier.when, segments))
                )
            except TooMany:
                continue
            if shadowed:
                problem = f"{earlier.name} comes first whenever {variant.name} may be shown."
                way_out = "Move it up, or narrow the other's conditions."
                way_out += " Or let the slot explore." if KINDS[slot.kind].explores else ""
                yield Remark((*path, "variants", n), "error", "shadowed", problem, way_out)
                break


Compare = Callable[[Scoped, Scoped], Iterator[Remark]]
_TAKEN: tuple[Action, ...] = ("block", "exclude")
_LEFT: tuple[Action, ...] = ("filter", "include")
_PAIRS: Mapping[tuple[Action, Action], tuple[Compare, ...]] = {
    ("pin", "pin"): (_two_pins,),
    ("cap", "cap"): (_two_caps,),
    ("boost", "bury"): (_opposed,),
    ("bury", "boost"): (_opposed,),
    ("share", "share"): (_two_shares,),
    ("suppress", "suppress"): (_repeated,),
    ("variant", "variant"): (_one_choice,),
    ("source", "source"): (_one_choice,),
    **dict.fromkeys(product(_TAKEN, _TAKEN), (_same_set,)),
    **dict.fromkeys(product(_LEFT, _LEFT), (_same_set, _two_filters)),
    **{("pin", taken): (_pin_and_block,) for taken in _TAKEN},
    **{(taken, "pin"): (_block_and_pin,) for taken in _TAKEN},
}
"""(action of the stronger rule, action of the weaker) → the comparisons to run."""
