"""Page-wide caps: at most so many items of one category, brand, … over all slots of a page.

A slot counts the items of the slots decided before it. Public slots are decided before personal ones,
so a public slot counts public slots only and stays the same for everybody.
"""

from collections import Counter
from collections.abc import Sequence

from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.rules import masks
from hemline.decide.rules.eligibility import Cap
from hemline.model.edition import Payload
from hemline.model.item import Item
from hemline.model.site.rule import Rule
from hemline.model.site.slot import PageCap, Slot


def sections(caps: Sequence[PageCap], items: Sequence[Item]) -> dict[str, Payload]:
    """`page_group` i4 [caps, n]: the group of each item, -1 for none; one row per attribute."""
    if not caps:
        return {}
    as_rules = [Rule(f"page {n}", "cap", attribute=cap.attribute) for n, cap in enumerate(caps)]
    return {"page_group": masks.sections(as_rules, items)["rule_group"]}


def is_free(slot: Slot) -> bool:
    """Whether page caps ignore the slot: a category listing shows its whole category."""
    return "category" in slot.sources


def caps_left(snapshot: Snapshot, slot: Slot, taken: Sequence[int]) -> tuple[Cap, ...]:
    """The page's caps for this slot, with the room that the items in `taken` have used."""
    caps = snapshot.header.page_caps
    if not caps or is_free(slot):
        return ()
    groups = snapshot.page_group
    rows = {attribute: n for n, attribute in enumerate(dict.fromkeys(c.attribute for c in caps))}
    return tuple(
        Cap(group, cap.count, Counter(group[list(taken)].tolist()))
        for cap in caps
        for group in (groups[rows[cap.attribute]],)
    )
