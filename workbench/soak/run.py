"""A whole soak in this process: clients, stream, function and stores, then the verdict."""

import random
from collections.abc import Callable
from typing import NamedTuple

from hemline.adapters.memory import MemoryObjects, MemoryTable
from hemline.usecases.ingest_batch import ingest_batch
from hemline.usecases.ports import PersonStore
from workbench.soak.consumer import Consumer, Reading
from workbench.soak.crowd import Crowd, Stream
from workbench.soak.function import Function, Ingest
from workbench.soak.plan import Plan
from workbench.soak.stage import Stage, Troupe
from workbench.soak.stream import Shards
from workbench.soak.verdict import Check, Stores, expected, judge

_RESHARDS = 8
_CALLS = 7.5
"""Events in one call, on average."""


class Settings(NamedTuple):
    """What is asked for."""

    events: int = 1_000_000
    kills: int = 2000
    faults: int = 10_000
    seed: int = 1
    shards: int = 4
    lanes: int = 2
    batch: int = 250


class Report(NamedTuple):
    """What came of it."""

    settings: Settings
    checks: list[Check]
    """After the stream was read, and again after all of it was delivered once more."""
    troubles: dict[str, int]
    figures: dict[str, int]

    @property
    def holds(self) -> bool:
        """Whether every check does."""
        return all(check.holds for check in self.checks)


class Tell(NamedTuple):
    """Where a run says how far it is; records done of about `total`."""

    total: Callable[[int], None] = lambda _: None
    done: Callable[[int], None] = lambda _: None
    phase: Callable[[str], None] = lambda _: None


def soak(
    settings: Settings,
    ingest: Ingest = ingest_batch,
    tell: Tell | None = None,
    people: tuple[PersonStore, PersonStore] | None = None,
) -> Report:
    """Run it. The same settings give the same report.

    `people`: another table than memory, as the function reaches it and as the verdict does.
    """
    objects, table = MemoryObjects(), MemoryTable()
    used, judged = people or (table, table)
    run = _Run(settings, ingest, tell or Tell(), Stores(used, objects))
    return run.whole(Stores(judged, objects))


class _Run:
    def __init__(self, settings: Settings, ingest: Ingest, tell: Tell, places: Stores) -> None:
        self._settings, self._tell, self._places = settings, tell, places
        self._plan = Plan(self._rng("plan"), kills=settings.kills, faults=settings.faults)
        self._stream = Shards(settings.shards, self._plan, self._rng("stream"))
        ends = Stream(self._stream, self._stream.store, self._stream.at)
        self._crowd = Crowd(settings.seed, settings.events, ends)
        stage = Stage(self._rng("stage"))
        self._function = Function(self._plan, stage, places, Troupe(stage), ingest)
        self._consumer = Consumer(self._function, self._rng("mapping"), self._settled)
        # The stream is read twice, and holds about a tenth more than what is new.
        self._total, self._done = int(settings.events * 2.2), 0

    def whole(self, judged: Stores) -> Report:
        ledger, reading = self._crowd.ledger, Reading(self._settings.lanes, self._settings.batch)
        self._tell.total(self._total)
        self._tell.phase("deliver")
        self._deliver(reading)
        self._consumer.redrive()
        self._tell.phase("compare")
        asked = expected(ledger)
        first = judge(ledger, asked, judged)
        self._tell.phase("replay")
        # In another cut and in other lanes, as when somebody had changed the settings.
        self._total = self._done + self._stream.records
        self._function.watching = False
        self._consumer.replay(self._stream, Reading(reading.lanes + 1, reading.batch + 37))
        self._consumer.redrive()
        self._tell.phase("compare")
        again = judge(ledger, asked, judged, first)
        checks = [*first.checks, *self._own_checks(), *replayed(again.checks)]
        return Report(self._settings, checks, self._plan.named(), self._figures())

    def _rng(self, what: str) -> random.Random:
        return random.Random(f"{self._settings.seed} {what}")

    def _settled(self, records: int) -> None:
        self._done += records
        self._plan.advance(self._done / self._total)
        self._tell.done(records)

    def _deliver(self, reading: Reading) -> None:
        size = max(4, int(reading.batch * self._settings.shards * reading.lanes / _CALLS))
        reshards = 0
        for calls in self._crowd.parts(size):
            if calls * _CALLS > self._settings.events * reshards / _RESHARDS:
                reshards += 1
                self._stream.reshard()
            self._consumer.drain(self._stream, reading)

    def _own_checks(self) -> list[Check]:
        ledger = self._crowd.ledger
        known = ledger.events + ledger.copies.total() + self._stream.doubled + len(ledger.poison)
        return [
            Check("records = accepted + stored twice + poison", self._stream.records, known),
            *self._function.checks(),
        ]

    def _figures(self) -> dict[str, int]:
        kills, faults = self._plan.totals()
        return {
            **self._crowd.ledger.figures(),
            "records on the stream": self._stream.records,
            "shards": len(self._stream.all),
            "kills": kills,
            "faults": faults,
            **dict(sorted(self._consumer.seen.items())),
            **self._function.figures(),
        }


def replayed(checks: list[Check]) -> list[Check]:
    """The same checks, after the whole stream was delivered again."""
    return [check._replace(name=f"replayed: {check.name}") for check in checks]
