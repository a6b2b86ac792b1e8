"""Generated rules of every action and operator over a small catalogue; from numbers, the plainest first.

A number becomes a rule by a seeded generator: what was made once is made no more, and a failing case
shrinks to few and plain ones. Knows nothing of slots and requests.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from random import Random
from typing import Any, NamedTuple, get_args

from hemline.model.item import Item
from hemline.model.site.rule import Action, Condition, Every, Not, Rule, Some, Source, When
from tests.builders.editions import NOW, catalogue, with_fields
from tests.oracles.condition_oracle import LEAVES

HOUR = 3_600_000
_ODD: Mapping[int, dict[str, Any]] = {
    2: {"stock": 0},
    4: {"attributes": {"brand": "b", "size": 1}},
    5: {"published_at": NOW + HOUR},
    6: {"stock": -3},
    7: {"categories": ("c3", "c1"), "stock": 3},
    8: {"categories": ()},
    9: {"price": None},
    11: {"attributes": {"brand": "a", "size": "L"}},
    12: {"title": "<b>&\"'", "published_at": None},
}
ITEMS: Sequence[Item] = [
    with_fields(
        item,
        tags=("even",) if n % 2 == 0 else (),
        **({"attributes": {"brand": "ab"[n % 2], "size": n}} | _ODD.get(n, {})),
    )
    for n, item in enumerate(catalogue(14))
]
"""`i0` to `i13`: sold out, not out yet, without a category or a price, of another type, to be escaped."""
BY_ID = {item.id: item for item in ITEMS}


class Set(NamedTuple):
    """A set of items as a rule names it, and read plainly: (item, what a misfit counts as)."""

    fields: dict[str, Any]
    has: Callable[[Item, bool], bool]


def _size(item: Item, doubt: bool) -> bool:
    size = item.attributes.get("size")
    return doubt if isinstance(size, str) else isinstance(size, int | float) and size > 6


_CHEAP = Condition("item.price", "lt", 4)
_EVEN = Condition("item.tag", "eq", "even")
SETS: Sequence[Set] = (
    Set({"item": "i1"}, lambda item, _: item.id == "i1"),
    Set({"item": "i0"}, lambda item, _: item.id == "i0"),
    Set({"value": "c1"}, lambda item, _: "c1" in item.categories),
    Set({"op": "ne", "value": "c1"}, lambda item, _: "c1" not in item.categories),
    Set({"op": "in", "value": ["c0", "c2"]}, lambda i, _: bool({"c0", "c2"} & {*i.categories})),
    Set(
        {"attribute": "price", "op": "gt", "value": 8},
        lambda item, _: item.price is not None and item.price > 8,
    ),
    Set({"attribute": "price", "op": "exists", "value": False}, lambda i, _: i.price is None),
    Set({"attribute": "brand", "value": "a"}, lambda i, _: i.attributes["brand"] == "a"),
    Set({"attribute": "size", "op": "gt", "value": 6}, _size),
    Set({"where": (_EVEN,)}, lambda item, _: "even" in item.tags),
    Set(
        {"item": "i6", "where": (Not(_CHEAP),)},
        lambda item, _: item.id == "i6",
    ),
    Set(
        {"where": (Some((_CHEAP, Every((_EVEN, Not(Condition("item.id", "eq", "i10")))))),)},
        lambda i, _: (i.price is not None and i.price < 4) or ("even" in i.tags and i.id != "i10"),
    ),
)
ACTIONS: Sequence[Action] = get_args(Action)
SOURCES: Sequence[Source] = get_args(Source)
NAMES = ("s0", "s1", "s2", "s3")
"""Slots of a generated site are called so."""
RULES = 3000
"""How many there are to draw from."""
_PLAIN = 3 * len(ACTIONS)
"""The first rules have no conditions, no schedule, no scope."""


@cache
def rule(number: int) -> Rule:
    """The rule of a number, which stands in its name."""
    draw = Random(f"rule {number}")
    action = ACTIONS[number % len(ACTIONS)]
    fields: dict[str, Any] = dict(SETS[set_of(number)].fields)
    if action in {"pin", "block"}:
        fields = {"item": f"i{draw.randrange(14)}"} if action == "pin" else fields
    elif action in {"cap", "apart", "suppress", "variant", "source", "reorder"}:
        fields = {"attribute": draw.choice(["category", "brand", "kind", "size"])}
    if number >= _PLAIN:
        fields |= _when(draw)
    return Rule(
        f"r{number}",
        action,
        position=draw.randint(1, 4),
        count=draw.randint(1, 3),
        times=draw.choice([0.0, 0.5, 3.0]),
        plus=draw.choice([-1.0, 0.0, 1.0]),
        share=draw.choice([0.25, 1.0]),
        variant=draw.choice(["v0", "v1", "v2"]),
        sources=tuple(draw.sample(SOURCES, draw.randint(1, 3))),
        section=draw.choice(["c0", "c1", "elsewhere"]),
        **fields,
    )


def set_of(number: int) -> int:
    """Which of SETS the rule of a number selects by."""
    return number // len(ACTIONS) % len(SETS)


def _when(draw: Random) -> dict[str, Any]:
    schedule = draw.choice(
        [{}, {}, {}, {"since": NOW - HOUR}, {"since": NOW + HOUR}, {"until": NOW}, {"until": NOW + HOUR}]
    )  # fmt: skip
    return {
        "slots": draw.choice([(), (), NAMES[:1], NAMES[1:3]]),
        "segments": draw.choice([(), (), (), ("keen",), ("keen", "abroad"), ("nobody",)]),
        "when": tuple(tree(draw, 3) for _ in range(draw.choice([0, 1, 1, 2]))),
        "priority": draw.randint(-1, 1),
        **schedule,
    }


def tree(draw: Random, depth: int) -> When:
    """Conditions nested at most so deep."""
    kind = draw.choice(["leaf", "leaf", "leaf", "all", "any", "not"]) if depth else "leaf"
    if kind == "leaf":
        return draw.choice(LEAVES)
    if kind == "not":
        return Not(tree(draw, depth - 1))
    parts = tuple(tree(draw, depth - 1) for _ in range(draw.randint(1, 3)))
    return Every(parts) if kind == "all" else Some(parts)
