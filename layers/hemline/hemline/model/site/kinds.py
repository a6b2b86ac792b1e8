"""The kinds of slots in one table: what differs by kind as data.

Behaviour by what a slot is filled with is in `decide/kinds.py`, fields in the site file in
`sitefile/schema.py`. Callers look up what they need (`KINDS[slot.kind].fills`, `.actions`) and compare
no names of kinds.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple, get_args

from hemline.model.site.rule import Action

KindName = Literal["items", "content", "alert", "layout"]
"""As in the site file and in the JSON of an answer."""
Fills = Literal["list", "variant", "sections"]
"""What a slot is filled with: a ranked list of items, one variant or nothing, an order of sections.

Two kinds may share one: an alert is a variant, like content.
"""

_CHOICE: frozenset[Action] = frozenset({"variant", "suppress"})
# A variant about an item is left out together with that item.
_VARIANTS: frozenset[Action] = frozenset({
    *_CHOICE, "block", "exclude", "filter", "include",
})  # fmt: skip

ACTIONS: Mapping[Fills, frozenset[Action]] = {
    "list": frozenset(get_args(Action)) - {"variant", "reorder"},
    "variant": _CHOICE,
    "sections": frozenset({"reorder"}),
}
"""The rule actions that are read when a slot is filled with it; other rules are not evaluated."""


class SlotKind(NamedTuple):
    """One row of the table."""

    name: KindName
    fills: Fills
    actions: frozenset[Action]
    """Rule actions that have an effect in such a slot: a review names those that have none."""
    explores: bool
    """Takes `explore`: a share of its places or choices goes to chance, and what follows is learned."""
    empty: bytes
    """The member of the JSON answer that stands for "nothing is shown"."""


KINDS: Mapping[str, SlotKind] = {
    kind.name: kind
    for kind in (
        SlotKind("items", "list", ACTIONS["list"], explores=True, empty=b'"items":[]'),
        SlotKind("content", "variant", _VARIANTS, explores=True, empty=b'"variant":null'),
        SlotKind("alert", "variant", _VARIANTS, explores=False, empty=b'"variant":null'),
        SlotKind("layout", "sections", ACTIONS["sections"], explores=False, empty=b'"sections":[]'),
    )
}
DEFAULT_KIND: KindName = "items"
"""Of a slot that names none."""


def has_list(kind: str) -> bool:
    """Whether slots of the kind are lists: they have sources, a length and item ids as fallback."""
    return KINDS[kind].fills == "list"


def has_variants(kind: str) -> bool:
    """Whether slots of the kind show one of their variants, or nothing."""
    return KINDS[kind].fills == "variant"


def learns_variants(kind: str) -> bool:
    """Whether goals per exposure of its variants are estimated. Of an alert nothing is learned."""
    return has_variants(kind) and KINDS[kind].explores
