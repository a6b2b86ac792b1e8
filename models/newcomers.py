"""Measures what item similarity adds for cold items: P1 with one film in ten made cold in the test lists.

Training is that of P1. In the test lists the cold films have no statistics of their own: once with the
estimates taken from similar films, once without.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.ranking.features.matrix import FEATURES, matrix
from hemline.decide.ranking.visitor import view
from hemline.learn.array_types import Floats
from hemline.learn.statistics.arrays import Statistics
from hemline.model.events.event import Record
from hemline.model.ids import hash64
from models.examples import Example, each, rows, shown_lists, split
from models.logs import Log
from models.metrics import ndcg, paired, summary
from models.ranklens import DATA, EDITION_EVERY, SITE, TRAIN
from models.replay import ReplayWorld
from models.training import SHAPE, TrainingShape, predict, train

_ONE_IN = 10
KnownState = tuple[str, Floats]
"""What is known of the cold films, and the features [n, FEATURES] that follow."""


class TestList(NamedTuple):
    """One list. `hidden` [n]: is a cold film. `features`: one for each known state, none in training."""

    example: Example
    hidden: npt.NDArray[np.bool_]
    features: tuple[KnownState, ...]


class ColdItemsRow(NamedTuple):
    """NDCG@10 of one known state. `gain`: 95 % interval of the difference to nothing known."""

    judged: str
    lists: int
    knows: str
    ndcg: float
    se: float
    gain: tuple[float, float]


class _ColdItemWorld(ReplayWorld):
    """The full replay, with two others in which the cold films have no past."""

    def __init__(self, hidden: frozenset[str]) -> None:
        super().__init__(SITE)
        self._hidden = hidden
        self.others = {
            "nothing": ReplayWorld(SITE, alike=False),
            "what they are like": ReplayWorld(SITE),
        }
        self._past = Statistics()
        for other in self.others.values():
            other.statistics = self._past
        self.judging = False

    def fold(self, record: Record) -> None:
        super().fold(record)
        lines = tuple(line for line in record.event.lines if line.item not in self._hidden)
        item = None if record.event.item in self._hidden else record.event.item
        event = msgspec.structs.replace(record.event, lines=lines, item=item)
        self._past.add(msgspec.structs.replace(record, event=event))

    def build(self, built: int, *, pairs: bool = True) -> Snapshot:
        for other in self.others.values() if self.judging else ():
            other.build(built)
        return super().build(built, pairs=pairs)


def lists(log: Log, tick: Callable[[], None] = lambda: None) -> Iterator[TestList]:
    """P1's lists in order, with cold films; `tick` is called once an event."""
    hidden = frozenset(item.id for item in log.items if not hash64(item.id) % _ONE_IN)
    world = _ColdItemWorld(hidden)
    for one in (world, *world.others.values()):
        one.stock(log.items)
    mask = np.array([item.id in hidden for item in log.items])
    found = shown_lists(world, log.records, each(EDITION_EVERY), tick)
    for seen, example in enumerate(found):
        # Begins two editions before the first test list, so that the other worlds have one by then.
        world.judging = seen >= TRAIN - 2 * EDITION_EVERY
        known = tuple(_known(world, example)) if seen >= TRAIN else ()
        yield TestList(example, mask[example.candidates], known)


def _known(world: _ColdItemWorld, one: Example) -> Iterator[KnownState]:
    yield "everything", one.features
    for name, other in world.others.items():
        assert other.snapshot is not None
        seen = view(world.profile(one.subject), other.snapshot)
        yield name, matrix(other.snapshot, seen, one.candidates, now=one.time)


def evaluate(found: Iterator[TestList], shape: TrainingShape = SHAPE) -> list[ColdItemsRow]:
    """Train on the first lists, test on the rest."""
    learnt, tests = split(list(found), TRAIN, DATA)
    booster = train(rows([one.example for one in learnt]), shape, FEATURES)
    clicked = [one for one in tests if ((one.example.gains > 0) & one.hidden).any()]
    judge = {
        "all clicks": (tests, False),
        "all clicks, a hidden film clicked": (clicked, False),
        "clicks on hidden films": (clicked, True),
    }
    return [
        row
        for name, (some, only) in judge.items()
        for row in _rows(name, some, lambda features: predict(booster, features), only=only)
    ]


def _rows(
    name: str, tests: Sequence[TestList], score: Callable[[Floats], npt.ArrayLike], *, only: bool
) -> Iterator[ColdItemsRow]:
    values: dict[str, list[float]] = {}
    for at, (knows, _) in enumerate(tests[0].features):
        rng = np.random.default_rng(0)
        values[knows] = [_value(one, score(one.features[at][1]), rng, only=only) for one in tests]
    for knows, found in values.items():
        mean, se = summary(found)
        yield ColdItemsRow(name, len(tests), knows, mean, se, paired(found, values["nothing"]))


def _value(one: TestList, scores: npt.ArrayLike, rng: np.random.Generator, *, only: bool) -> float:
    relevant = one.example.gains > 0
    if not only:
        return ndcg(scores, relevant, rng, wanted=one.example.wanted)
    return ndcg(scores, relevant & one.hidden, rng)
