"""Protocol P3: Online Retail, predict a customer's next invoice among the product's 200 candidates.

Trained on 2011-09-01 to 10-31, tested from 2011-11-15 on; the two weeks between are for validation.

An invoice is a purchase, as `hemline import` sends it. An edition is built each midnight from earlier
rows only, the catalogue included: names, prices and categories of later days are not used.
A customer without history gets decayed popularity, as the ladder serves them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import numpy as np

from hemline.decide.ranking.features.matrix import FEATURES
from hemline.learn.array_types import Floats
from hemline.model.durations import DAY_MS
from hemline.model.events.event import OrderLine, Record
from hemline.model.item import Item
from models.candidates import next_list
from models.examples import Example, enough, rows
from models.logs import of_wire
from models.replay import ReplayWorld
from models.results import OURS, Result, Scorer, compare
from models.training import SHAPE, TrainingShape, predict, train
from workbench.importers import online_retail
from workbench.importers.reading import opened
from workbench.importers.wire import readable

PROTOCOL = "P3"
SITE = "online-retail"
PAIRS_EVERY = 7
"""Days between two builds of the neighbours."""
Sales = Sequence[Mapping[str, str]]


def at(day: str) -> int:
    """Epoch ms of a date's midnight, UTC."""
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() * 1000)


START, VALID, TEST = at("2011-09-01"), at("2011-11-01"), at("2011-11-15")


class Invoices(NamedTuple):
    """The file's rows, and its purchases by time. A long invoice may be several records."""

    rows: Sales
    purchases: list[list[Record]]


def read(path: Path) -> Invoices:
    """Read the whole file. Raises BadInput when it is not Online Retail."""
    with opened(path) as source:
        sold = sorted(online_retail.checked(source.rows()), key=lambda row: row["InvoiceDate"])
    made = online_retail.events(online_retail.read(sold)).events
    log = of_wire(readable(made), SITE)
    ordered = sorted(log.records, key=lambda r: (r.event.time, r.event.id))
    return Invoices(sold, [list(part) for _, part in groupby(ordered, _number)])


def _number(record: Record) -> str:
    return "-".join(record.event.id.split("-")[:2])


class Catalogue:
    """The catalogue that the importer makes of the rows of earlier days."""

    def __init__(self, sold: Sales) -> None:
        self._sold, self._at, self._sales = sold, 0, online_retail.Sales()

    def before(self, day: str) -> list[Item]:
        """Items sold before `day` (YYYY-MM-DD), in the order of their first sale."""
        while self._at < len(self._sold) and self._sold[self._at]["InvoiceDate"] < day:
            self._sales.add(self._sold[self._at])
            self._at += 1
        order = {code: n for n, code in enumerate(self._sales.products)}
        self._sales.invoices.clear()
        made = online_retail.events(self._sales).events
        items = of_wire(readable(made), SITE).items
        return sorted(items, key=lambda item: order[item.id])


def examples(log: Invoices, tick: Callable[[], None] = lambda: None) -> list[Example]:
    """One for each invoice from START on; `tick` is called once an invoice."""
    return list(_replay(ReplayWorld(SITE), log, tick))


def _replay(world: ReplayWorld, log: Invoices, tick: Callable[[], None]) -> Iterator[Example]:
    catalogue = Catalogue(log.rows)
    days = groupby(log.purchases, lambda invoice: invoice[0].event.time // DAY_MS)
    for number, (day, todays) in enumerate(days):
        midnight = day * DAY_MS
        if midnight >= START:
            date = datetime.fromtimestamp(midnight / 1000, UTC).date().isoformat()
            world.stock(catalogue.before(date))
            world.build(midnight, pairs=number % PAIRS_EVERY == 0)
        for invoice in todays:
            if midnight >= START:
                yield next_list(world, invoice[0], _lines(invoice))
            for record in invoice:
                world.fold(record)
            tick()


def _lines(invoice: list[Record]) -> list[OrderLine]:
    return [line for record in invoice for line in record.event.lines]


def evaluate(found: list[Example], shape: TrainingShape = SHAPE) -> Result:
    """Train on two months, test on the last weeks. A bought item that is no candidate counts 0.

    Raises BadInput when there are too few lists of either.
    """
    learnt = [e for e in found if e.time < VALID and e.known and e.gains.any()]
    tests = [e for e in found if e.time >= TEST]
    enough(learnt, tests, "UCI Online Retail, as CSV")
    booster = train(rows(learnt), shape, FEATURES)
    scorers: dict[str, Scorer] = {
        OURS: lambda one: predict(booster, one.features) if one.known else _popularity(one),
        "own frequency + popularity": lambda one: (
            _column(one, "own_share") * 100 + _popularity(one)
        ),
        "own frequency": lambda one: _column(one, "own_bought"),
        "popularity": _popularity,
        "random": lambda one: np.zeros(len(one.gains)),
    }
    return compare(PROTOCOL, tests, scorers)


def _popularity(example: Example) -> Floats:
    return _column(example, "popularity")


def _column(example: Example, name: str) -> Floats:
    return example.features[:, FEATURES.index(name)]
