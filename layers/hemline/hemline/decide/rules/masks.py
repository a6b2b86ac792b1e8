"""Rules compiled at publish: each rule's set of items as bits, the values of caps as group numbers.

A test runs once for each distinct value of an attribute, not once per item: 500 rules over 10,000
items take about a second.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np

from hemline.decide.rules.operators import OPERATORS, Misfit
from hemline.learn.array_types import Ints, Longs, Mask
from hemline.model.edition import Payload
from hemline.model.item import Item
from hemline.model.site.rule import Condition, Every, Not, Operand, Operator, Rule, When

PREFIX = "item."
"""Prefix of the facts in a rule's `where`."""


def attribute_of(item: Item, attribute: str) -> tuple[object, ...]:
    """The values an item has for a rule's attribute; empty when it has none."""
    named: dict[str, tuple[object, ...]] = {
        "category": item.categories,
        "tag": item.tags,
        "kind": (item.kind,),
        "id": (item.id,),
        "price": _maybe(item.price),
        "stock": _maybe(item.stock),
        "published_at": _maybe(item.published_at),
    }
    if attribute in named:
        return named[attribute]
    return _maybe(item.attributes.get(attribute))


def _maybe(value: object) -> tuple[object, ...]:
    return () if value is None else (value,)


class _Column:
    """One attribute of all items: its distinct values, and which items have each."""

    def __init__(self, items: Sequence[Item], attribute: str) -> None:
        codes: dict[tuple[type, object], int] = {}
        self._owners: list[int] = []
        self._codes: list[int] = []
        self._n = len(items)
        for at, item in enumerate(items):
            for value in attribute_of(item, attribute):
                # The type is part of the key: 1 == True in Python, but a rule treats them as different.
                self._codes.append(codes.setdefault((type(value), value), len(codes)))
                self._owners.append(at)
        self.values = [value for _, value in codes]

    @cached_property
    def arrays(self) -> tuple[Longs, Longs]:
        """(item index, value code), one entry for each value of each item."""
        return np.array(self._owners, np.int64), np.array(self._codes, np.int64)

    def having(self, hits: Sequence[bool]) -> Mask:
        """[n] items with at least one value in `hits` (one flag per distinct value)."""
        owners, codes = self.arrays
        mask = np.zeros(self._n, np.bool_)
        mask[owners[np.array(hits, np.bool_)[codes]]] = True
        return mask

    def groups(self) -> Ints:
        """[n] code of each item's first value, -1 for none."""
        owners, codes = self.arrays
        found = np.full(self._n, -1, np.int32)
        # Written in reverse, an item's first value is written last and stays.
        found[owners[::-1]] = codes[::-1]
        return found


class _Items:
    """All items with their columns; a column is made when a rule first needs it."""

    def __init__(self, items: Sequence[Item], built: int) -> None:
        self._items, self._built = items, built
        self._columns: dict[str, _Column] = {}
        self.everything = np.ones(len(items), np.bool_)

    def column(self, attribute: str) -> _Column:
        if attribute not in self._columns:
            self._columns[attribute] = _Column(self._items, attribute)
        return self._columns[attribute]

    def compare(self, attribute: str, op: Operator, value: Operand, *, misfit: bool) -> Mask:
        """[n] items for which the comparison holds. A value of the wrong type counts as `misfit`."""
        column = self.column(attribute)
        if op == "exists":
            has = column.having([True] * len(column.values))
            return has if value is not False else ~has
        if op == "ne":
            # An item with several values is "not this" when none of them is.
            return ~self.compare(attribute, "eq", value, misfit=not misfit)
        test = OPERATORS[op](value)

        def hit(found: object) -> bool:
            if found != found:  # noqa: PLR0124 - a price without a rate: it may be any number
                return misfit
            try:
                return test(found, self._built)
            except Misfit:
                return misfit

        return column.having([hit(found) for found in column.values])

    def where(self, one: When, *, misfit: bool) -> Mask:
        if isinstance(one, Condition):
            attribute = one.fact.removeprefix(PREFIX)
            return self.compare(attribute, one.op, one.value, misfit=misfit)
        if isinstance(one, Not):
            # The negation flips the result in doubt, so flip it inside as well.
            return ~self.where(one.of, misfit=not misfit)
        masks = [self.where(part, misfit=misfit) for part in one.of]
        combine = np.logical_and if isinstance(one, Every) else np.logical_or
        return np.asarray(combine.reduce(masks), np.bool_)

    def selected(self, rule: Rule) -> Mask:
        """[n] the rule's set. In doubt, `block` and `exclude` include an item and other actions do not."""
        misfit = rule.action in {"block", "exclude"}
        mask = self.everything.copy()
        if rule.item is not None:
            mask &= self.compare("id", "eq", rule.item, misfit=False)
        if rule.compares:
            mask &= self.compare(rule.attribute, rule.op, rule.value, misfit=misfit)
        for one in rule.where:
            mask &= self.where(one, misfit=misfit)
        return mask


def has_mask(rule: Rule) -> bool:
    """Whether the rule needs a mask: it selects items by comparison, not only by `item`."""
    return rule.compares or bool(rule.where)


def sections(rules: Sequence[Rule], items: Sequence[Item], built: int = 0) -> dict[str, Payload]:
    """`rule_mask`, `rule_group` and `rule_rows`, as `hemline.model.edition` lists them."""
    over = _Items(items, built)
    width = -(-len(items) // 8)
    masks: dict[bytes, int] = {}
    groups: dict[str, int] = {}
    rows = np.full((len(rules), 2), -1, np.int32)
    for at, rule in enumerate(rules):
        if has_mask(rule):
            packed = np.packbits(over.selected(rule)).tobytes()
            rows[at, 0] = masks.setdefault(packed, len(masks))
        if rule.action in {"cap", "apart"}:
            rows[at, 1] = groups.setdefault(rule.attribute, len(groups))
    group = [over.column(attribute).groups().tobytes() for attribute in groups]
    return {
        "rule_mask": ("|u1", (len(masks), width), b"".join(masks)),
        "rule_group": ("<i4", (len(groups), len(items)), b"".join(group)),
        "rule_rows": ("<i4", rows.shape, rows.tobytes()),
    }


def misfits(rules: Sequence[Rule], items: Sequence[Item]) -> Iterator[str]:
    """Messages for rules with doubtful items: a value of another type, or too long for the pattern."""
    over = _Items(items, 0)
    for rule in rules:
        if has_mask(rule):
            less = _with(over, rule, misfit=False)
            doubtful = int(np.count_nonzero(less != _with(over, rule, misfit=True)))
            if doubtful:
                yield (
                    f"rule {rule.name} compares {doubtful} items by a value of another type,"
                    " or by one that is too long for its pattern"
                )


def _with(over: _Items, rule: Rule, *, misfit: bool) -> Mask:
    mask = over.everything.copy()
    if rule.compares:
        mask &= over.compare(rule.attribute, rule.op, rule.value, misfit=misfit)
    for one in rule.where:
        mask &= over.where(one, misfit=misfit)
    return mask
