"""The naive rules for `bench rules`: a loop over rules, and in it a loop over items.

They must allow and score the same items, or the comparison means nothing.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from hemline.model.item import Item
from hemline.model.site.rule import Condition, Rule


class NaiveRules:
    """Uncompiled rules, evaluated one by one."""

    def __init__(self, rules: Sequence[Rule], items: Sequence[Item]) -> None:
        self._rules, self._items = rules, items

    def allowed(self, slot: str, facts: Mapping[str, Any], now: int) -> list[bool]:
        """[n] whether each item may be shown."""
        allowed = [not item.sold_out and (item.published_at or 0) <= now for item in self._items]
        for rule in self._rules:
            if slot not in rule.slots and rule.slots:
                continue
            if not all(self._holds(one, facts) for one in rule.when if isinstance(one, Condition)):
                continue
            for at, item in enumerate(self._items):
                if rule.action == "exclude" and self._is_in(item, rule):
                    allowed[at] = False
                if rule.action == "include" and not self._is_in(item, rule):
                    allowed[at] = False
        return allowed

    def adjusted(
        self, slot: str, facts: Mapping[str, Any], candidates: Sequence[int]
    ) -> list[float]:
        """Scores of the candidates after boosts; before them the first has 1 and the last 0."""
        last = max(len(candidates) - 1, 1)
        scores = [1.0 - place / last for place in range(len(candidates))]
        more = [0.0] * len(candidates)
        for rule in self._rules:
            if rule.action != "boost" or (rule.slots and slot not in rule.slots):
                continue
            if not all(self._holds(one, facts) for one in rule.when if isinstance(one, Condition)):
                continue
            for place, index in enumerate(candidates):
                if self._is_in(self._items[index], rule):
                    scores[place] *= rule.times
                    more[place] += rule.plus
        return [score + plus for score, plus in zip(scores, more, strict=True)]

    @staticmethod
    def _holds(one: Condition, facts: Mapping[str, Any]) -> bool:
        if one.fact not in facts:
            return False
        found = facts[one.fact]
        if one.op == "eq":
            return bool(found == one.value)
        if one.op == "in":
            return isinstance(one.value, list) and found in one.value
        if one.op == "gt":
            return bool(found > one.value)
        return bool(found <= one.value)

    @staticmethod
    def _is_in(item: Item, rule: Rule) -> bool:
        if rule.attribute == "category":
            return rule.value in item.categories
        if rule.attribute == "tag":
            return rule.value in item.tags
        if rule.attribute == "price":
            return item.price is not None and item.price > rule.value  # type: ignore[operator] # numbers here
        return item.attributes.get(rule.attribute) == rule.value
