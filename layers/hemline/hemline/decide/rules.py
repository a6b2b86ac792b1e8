"""Pins, blocks, filters and caps: compiled to arrays over items at publish, applied to any list.

Eligibility stands below every rung of the ladder: whatever produced a list, `Eligibility.allowed`
has the last word on it.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hemline.decide.conditions import OPERATORS, all_hold
from hemline.decide.facts import Facts
from hemline.decide.snapshot import Ints, Snapshot
from hemline.model.edition import Payload
from hemline.model.item import Item
from hemline.model.rule import Rule

Mask = npt.NDArray[np.bool_]


def attribute_of(item: Item, attribute: str) -> tuple[object, ...]:
    """The values an item has for a rule's attribute; empty when it has none."""
    named: dict[str, tuple[object, ...]] = {
        "category": item.categories,
        "tag": item.tags,
        "kind": (item.kind,),
        "price": () if item.price is None else (item.price,),
        "stock": () if item.stock is None else (item.stock,),
    }
    if attribute in named:
        return named[attribute]
    return (item.attributes[attribute],) if attribute in item.attributes else ()


def _matches(item: Item, rule: Rule) -> bool:
    test = OPERATORS[rule.op]
    values = attribute_of(item, rule.attribute)
    if rule.op == "exists":
        return bool(values) == (rule.value is not False)
    if rule.op == "ne":
        return all(test(value, rule.value) for value in values)
    return any(test(value, rule.value) for value in values)


def sections(rules: Sequence[Rule], items: Sequence[Item]) -> dict[str, Payload]:
    """`rule_mask` u1 [rules, n]: a filter's allowed items; `rule_group` i4 [rules, n]: a cap's groups.

    A group of -1 means in none. Rows of other actions carry no meaning: ones and -1.
    """
    mask = np.ones((len(rules), len(items)), np.uint8)
    group = np.full((len(rules), len(items)), -1, np.int32)
    for row, rule in enumerate(rules):
        if rule.action == "filter":
            mask[row] = [_matches(item, rule) for item in items]
        elif rule.action == "cap":
            group[row] = _groups(items, rule.attribute)
    return {
        "rule_mask": ("|u1", mask.shape, mask.tobytes()),
        "rule_group": ("<i4", group.shape, group.tobytes()),
    }


def _groups(items: Sequence[Item], attribute: str) -> list[int]:
    numbers: dict[object, int] = {}
    firsts = (attribute_of(item, attribute)[:1] for item in items)
    return [numbers.setdefault(first[0], len(numbers)) if first else -1 for first in firsts]


class Cap(NamedTuple):
    """At most `most` of the items that share a number in `group` (int32 [n], -1: free)."""

    group: Ints
    most: int


class Eligibility(NamedTuple):
    """The rules in force for one slot of one request."""

    allowed: Mask
    """[n] over all items: stock, schedule, blocks, filters, exclusions."""
    pins: tuple[tuple[int, int], ...]
    """(position from 0, item index), by position; only allowed items."""
    caps: tuple[Cap, ...]


class Rules:
    """An edition's rules over its snapshot; opened once."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot, self._rules = snapshot, snapshot.header.rules
        self._mask = snapshot.array("rule_mask")
        self._group = snapshot.ints("rule_group")

    def in_force(self, slot: str, facts: Facts, excluded: Ints) -> Eligibility:
        """Reads the clock, and the facts that the slot's rules ask for; `excluded` item indices."""
        snapshot = self._snapshot
        allowed = (snapshot.stock != 0) & (snapshot.published <= facts.read("clock.minute"))
        allowed[excluded] = False
        pins: list[tuple[int, int]] = []
        caps: list[Cap] = []
        for row, rule in enumerate(self._rules):
            if rule.slots and slot not in rule.slots:
                continue
            if not all_hold(rule.when, facts):
                continue
            index = snapshot.index.get(rule.item or "", -1)
            if rule.action == "block" and index >= 0:
                allowed[index] = False
            elif rule.action == "filter":
                allowed &= self._mask[row].astype(np.bool_)
            elif rule.action == "pin" and index >= 0:
                pins.append((rule.position - 1, index))
            elif rule.action == "cap":
                caps.append(Cap(self._group[row], rule.count))
        kept = sorted({at: item for at, item in pins if allowed[item]}.items())
        return Eligibility(allowed, tuple(kept), tuple(caps))
