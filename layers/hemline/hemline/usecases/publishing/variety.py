"""What an edition holds for slots that are to be varied: groups of an attribute, vectors of content."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from hemline.decide.rules import masks
from hemline.learn.statistics import content
from hemline.model.edition import Payload
from hemline.model.item import Item
from hemline.model.site.rule import Rule
from hemline.model.site.slot import Slot, diverse_attributes

_UNIT = 127
"""Whole numbers, so that likeness is the same to the last bit on every machine."""

_TERMS: Mapping[str, Callable[[Item], list[str]]] = {
    "content": content.terms,
    "categories": lambda item: list(dict.fromkeys(item.categories)),
    "tags": lambda item: list(dict.fromkeys(item.tags)),
}


def sections(slots: Sequence[Slot], items: Sequence[Item]) -> dict[str, Payload]:
    """Only what some slot asks for; `hemline.model.edition` lists them."""
    wanted = {slot.diverse_over for slot in slots if slot.diversity} & _TERMS.keys()
    return {
        **_groups(diverse_attributes(slots), items),
        **{f"diverse_{name}": _vectors(items, _TERMS[name]) for name in sorted(wanted)},
    }


def _groups(attributes: Sequence[str], items: Sequence[Item]) -> dict[str, Payload]:
    if not attributes:
        return {}
    as_rules = [Rule(f"diverse {name}", "cap", attribute=name) for name in attributes]
    return {"diverse_group": masks.sections(as_rules, items)["rule_group"]}


def _vectors(items: Sequence[Item], terms: Callable[[Item], list[str]]) -> Payload:
    rows = np.rint(content.vectors(items, terms) * _UNIT).clip(-_UNIT, _UNIT).astype("|i1")
    return "|i1", rows.shape, rows.tobytes()
