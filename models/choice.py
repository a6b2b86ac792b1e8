"""Measures learned choice of variants in a simulated shop whose true click rates are known.

Each day new visitors come, the engine chooses a variant with real tokens, some click, and at night an
edition is built from the counts. Some visitors have a favourite category. They click its variant more
often, and every other variant too. Everything follows from the seed: the visitors and their random draws
are the same for every way of choosing.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from statistics import mean
from typing import Any, NamedTuple

import msgspec

from hemline.decide.engine import Engine
from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.page import PageRequest
from hemline.decide.rules.eligibility import Rules
from hemline.learn.profile.fold import Profile, encode, fold
from hemline.model.decision import PageContext, SlotRequest, Traits, Visit
from hemline.model.durations import DAY_MS
from hemline.model.edition import pack, unpack
from hemline.model.events.event import Event, OrderLine, Record
from hemline.model.ids import hash64
from hemline.model.item import Item
from hemline.model.site.site import Site
from hemline.model.site.slot import Slot, Variant
from hemline.usecases.ports import ServingRead, Stored
from hemline.usecases.publishing.build import ArchiveCounts, Made, count, edition_parts
from hemline.usecases.serving.decide_page import Deps, decide
from hemline.usecases.serving.editions import LiveEdition

SITE, SLOT = "simulated", "hero"
START = 1_780_012_800_000
"""Midnight, epoch ms."""
_KEYS = (b"a key that signs in simulations only",)


class Shop(NamedTuple):
    """The true parameters of a shop, which the engine must learn."""

    rates: Sequence[float] = (0.03, 0.06)
    """Click rate of each variant for visitors without a favourite category."""
    fans: float = 0.0
    """Share of visitors with a favourite category, spread evenly over the variants' categories."""
    lift: float = 1.0
    """Factor on the rate of the variant of the favourite category."""
    keen: float = 1.5
    """Factor on all rates of visitors with a favourite category."""
    drift: float = 1.0
    """Factor on all rates a day: 0.9 is a tenth less than the day before."""
    explore: float = 0.1
    """Share of choices left to chance."""
    learns: bool = True
    """False: no learning; the variant of the visitor's category is shown, else the first."""


class Day(NamedTuple):
    """The figures of one day."""

    shown: tuple[int, ...]
    """How often each variant was shown."""
    clicks: int
    regret: float
    """Expected clicks with the best variant for each visitor, minus those with the shown ones."""
    best: int
    """Visitors who saw the best variant for them."""


_FIVE = (0.02, 0.04, 0.03, 0.05, 0.08)
SHOPS: Mapping[str, Shop] = {
    "two": Shop(),
    "two, falling": Shop((0.08, 0.12), drift=0.85),
    "five": Shop(_FIVE),
    "five, own as good": Shop(_FIVE, fans=0.6, lift=1.0),
    "five, own twice as good": Shop(_FIVE, fans=0.6, lift=2.0),
    "five, own four times": Shop(_FIVE, fans=0.6, lift=4.0),
}
WAYS: Mapping[str, Mapping[str, Any]] = {
    "never": {"learns": False, "explore": 0.0},
    "explore .1": {},
    "explore .3": {"explore": 0.3},
}


class ChoiceRow(NamedTuple):
    """One shop and one way, the mean over its seeds."""

    shop: str
    learns: str
    clicks: float
    regret: float
    best: float
    """The share of the last day's visitors who saw the best variant for them."""


def runs(seeds: int) -> int:
    """How many simulations `evaluate` makes."""
    return len(SHOPS) * len(WAYS) * seeds


def evaluate(days: int, visits: int, seeds: int, tick: Callable[[], None]) -> list[ChoiceRow]:
    """Every shop in every way; `tick` is called after each simulation."""
    rows = []
    for (name, shop), (way, fields) in product(SHOPS.items(), WAYS.items()):
        found = []
        for seed in range(seeds):
            found.append(simulate(shop._replace(**fields), days, visits, seed))
            tick()
        clicks = mean(sum(day.clicks for day in run) for run in found)
        regret = mean(sum(day.regret for day in run) for run in found)
        best = mean(run[-1].best / visits for run in found)
        rows.append(ChoiceRow(name, way, round(clicks, 2), round(regret, 2), round(best, 4)))
    return rows


class _Visitor(NamedTuple):
    subject: str
    own: int
    """Variant of their favourite category; -1: none."""


def simulate(shop: Shop, days: int, visits: int, seed: int = 0) -> list[Day]:
    """Simulate `days` days of `visits` visitors each."""
    site = Site("Simulated", "EUR", slots=(_slot(shop),))
    seen: list[Record] = []
    found = []
    for day in range(days):
        known = count(seen, slots=site.slots if shop.learns else ())._replace(items=_items(shop))
        records, told = _day(shop, _live(site, known, day), day, visits, seed)
        found.append(told)
        seen += records
    return found


def _slot(shop: Shop) -> Slot:
    fans = bool(shop.fans)
    variants = (
        Variant(f"v{n}", category=f"c{n}" if fans else None) for n in range(len(shop.rates))
    )
    return Slot(SLOT, kind="content", variants=tuple(variants), explore=shop.explore)


def _items(shop: Shop) -> list[Item]:
    return [Item(f"i{n}", categories=(f"c{n}",)) for n in range(len(shop.rates))]


def _live(site: Site, known: ArchiveCounts, day: int) -> LiveEdition:
    header, payloads = edition_parts(SITE, site, known, None, Made(START + day * DAY_MS, {}))
    live = LiveEdition(SITE, None, lambda *_: None, _KEYS, clock=lambda: 0.0)  # type: ignore[arg-type] # never asks
    live.follow(None)
    snapshot = Snapshot(unpack(pack(header, payloads), site=SITE))
    live.engine = Engine(snapshot, Rules(snapshot), None)
    return live


class _Table:
    """Profiles of those who have one."""

    def __init__(self, visitors: Sequence[_Visitor]) -> None:
        self._own = {one.subject: one.own for one in visitors}

    def read_for_serving(
        self, _site: str, subject: str | None, *, pointer: bool, timeout: float
    ) -> ServingRead:
        del pointer, timeout  # the port asks for them
        own = self._own.get(subject or "", -1)
        return ServingRead(None if own < 0 else Stored(_profile(own), 1), None)


def _profile(own: int) -> bytes:
    acts = [
        Record(SITE, "v:any", at, Event(f"e{at}", "click", at, lines=(OrderLine(f"i{own}"),)))
        for at in range(START - 5 * DAY_MS, START - 4 * DAY_MS, DAY_MS // 4)
    ]
    return encode(fold(Profile(), acts))


def _day(
    shop: Shop, live: LiveEdition, day: int, visits: int, seed: int
) -> tuple[list[Record], Day]:
    visitors = [_visitor(shop, f"{seed}-{day}-{n}") for n in range(visits)]
    deps = Deps(SITE, _Table(visitors), live, _KEYS, 0.05)
    records: list[Record] = []
    shown: Counter[int] = Counter()
    clicks, regret, best = 0, 0.0, 0
    for number, one in enumerate(visitors):
        now = START + day * DAY_MS + number * (DAY_MS // visits)
        variant, token = _shown(deps, one, now)
        likely = [_rate(shop, one, n) * shop.drift**day for n in range(len(shop.rates))]
        shown[variant] += 1
        regret += max(likely) - likely[variant]
        best += likely[variant] == max(likely)
        # One draw a visitor, compared with the rate: whoever clicks at .03 also clicks at .06.
        clicked = _chance(one.subject, "clicks") < likely[variant]
        clicks += clicked
        records += _events(one.subject, token, now, clicked=clicked)
    times = tuple(shown[n] for n in range(len(shop.rates)))
    return records, Day(times, clicks, round(regret, 3), best)


def _visitor(shop: Shop, name: str) -> _Visitor:
    if _chance(name, "fan") >= shop.fans:
        return _Visitor(f"v:{name}", -1)
    return _Visitor(f"v:{name}", int(_chance(name, "of") * len(shop.rates)))


def _rate(shop: Shop, one: _Visitor, variant: int) -> float:
    keen = shop.keen if one.own >= 0 else 1.0
    return min(shop.rates[variant] * keen * (shop.lift if one.own == variant else 1.0), 1.0)


def _shown(deps: Deps, one: _Visitor, now: int) -> tuple[int, str]:
    ask = PageRequest(PageContext(), Traits("GB", "mobile"), (SlotRequest(SLOT),), "json")
    fragment = decide(ask, Visit(one.subject, consent=True), deps, now).fragments[SLOT]
    body = msgspec.json.decode(fragment.body)
    return int(body["variant"]["name"][1:]), body["token"]


def _events(subject: str, token: str, now: int, *, clicked: bool) -> Iterator[Record]:
    for kind in ("exposure", "click")[: 1 + clicked]:
        event = Event(f"{subject}{kind}", kind, now, slot=SLOT, token=token)
        yield Record(SITE, subject, now, event, "GB", "mobile")


def _chance(*names: str) -> float:
    return (hash64("|".join(names)) >> 11) / 2.0**53
