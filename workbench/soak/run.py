"""A whole soak in this process: clients, stream, function and stores, then the verdict."""

import random
from collections.abc import Callable, Sequence
from typing import NamedTuple

from hemline.adapters.memory import MemoryObjects, MemoryTable
from hemline.usecases.ingest.batch import ingest_batch
from hemline.usecases.people.forget_archive import SweepDeps, sweep_on
from hemline.usecases.ports import PersonStore, VersionedStore
from workbench.soak.books.checks import Check
from workbench.soak.books.verdict import Look, VerdictStores, judge
from workbench.soak.books.verdict_people import remains
from workbench.soak.consumer import Consumer, ShardReading
from workbench.soak.faulty import FaultyObjects, FaultyTable, Life
from workbench.soak.function import Ingest, SoakFunction
from workbench.soak.load import Crowd, WireStream
from workbench.soak.people import SoakWorld, StoryReach
from workbench.soak.plan import FaultPlan
from workbench.soak.poison import SITE
from workbench.soak.scheduler import Actors, Stage
from workbench.soak.stream import Shards
from workbench.soak.visitors import SPAN, START

_RESHARDS = 8
_CALLS = 7.5
"""Events in one call, on average."""


class SoakSettings(NamedTuple):
    """What is asked for."""

    events: int = 1_000_000
    kills: int = 2000
    faults: int = 10_000
    seed: int = 1
    shards: int = 4
    lanes: int = 2
    batch: int = 250


class SoakReport(NamedTuple):
    """What came of it."""

    settings: SoakSettings
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
    settings: SoakSettings,
    ingest: Ingest = ingest_batch,
    tell: Tell | None = None,
    people: tuple[PersonStore, PersonStore] | None = None,
) -> SoakReport:
    """Run it. The same settings give the same report.

    `people`: another table than memory, as the function reaches it and as the verdict does.
    """
    objects, table = MemoryObjects(), MemoryTable()
    used, judged = people or (table, table)
    run = _Run(settings, ingest, tell or Tell(), VerdictStores(used, objects))
    return run.whole(VerdictStores(judged, objects))


class _Run:
    def __init__(
        self, settings: SoakSettings, ingest: Ingest, tell: Tell, places: VerdictStores
    ) -> None:
        self._settings, self._tell, self._places = settings, tell, places
        self._plan = FaultPlan(self._rng("plan"), kills=settings.kills, faults=settings.faults)
        self._stream = Shards(settings.shards, self._plan, self._rng("stream"))
        ends = WireStream(self._stream, self._stream.store, self._stream.at)
        self._stage = Stage(self._rng("stage"))
        world = SoakWorld(self._reach, self._stream, self._stage.breathe)
        self._crowd = Crowd(settings.seed, settings.events, ends, world)
        self._ledger, self._people = self._crowd.ledger, self._crowd.people
        self._function = SoakFunction(self._plan, self._stage, places, Actors(self._stage), ingest)
        self._function.exempt = self._people.touched
        self._consumer = Consumer(self._function, self._rng("mapping"), self._settled)
        # The stream is read twice, and holds about a tenth more than what is new.
        self._total, self._done = int(settings.events * 2.2), 0

    def whole(self, judged: VerdictStores) -> SoakReport:
        reading = ShardReading(self._settings.lanes, self._settings.batch)
        self._tell.total(self._total)
        self._tell.phase("deliver")
        self._deliver(reading)
        first = self._judged(judged)
        self._tell.phase("replay")
        # In another cut and in other lanes, as when somebody had changed the settings.
        self._total = self._done + self._stream.records
        self._function.watching = False
        self._consumer.replay(self._stream, ShardReading(reading.lanes + 1, reading.batch + 37))
        self._consumer.redrive()
        swept(judged.objects)
        again = self._judged(judged, first)
        left = remains(self._ledger, judged.objects, judged.people)
        checks = [*first.checks, *self._own_checks(), *replayed(again.checks), *left]
        return SoakReport(self._settings, checks, self._plan.named(), self._figures(again))

    def _judged(self, stores: VerdictStores, before: Look | None = None) -> Look:
        self._tell.phase("compare")
        return judge(self._ledger, stores, before, minted=self._people.minted)

    def _reach(self) -> StoryReach:
        """A person's call has a life of its own, and troubles as the function has them."""
        life = Life(self._plan, self._stage, _Unwatched(), {})
        return StoryReach(
            FaultyTable(self._places.people, life), FaultyObjects(self._places.objects, life)
        )

    def _rng(self, what: str) -> random.Random:
        return random.Random(f"{self._settings.seed} {what}")

    def _settled(self, records: int) -> None:
        self._done += records
        self._plan.advance(self._done / self._total)
        self._tell.done(records)

    def _deliver(self, reading: ShardReading) -> None:
        size = max(4, int(reading.batch * self._settings.shards * reading.lanes / _CALLS))
        reshards = 0
        for calls in self._crowd.parts(size):
            if calls * _CALLS > self._settings.events * reshards / _RESHARDS:
                reshards += 1
                self._stream.reshard()
            with self._ledger.said.reading():
                racing = [Actors(self._stage).submit(act) for act in self._people.race()]
                self._consumer.drain(self._stream, reading)
                self._consumer.redrive()
                for act in racing:
                    act.result()

    def _own_checks(self) -> list[Check]:
        ledger = self._ledger
        known = ledger.events + ledger.copies.total() + self._stream.doubled + len(ledger.poison)
        return [
            Check("records = accepted + stored twice + poison", self._stream.records, known),
            Check("devices that are not whose they should be", 0, self._people.misled),
            *self._function.checks(),
        ]

    def _figures(self, look: Look) -> dict[str, int]:
        kills, faults = self._plan.totals()
        return {
            **self._ledger.figures(),
            **look.figures,
            **self._people.figures,
            "records on the stream": self._stream.records,
            "shards": len(self._stream.all),
            "kills": kills,
            "faults": faults,
            **dict(sorted(self._consumer.seen.items())),
            **self._function.figures(),
        }


class _Unwatched:
    """A person's own calls write no archive."""

    def archived(self, data: bytes) -> None:
        """Never."""

    def profiled(self, subject: str, batch: Sequence[int]) -> None:
        """Nothing of the stream."""


def swept(objects: VersionedStore) -> None:
    """Take the forgotten out of every object, as `hemline sweep` does it."""
    sweep_on(SweepDeps(SITE, objects, MemoryObjects()), START + 2 * SPAN, lambda: True)


def replayed(checks: list[Check]) -> list[Check]:
    """The same checks, after the whole stream was delivered again."""
    return [check._replace(name=f"replayed: {check.name}") for check in checks]
