"""Reports rules whose values have another type than the catalogue, such as text against numbers."""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache

from hemline.decide.rules.masks import PREFIX, attribute_of
from hemline.model.item import Item
from hemline.model.site.rule import Operand, Operator, Rule, leaves
from hemline.sitefile.review.remark import Remark
from hemline.sitefile.review.scope import Scoped

_BY_VALUE = frozenset[Operator]({"eq", "ne", "in"})
_IN_ORDER = frozenset[Operator]({"gt", "ge", "lt", "le", "between"})
_OF_TEXT = frozenset[Operator]({"starts_with", "matches", "semver", "contains"})
_WORDS = {"text": "text", "number": "a number", "flag": "true or false"}


def mistyped(rules: Sequence[Scoped], items: Sequence[Item]) -> Iterator[Remark]:
    """A warning for each comparison with a value of another type than the items have."""

    @cache
    def kinds_of(attribute: str) -> Counter[str]:
        return Counter(_kind(found) for item in items for found in attribute_of(item, attribute))

    for one in rules:
        for field, attribute, op, value in _comparisons(one.rule):
            wanted, kinds = _wanted(op, value), kinds_of(attribute)
            wrong = sorted(kinds.keys() - wanted) if wanted else []
            if wrong:
                asked = " or ".join(_WORDS[kind] for kind in sorted(wanted))
                has = " or ".join(_WORDS[kind] for kind in wrong)
                count = sum(kinds[kind] for kind in wrong)
                problem = (
                    f"it compares {attribute} with {asked}, and {count} of {kinds.total()} values"
                    f" in the catalogue are {has}."
                )
                way_out = "Write the value as the catalogue has it, or mend the catalogue's."
                yield Remark((*one.path, field), "warning", "type", problem, way_out)


def _comparisons(rule: Rule) -> Iterator[tuple[str, str, Operator, Operand]]:
    if rule.compares:
        yield "value", rule.attribute, rule.op, rule.value
    for leaf in leaves(rule.where):
        yield "where", leaf.fact.removeprefix(PREFIX), leaf.op, leaf.value


def _wanted(op: Operator, value: Operand) -> frozenset[str]:
    """The kinds of value for which the comparison can hold; empty when any kind can."""
    if op in _OF_TEXT:
        return frozenset({"text"})
    kinds = frozenset(_kind(one) for one in (value if isinstance(value, list) else [value]))
    if op in _IN_ORDER:
        # A date can be compared with texts and with epoch milliseconds.
        return kinds if kinds == {"number"} else frozenset()
    return kinds if op in _BY_VALUE and value is not None else frozenset()


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "flag"
    return "text" if isinstance(value, str) else "number"
