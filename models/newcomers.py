"""What likeness is worth to new items: P1, where one film in ten has no statistics when it is judged.

The ranker learns as ever. In the test lists the hidden films look as if nothing had ever happened to
them, once with what is reckoned from the films that they resemble and once without.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.ranking.features.matrix import FEATURES, matrix
from hemline.decide.ranking.visitor import view
from hemline.learn.array_types import Floats, Mask
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
Known = tuple[str, Floats]
"""What is known of the hidden films, and the features that follow."""


class JudgedList(NamedTuple):
    """One list, with its features for each state of knowledge; empty while training."""

    example: Example
    hidden: Mask
    features: tuple[Known, ...]


class NewcomersRow(NamedTuple):
    """NDCG@10 over lists; `gain` is the 95 % interval of it less that of nothing known."""

    judged: str
    lists: int
    knows: str
    ndcg: float
    se: float
    gain: tuple[float, float]


class _Blind(ReplayWorld):
    """The world as it is, beside two in which the hidden films have no past."""

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


def lists(log: Log, tick: Callable[[], None] = lambda: None) -> Iterator[JudgedList]:
    """P1's lists in order; `tick` is called once an event."""
    hidden = frozenset(item.id for item in log.items if not hash64(item.id) % _ONE_IN)
    world = _Blind(hidden)
    for one in (world, *world.others.values()):
        one.stock(log.items)
    mask = np.array([item.id in hidden for item in log.items])
    found = shown_lists(world, log.records, each(EDITION_EVERY), tick)
    for seen, example in enumerate(found):
        # From before the first one that is judged: an edition is built every few lists.
        world.judging = seen >= TRAIN - 2 * EDITION_EVERY
        known = tuple(_known(world, example)) if seen >= TRAIN else ()
        yield JudgedList(example, mask[example.candidates], known)


def _known(world: _Blind, one: Example) -> Iterator[Known]:
    yield "everything", one.features
    for name, other in world.others.items():
        assert other.snapshot is not None
        seen = view(world.profile(one.subject), other.snapshot)
        yield name, matrix(other.snapshot, seen, one.candidates, now=one.time)


def evaluate(found: Iterator[JudgedList], shape: TrainingShape = SHAPE) -> list[NewcomersRow]:
    """Train on the first lists, judge on the rest."""
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
    name: str, tests: Sequence[JudgedList], score: Callable[[Floats], npt.ArrayLike], *, only: bool
) -> Iterator[NewcomersRow]:
    values: dict[str, list[float]] = {}
    for at, (knows, _) in enumerate(tests[0].features):
        rng = np.random.default_rng(0)
        values[knows] = [_value(one, score(one.features[at][1]), rng, only=only) for one in tests]
    for knows, found in values.items():
        mean, se = summary(found)
        yield NewcomersRow(name, len(tests), knows, mean, se, paired(found, values["nothing"]))


def _value(
    one: JudgedList, scores: npt.ArrayLike, rng: np.random.Generator, *, only: bool
) -> float:
    relevant = one.example.gains > 0
    if not only:
        return ndcg(scores, relevant, rng, wanted=one.example.wanted)
    return ndcg(scores, relevant & one.hidden, rng)
