"""Generated sites: slots of all kinds, rules of every action and operator, brakes; from small numbers.

A number becomes a rule or a slot by a seeded generator, the plainest first: so a failing case shrinks to
few and plain ones, and what was made once is made no more. Knows nothing of requests.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from random import Random
from typing import Any, NamedTuple, get_args

import msgspec

from hemline.decide import cards, page_caps, rule_masks
from hemline.decide.features import FEATURES
from hemline.decide.page import Engine
from hemline.decide.rules import Rules
from hemline.decide.snapshot import Snapshot
from hemline.learn.statistics import Statistics, sections
from hemline.model.brake import NO_BRAKE, Brake, Kind, Stop
from hemline.model.edition import SCHEMA, Header, Payload, pack, unpack
from hemline.model.event import Record
from hemline.model.item import Item
from hemline.model.rule import Action, Condition, Every, Not, Rule, Some, Source, When
from hemline.model.slot import PageCap, Slot, Variant
from tests.support.deciding import acts
from tests.support.editions import NOW, SITE, ScoreByPrice, catalogue, with_fields
from tests.support.plainly import LEAVES, SEGMENTS

HOUR = 3_600_000
_ODD: Mapping[int, dict[str, Any]] = {
    2: {"stock": 0},
    4: {"attributes": {"brand": "b", "size": 1}},
    5: {"published_at": NOW + HOUR},
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

# ---- rules ----


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
RULES, SLOTS = 3000, 800
"""How many rules and slots there are to draw from."""
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
    elif action in {"cap", "suppress", "variant", "source", "reorder"}:
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
        "when": tuple(_tree(draw, 3) for _ in range(draw.choice([0, 1, 1, 2]))),
        "priority": draw.randint(-1, 1),
        **schedule,
    }


def _tree(draw: Random, depth: int) -> When:
    kind = draw.choice(["leaf", "leaf", "leaf", "all", "any", "not"]) if depth else "leaf"
    if kind == "leaf":
        return draw.choice(LEAVES)
    if kind == "not":
        return Not(_tree(draw, depth - 1))
    parts = tuple(_tree(draw, depth - 1) for _ in range(draw.randint(1, 3)))
    return Every(parts) if kind == "all" else Some(parts)


# ---- slots ----


@cache
def slot(number: int, name: str) -> Slot:
    """The slot of a number, called `name`: an even one is a list."""
    draw = Random(f"slot {number}")
    kind = "items" if number % 2 == 0 else draw.choice(["content", "alert", "layout"])
    plain = number < 8
    return Slot(
        name,
        kind=kind,  # type: ignore[arg-type] # one of those words
        title=draw.choice(["", "For <you>"]),
        limit=draw.choice([3, 5, 8]),
        sources=("popular",) if plain else tuple(draw.sample(SOURCES, draw.randint(1, 4))),
        personal=number % 8 >= 3,
        priority=0 if plain else draw.randint(0, 2),
        diversity=0.0 if plain else draw.choice([0.0, 0.4, 1.0]),
        explore=0.0 if plain else draw.choice([0.0, 0.5, 1.0]),
        variants=tuple(_variant(n, draw) for n in range(draw.randint(1, 3))),
        sections=("c2", "c0", "c1"),
        fallback=("v1", "v0") if kind in {"content", "alert"} else ("i2", "i1", "i6", "i5", "i3"),
    )


def _variant(number: int, draw: Random) -> Variant:
    return Variant(
        f"v{number}",
        {"headline": draw.choice(["Hello", "<i>"]), "url": draw.choice(["/", "/items/i1"])},
        draw.choice([(), (), (_tree(draw, 2),)]),
        draw.choice([None, "c1", "c2"]),
        draw.choice([None, None, "i1", "i2", "i5", "i6", "gone"]),
    )


CAPS: Sequence[tuple[PageCap, ...]] = (
    (),
    (PageCap("category", 2),),
    (PageCap("category", 1), PageCap("brand", 3)),
    (PageCap("kind", 4),),
)


class Site(NamedTuple):
    """A site as numbers; what they stand for is what it says of itself."""

    slots: tuple[int, ...]
    rules: tuple[int, ...] = ()
    caps: int = 0
    consent_default: bool = True

    def __repr__(self) -> str:
        """With all that the numbers stand for."""
        numbers = f"Site({self.slots}, {self.rules}, {self.caps}, {self.consent_default})"
        return "\n  ".join([numbers, *map(repr, self.made), *map(repr, self.laws)])

    @property
    def made(self) -> tuple[Slot, ...]:
        """Its slots."""
        return tuple(slot(number, name) for number, name in zip(self.slots, NAMES, strict=False))

    @property
    def laws(self) -> tuple[Rule, ...]:
        """Its rules."""
        return tuple(map(rule, self.rules))


HISTORY: Sequence[Record] = [
    *acts("v:ann", ["i1", "i6", "i9", "i1"]),
    *acts("v:ben", ["i2", "i6", "i10", "i4", "i3"], "purchase"),
    *acts("v:eve", ["i0", "i1", "i5", "i8", "i12", "i11", "i7"], "exposure"),
    *acts("v:eve", ["i0", "i3", "i13", "i7"], "click"),
]
"""What the editions' statistics were counted from."""


@cache
def _counted() -> dict[str, Payload]:
    """Sections that all generated sites share, as long as they share items and history."""
    statistics = Statistics()
    for record in HISTORY:
        statistics.add(record)
    ranker: dict[str, Payload] = {
        "ranker_onnx": ("bytes", (), b"any"),
        "ranker_json": ("bytes", (), b"any"),
    }
    return {**sections(statistics, ITEMS, NOW), **cards.sections(ITEMS, currency="EUR"), **ranker}


@lru_cache(2048)
def engine(site: Site) -> Engine:
    """The site as an edition, through its file, and opened."""
    header = Header(
        schema=SCHEMA,
        site=SITE,
        built=NOW,
        slots=site.made,
        rules=site.laws,
        feature_names=FEATURES,
        watermarks={},
        consent_default=site.consent_default,
        segments=SEGMENTS,
        page_caps=CAPS[site.caps],
        base_url="https://shop.example",
    )
    payloads = {
        **_counted(),
        **rule_masks.sections(site.laws, ITEMS, NOW),
        **page_caps.sections(CAPS[site.caps], ITEMS),
    }
    snapshot = Snapshot(unpack(pack(header, payloads), site=SITE))
    return Engine(snapshot, Rules(snapshot), ScoreByPrice())


# ---- brakes ----


def _stops(*stops: tuple[Kind, str, tuple[str, ...]]) -> tuple[Stop, ...]:
    return tuple(Stop(kind, "ops", NOW, "it is a test", name, shows) for kind, name, shows in stops)


BRAKES: Sequence[Brake] = (
    NO_BRAKE,
    Brake(SITE, 1, ()),
    Brake(SITE, 2, _stops(("block", "i1", ()), ("block", "i3", ()))),
    Brake(SITE, 3, _stops(("freeze", "s0", ("i4", "i2", "v1")))),
    Brake(SITE, 4, _stops(("freeze", "s1", ()), ("block", "i6", ()))),
    Brake(SITE, 5, _stops(("no-ranker", "", ()))),
    Brake(SITE, 6, _stops(("no-exploration", "", ()), ("block", "gone", ()))),
    Brake(SITE, 7, _stops(("no-ranker", "", ()), ("freeze", "s2", ("v0", "i7")))),
)
"""None ever, all released, then each kind of stop alone and together."""


def encoded(brake: Brake) -> bytes:
    """As its log keeps it."""
    return msgspec.json.encode(brake)
