"""Generated sites: slots of all kinds, rules, templates, page caps, brakes; from small numbers.

A number becomes a rule or a slot by a seeded generator, the plainest first: so a failing case shrinks to
few and plain ones, and what was made once is made no more. Knows nothing of requests.
"""

from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from random import Random
from typing import NamedTuple

import msgspec

from hemline.decide.engine import Engine
from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.ranking import page_caps
from hemline.decide.ranking.features.matrix import FEATURES
from hemline.decide.render import cards
from hemline.decide.rules import masks
from hemline.decide.rules.eligibility import Rules
from hemline.decide.templates import edition
from hemline.learn.statistics.arrays import Statistics, sections
from hemline.model import choice
from hemline.model.brake import NO_BRAKE, Brake, Kind, Stop
from hemline.model.edition import SCHEMA, Header, Payload, pack, unpack
from hemline.model.events.event import Record
from hemline.model.site.alert import Frequency, Opens
from hemline.model.site.rule import Rule
from hemline.model.site.slot import PageCap, Slot, Variant
from hemline.model.site.template import Template
from tests.builders.editions import NOW, SITE, ScoreByPrice
from tests.harness.deciding import acts
from tests.oracles.condition_oracle import SEGMENTS
from tests.strategies.rule_strategies import ITEMS, NAMES, SOURCES, rule, tree

SLOTS = 800
"""How many there are to draw from."""

# ---- slots ----

FREQUENCIES = (None, Frequency(1, 7), Frequency(2, 1, 30), Frequency(3, 60, 5))


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
        template="" if plain else draw.choice(["", "", *TEMPLATES]),
        fallback=("v1", "v0") if kind in {"content", "alert"} else ("i2", "i1", "i6", "i5", "i3"),
        frequency=None if plain or kind not in {"content", "alert"} else draw.choice(FREQUENCIES),
        opens=Opens("exit", 3) if kind == "alert" and number % 3 == 0 else None,
    )


def _variant(number: int, draw: Random) -> Variant:
    return Variant(
        f"v{number}",
        {"headline": draw.choice(["Hello", "<i>"]), "url": draw.choice(["/", "/items/i1"])},
        draw.choice([(), (), (tree(draw, 2),)]),
        draw.choice([None, "c1", "c2"]),
        draw.choice([None, None, "i1", "i2", "i5", "i6", "gone"]),
    )


CAPS: Sequence[tuple[PageCap, ...]] = (
    (),
    (PageCap("category", 2),),
    (PageCap("category", 1), PageCap("brand", 3)),
    (PageCap("kind", 4),),
)


TEMPLATES: Mapping[str, str] = {
    "who": "<p title='{{fact.trait.country}}'>{{slot.title}} {{fact.visitor.count.click}}"
    "{{#fact.segment.keen}}keen{{/fact.segment.keen}}</p>",
    "where": "<p>{{fact.trait.language}} {{fact.page.type}} {{slot.name}}</p>",
}


@cache
def _templates(used: frozenset[str]) -> dict[str, Payload]:
    written = [Template(name, html) for name, html in TEMPLATES.items()]
    return edition.sections(written, [Slot(name, template=name) for name in used])


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


def _choices(site: Site) -> dict[str, Payload]:
    """What is known of variants, of every other slot that has some."""
    known = {one.name: _evidence(one) for one in site.made if one.variants and one.limit != 5}
    return {choice.SECTION: ("bytes", (), choice.encode(known))}


def _evidence(slot: Slot) -> choice.Evidence:
    draw = Random(f"evidence {slot}")
    found = {
        variant.name: choice.Estimate(draw.random(), draw.random(), 100.0)
        for variant in slot.variants[: draw.randint(1, 3)]
    }
    there = {name: draw.choice([0.5, 2.0]) for name in found}
    return choice.Evidence("click", 0.3, 0.5, found, draw.choice([{}, {"mobile": there}]))


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
        **masks.sections(site.laws, ITEMS, NOW),
        **page_caps.sections(CAPS[site.caps], ITEMS),
        **_templates(frozenset(one.template for one in site.made)),
        **_choices(site),
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
    Brake(SITE, 8, _stops(*(("place", f"s{n}/{1 + n % 3}", (f"i{n}",)) for n in range(4)))),
    Brake(SITE, 9, _stops(("place", "s0/1", ("i5",)), ("block", "i5", ()), ("freeze", "s1", ()))),
)
"""None ever, all released, then each kind of stop alone and together."""


def encoded(brake: Brake) -> bytes:
    """As its log keeps it."""
    return msgspec.json.encode(brake)
