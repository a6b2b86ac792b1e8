"""Conditions over facts, segments, and the rules of merchandisers.

Values only: `decide/rules/operators.py` evaluates conditions, `decide/rules/eligibility.py` applies
actions.
"""

from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

Operator = Literal[
    "eq",
    "ne",
    "in",
    "contains",
    "gt",
    "ge",
    "lt",
    "le",
    "between",
    "exists",
    "starts_with",
    "matches",
    "within_days",
    "distance_km",
    "semver",
]
Operand = str | float | bool | list[str | float] | None
"""What a fact is compared with."""


class Condition(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="is", tag="fact"):
    """`fact` is a name such as `trait.country`, `segment.loyal` or, in `where`, `item.price`."""

    fact: str
    op: Operator = "eq"
    value: Operand = None


class Every(msgspec.Struct, frozen=True, tag_field="is", tag="all"):
    """Holds when all of them do."""

    of: tuple["When", ...]


class Some(msgspec.Struct, frozen=True, tag_field="is", tag="any"):
    """Holds when at least one of them does."""

    of: tuple["When", ...]


class Not(msgspec.Struct, frozen=True, tag_field="is", tag="not"):
    """Holds when it does not."""

    of: "When"


When = Condition | Every | Some | Not


def leaves(conditions: Sequence[When]) -> Iterator[Condition]:
    """The comparisons of a condition tree, from left to right."""
    for condition in conditions:
        if isinstance(condition, Condition):
            yield condition
        else:
            yield from leaves((condition.of,) if isinstance(condition, Not) else condition.of)


def depth(conditions: Sequence[When]) -> int:
    """1 for a plain list, one more for each nesting."""
    inner = (
        depth((one.of,) if isinstance(one, Not) else one.of)
        for one in conditions
        if not isinstance(one, Condition)
    )
    return 1 + max(inner, default=0)


class Segment(msgspec.Struct, frozen=True, omit_defaults=True):
    """A name for conditions: `segment.NAME` in a condition stands for all of them."""

    name: str
    when: tuple[When, ...]


Source = Literal[
    "popular",
    "trending",
    "together",
    "recent_together",
    "your_categories",
    "own",
    "new",
    "category",
    "similar_new",
]
"""Where candidates come from. `together`: bought or seen with the page's item; `recent_together`:
with the visitor's last items; `similar_new`: cold items that resemble those; `own`: items that the
visitor interacted with before; `category`: the page's category. A caller's list (`candidates`) replaces
all sources."""

Action = Literal[
    "pin",
    "block",
    "filter",
    "include",
    "exclude",
    "boost",
    "bury",
    "cap",
    "share",
    "apart",
    "variant",
    "source",
    "suppress",
    "reorder",
]
SELECTING: frozenset[Action] = frozenset(
    {"block", "filter", "include", "exclude", "boost", "bury", "share"}
)
"""Actions that apply to a set of items."""
RESTRICTING: frozenset[Action] = frozenset(
    {"block", "filter", "include", "exclude", "cap", "suppress"}
)
"""Actions that can only remove items: in force when their conditions cannot be evaluated."""


class Rule(msgspec.Struct, frozen=True, omit_defaults=True):
    """One rule. Empty `slots` and `segments` mean everywhere; all of `when` must hold.

    `item`, `attribute` `op` `value` and `where` together select a set of items; each is optional.
    pin: `item` at `position` (from 1). block, exclude: none of the set. filter, include: only the set.
    boost, bury: the set's scores times `times`, plus `plus`. cap: at most `count` items that share one value
    of `attribute`. apart: at least `count` others between two that share one. share: at least `share` of
    the list from the set. variant: of a content slot,
    `variant`. source: candidates from `sources`. suppress: show nothing. reorder: `section` at
    `position`.
    """

    name: str
    action: Action
    slots: tuple[str, ...] = ()
    when: tuple[When, ...] = ()
    item: str | None = None
    position: int = 1
    attribute: str = "category"
    op: Operator = "eq"
    value: Operand = None
    count: int = 2
    segments: tuple[str, ...] = ()
    """In force for visitors in at least one of them."""
    where: tuple[When, ...] = ()
    """Conditions over `item.…`: category, tag, kind, price, stock, id, published_at, an attribute."""
    priority: int = 0
    """The higher one goes first; among equals the one earlier in the file."""
    since: int | None = None
    """Epoch ms from which it is in force (`from` in the site file)."""
    until: int | None = None
    """Epoch ms before which it is in force."""
    times: float = 1.0
    plus: float = 0.0
    share: float = 0.0
    variant: str | None = None
    sources: tuple[Source, ...] = ()
    section: str | None = None

    @property
    def compares(self) -> bool:
        """Whether `attribute` `op` `value` is part of its set of items."""
        return self.action in SELECTING and (self.value is not None or self.op == "exists")
