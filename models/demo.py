"""Training data of the shipped ranker: simulated visitors, other ones than the demo shop's.

Each seed is a shop with visitors of its own. Their true utilities are known, so the ranker can be measured
against the truth: the utility of the eight items that it puts first.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from hemline.decide.ranking.features.matrix import FEATURES, matrix
from hemline.learn.array_types import Reals
from hemline.model.durations import HOUR_MS
from hemline.model.ids import hash64
from hemline.model.item import Item
from models.candidates import offered
from models.examples import Example, every, shown_lists
from models.logs import Log, of_wire
from models.replay import ReplayWorld
from workbench.demo.catalogue import by_id
from workbench.demo.simulator import history
from workbench.demo.tastes import taste, trend, utility

SITE = "demo"
SLOT = "for-you"
"""Only lists of this slot mix categories, as a list over the whole shop does."""
SEEDS = (11, 12, 13, 14, 21, 22, 23, 24)
TRUTH_SEED = 7
"""The shop that the demo seeds itself with; never trained on."""
UNTIL = int(datetime(2026, 6, 28, tzinfo=UTC).timestamp() * 1000)
_EDITION_EVERY = 6 * HOUR_MS
_FIRST = 8


class Truth(NamedTuple):
    """Mean true utility of the eight items put first, over visitors with a history."""

    visitors: int
    hemline: float
    popularity: float
    random: float
    best: float


def log_of(seed: int, visitors: int = 1500) -> Log:
    """A shop's simulated history as collect would accept it."""
    wires = history(until=UNTIL, seed=seed, visitors=visitors)
    log = of_wire(map(msgspec.json.encode, wires), SITE)
    return Log(_catalogue(), log.records)


def _catalogue() -> list[Item]:
    items = by_id()
    return [items[name] for name in sorted(items)]


def examples(
    seeds: tuple[int, ...] = SEEDS,
    visitors: int = 1500,
    tick: Callable[[], None] = lambda: None,
) -> Iterator[Example]:
    """Lists of SLOT in the shops of these seeds; `tick` is called once a shop."""
    for seed in seeds:
        log = log_of(seed, visitors)
        world = ReplayWorld(SITE)
        world.stock(log.items)
        for one in shown_lists(world, log.records, every(_EDITION_EVERY)):
            if one.slot == SLOT:
                yield one
        tick()


def truth(score: Callable[[npt.NDArray[np.float32]], Reals], visitors: int = 1500) -> Truth:
    """Measure a ranker against the true utilities of the demo's own visitors, at the end of the log."""
    log = log_of(TRUTH_SEED, visitors)
    world = ReplayWorld(SITE)
    world.stock(log.items)
    for record in log.records:
        world.fold(record)
    snapshot = world.build(UNTIL)
    place = {name: i for i, name in enumerate(by_id())}
    order = np.array([place[name] for name in snapshot.item_ids])
    popularity = FEATURES.index("popularity")
    found = []
    for subject in sorted({record.subject for record in log.records}):
        seen = world.view(subject)
        if not len(seen.recent):
            continue
        candidates = offered(snapshot, seen)
        features = matrix(snapshot, seen, candidates, now=UNTIL)
        liked = (utility(taste(subject.removeprefix("v:"))) + trend(1.0))[order][candidates]
        lot = np.random.default_rng(hash64(subject)).random(len(candidates))
        scores = (score(features), features[:, popularity], lot, liked)
        found.append([_first(liked, one) for one in scores])
    ours, popular, random, best = np.mean(found, axis=0).tolist()
    return Truth(len(found), ours, popular, random, best)


def _first(liked: Reals, scores: npt.NDArray[np.floating]) -> float:
    return float(liked[np.argsort(-scores, kind="stable")[:_FIRST]].mean())
