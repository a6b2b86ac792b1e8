"""Protocol P1: RankLens in the file's order; the first 7,018 rankings with a click train, 1,755 test.

Films are the catalogue, rankings are exposures, clicks are clicks, exactly as `hemline import` sends
them. The shown position is not a feature. A new edition is built every few rankings and not by time,
because the file covers only twenty minutes.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from hemline.decide.ranking.features.matrix import FEATURES
from hemline.model.item import Item
from models.examples import Example, each, rows, shown_lists, split
from models.logs import Log, of_wire
from models.replay import ReplayWorld
from models.results import OURS, Result, Scorer, compare
from models.training import SHAPE, TrainingShape, predict, train
from workbench.importers import ranklens
from workbench.importers.reading import opened
from workbench.importers.wire import readable

PROTOCOL = "P1"
DATA = "RankLens in Metarank's format"
SITE = "ranklens"
TRAIN = 7018
EDITION_EVERY = 50
"""Rankings between two editions."""


def read(path: Path) -> Log:
    """The file as a log, without lines that the importer cannot read."""
    with opened(path) as source:
        made = ranklens.events(source.lines())
        log = of_wire(readable(made), SITE)
    # A few films appear only in rankings. They become bare items, so that test lists stay whole.
    shown = {line.item for record in log.records for line in record.event.lines}
    bare = shown - {item.id for item in log.items}
    items = sorted([*log.items, *map(Item, bare)], key=lambda item: item.id)
    return log._replace(items=items)


def examples(log: Log, tick: Callable[[], None] = lambda: None) -> list[Example]:
    """One list for each ranking with a click; `tick` is called once an event."""
    world = ReplayWorld(SITE)
    world.stock(log.items)
    return list(shown_lists(world, log.records, each(EDITION_EVERY), tick))


def evaluate(found: list[Example], shape: TrainingShape = SHAPE) -> Result:
    """Train on the first lists, test on the rest. Raises BadInput when there are too few."""
    learnt, tests = split(found, TRAIN, DATA)
    booster = train(rows(learnt), shape, FEATURES)
    scorers: dict[str, Scorer] = {
        OURS: lambda one: predict(booster, one.features),
        "item CTR": lambda one: _column(one, "rate_ever"),
        "popularity": lambda one: _column(one, "engaged_ever"),
        "own frequency": lambda one: _column(one, "own_engaged"),
        "shown order": lambda one: -np.arange(len(one.gains)),
        "random": lambda one: np.zeros(len(one.gains)),
    }
    return compare(PROTOCOL, tests, scorers)


def _column(example: Example, name: str) -> np.ndarray:
    return example.features[:, FEATURES.index(name)]
