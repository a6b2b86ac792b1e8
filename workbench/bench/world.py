"""The seeded test shop of the benchmarks: a history, the shipped ranker and one visitor.

600 items in 20 categories and 400 visitors, each with two favourite categories; the requesting visitor
has a full profile. The seed determines everything.
"""

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import numpy as np

from hemline.adapters.memory import MemoryObjects, MemoryTable
from hemline.adapters.onnx.ranker import OnnxRanker
from hemline.learn.profile.fold import Profile, encode, fold
from hemline.model.durations import DAY_MS, MINUTE_MS
from hemline.model.edition import TRIAL, pack, unpack
from hemline.model.events.event import Event, OrderLine, Record
from hemline.model.item import Item
from hemline.model.site.site import Site
from hemline.model.site.slot import Slot
from hemline.usecases.publishing.build import ArchiveCounts, Made, edition_parts
from hemline.usecases.publishing.ranker import RankerFiles
from hemline.usecases.serving.decide_page import Deps
from hemline.usecases.serving.editions import LiveEdition, engine_of
from workbench.laptop import ROOT

SITE = "bench"
NOW = 1_780_000_000_000
KEYS = (b"a key that signs in benchmarks only",)
SUBJECT = "v:bench"
SLOT = "for-you"
LIMIT = 10
_KINDS = ("exposure", "exposure", "view", "click", "click", "add_to_cart", "purchase")


class BenchWorld(NamedTuple):
    """The inputs of both variants."""

    deps: Deps
    items: tuple[Item, ...]
    history: tuple[Record, ...]
    """The visitor's own events, from which the profile is folded."""
    ranker: RankerFiles
    edition: bytes
    """The packed edition file with all of it."""


@cache
def world() -> BenchWorld:
    """The shop, built once per process."""
    items = tuple(_items())
    rng = np.random.default_rng(7)
    mine = tuple(_visits(rng, SUBJECT, 60))
    others = [record for n in range(400) for record in _visits(rng, f"v:{n}", 30)]
    onnx, card = ((ROOT / "models" / name).read_bytes() for name in RANKER)
    ranker = RankerFiles(onnx, card, TRIAL)
    table = MemoryTable()
    table.write_profile(SITE, SUBJECT, encode(fold(Profile(), mine)), expected=0)
    live = LiveEdition(SITE, MemoryObjects(), OnnxRanker, KEYS, clock=lambda: 0.0)
    live.follow(None)
    edition = _edition(items, [*mine, *others], ranker)
    live.engine = engine_of(unpack(edition, site=SITE), OnnxRanker)
    return BenchWorld(Deps(SITE, table, live, KEYS, 0.05), items, mine, ranker, edition)


RANKER = ("ranker.onnx", "ranker.json")


def _edition(items: tuple[Item, ...], records: list[Record], ranker: RankerFiles) -> bytes:
    from hemline.learn.statistics.arrays import Statistics  # noqa: PLC0415 - only building the shop needs it

    counted = Statistics()
    for record in records:
        counted.add(record)
    site = Site(slots=(Slot(SLOT, title="For you", limit=LIMIT),), currency="EUR")
    found = ArchiveCounts(items, counted, len(records), ())
    return pack(*edition_parts(SITE, site, found, ranker, Made(NOW, {})))


def _items() -> Iterator[Item]:
    for n in range(600):
        yield Item(
            id=f"item-{n:03}",
            title=f"Item number {n}",
            url=f"/items/item-{n:03}",
            image=f"/pictures/item-{n:03}.svg",
            price=4.5 + n % 97,
            currency="EUR",
            categories=(f"category-{n % 20:02}",),
            tags=(f"tag-{n % 7}", f"tag-{n % 11}"),
            published_at=NOW - DAY_MS * (1 + n % 300),
        )


def _visits(rng: np.random.Generator, subject: str, acts: int) -> Iterator[Record]:
    homes = rng.integers(0, 20, 2)
    start = NOW - 30 * DAY_MS
    for n in range(acts):
        kind = _KINDS[int(rng.integers(len(_KINDS)))]
        size = 6 if kind == "exposure" else 1
        categories = np.where(rng.random(size) < 0.7, rng.choice(homes, size), rng.integers(0, 20))
        numbers = np.unique(categories + 20 * rng.geometric(0.08, size).clip(max=29))
        lines = tuple(OrderLine(f"item-{i:03}", int(rng.integers(1, 4))) for i in numbers)
        when = start + (n * 30 * DAY_MS) // acts + int(rng.integers(DAY_MS // 4))
        event = Event(f"{subject}-{n}", kind, min(when, NOW - MINUTE_MS), lines=lines)
        yield Record(SITE, subject, when, event, "GB", "mobile")
