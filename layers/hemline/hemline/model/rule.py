"""Conditions over facts, and the few actions that a merchandiser may put between ranker and page."""

from typing import Literal

import msgspec

Operator = Literal["eq", "ne", "in", "contains", "gt", "ge", "lt", "le", "exists"]


class Condition(msgspec.Struct, frozen=True, omit_defaults=True):
    """`fact` is a name such as `trait.country`, `page.type` or `visitor.returning`."""

    fact: str
    op: Operator = "eq"
    value: str | float | bool | list[str] | None = None


class Rule(msgspec.Struct, frozen=True, omit_defaults=True):
    """One rule. `slots` empty means every slot; all of `when` must hold.

    pin: `item` at `position` (from 1). block: `item` never. filter: only items whose `attribute`
    stands in `op` to `value` (`category`, `price`, `stock`, `kind`, `tag` or an attribute's name).
    cap: at most `count` items that share one value of `attribute`.
    """

    name: str
    action: Literal["pin", "block", "filter", "cap"]
    slots: tuple[str, ...] = ()
    when: tuple[Condition, ...] = ()
    item: str | None = None
    position: int = 1
    attribute: str = "category"
    op: Operator = "eq"
    value: str | float | bool | list[str] | None = None
    count: int = 2
