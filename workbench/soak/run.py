"""A soak in this process: clients, stream, function and stores, then the verdict.

Begin with `soak`. The stream is delivered, compared, delivered again from its oldest record, compared.
"""

import random
from collections.abc import Callable, Sequence
from typing import NamedTuple

from hemline.adapters.memory import MemoryObjects, MemoryTable
from hemline.usecases.ingest.batch import ingest_batch
from hemline.usecases.people.forget_archive import SweepDeps, sweep_on
from hemline.usecases.ports import PersonStore, VersionedStore
from workbench.soak.books.checks import Check
from workbench.soak.books.verdict import Verdict, VerdictStores, judge
from workbench.soak.books.verdict_people import forgotten_checks
from workbench.soak.consumer import Consumer, ShardReading
from workbench.soak.faulty import FaultyObjects, FaultyTable, Invocation
from workbench.soak.function import Ingest, SoakFunction
from workbench.soak.load import LoadGenerator, WireStream
from workbench.soak.people import SoakWorld, StoryStores
from workbench.soak.plan import FaultPlan
from workbench.soak.poison import SITE
from workbench.soak.scheduler import Actors, Scheduler
from workbench.soak.stream import Shards
from workbench.soak.visitors import SPAN, START

_RESHARDS = 8
_CALLS = 7.5
"""Events in one call, on average."""


class SoakSettings(NamedTuple):
    """The options of one run."""

    events: int = 1_000_000
    """Distinct events that clients send."""
    kills: int = 2000
    faults: int = 10_000
    seed: int = 1
    shards: int = 4
    """At the start; the stream is resharded during the run."""
    lanes: int = 2
    """Concurrent batches of one shard (ParallelizationFactor)."""
    batch: int = 250
    """Most records of one invocation (BatchSize)."""


class SoakReport(NamedTuple):
    """The result of one run."""

    settings: SoakSettings
    checks: list[Check]
    """After the stream was read, and again after its replay."""
    faults: dict[str, int]
    """`operation: kind` → how often it happened."""
    figures: dict[str, int]

    @property
    def holds(self) -> bool:
        """Whether every check holds."""
        return all(check.holds for check in self.checks)


class SoakProgress(NamedTuple):
    """Callbacks for a progress bar, in records."""

    total: Callable[[int], None] = lambda _: None
    done: Callable[[int], None] = lambda _: None
    phase: Callable[[str], None] = lambda _: None


def soak(
    settings: SoakSettings,
    ingest: Ingest = ingest_batch,
    progress: SoakProgress | None = None,
    people: tuple[PersonStore, PersonStore] | None = None,
) -> SoakReport:
    """Run the soak. The same settings give the same report.

    `people`: another table than the one in memory: as the function reaches it, and as the verdict does.
    """
    objects, table = MemoryObjects(), MemoryTable()
    used, judged = people or (table, table)
    run = _Run(settings, ingest, progress or SoakProgress(), VerdictStores(used, objects))
    return run.whole(VerdictStores(judged, objects))


class _Run:
    def __init__(
        self, settings: SoakSettings, ingest: Ingest, progress: SoakProgress, places: VerdictStores
    ) -> None:
        self._settings, self._progress, self._places = settings, progress, places
        self._plan = FaultPlan(self._rng("plan"), kills=settings.kills, faults=settings.faults)
        self._stream = Shards(settings.shards, self._plan, self._rng("stream"))
        ends = WireStream(self._stream, self._stream.store, self._stream.at)
        # The word is part of the seed: another one would be another run.
        self._scheduler = Scheduler(self._rng("stage"))
        world = SoakWorld(self._reach, self._stream, self._scheduler.yield_turn)
        self._load = LoadGenerator(settings.seed, settings.events, ends, world)
        self._ledger, self._people = self._load.ledger, self._load.people
        self._function = SoakFunction(
            self._plan, self._scheduler, places, Actors(self._scheduler), ingest
        )
        self._function.exempt = self._people.touched
        self._consumer = Consumer(self._function, self._rng("mapping"), self._settled)
        # The stream is read twice, and repeats add about a tenth.
        self._total, self._done = int(settings.events * 2.2), 0

    def whole(self, judged: VerdictStores) -> SoakReport:
        reading = ShardReading(self._settings.lanes, self._settings.batch)
        self._progress.total(self._total)
        self._progress.phase("deliver")
        self._deliver(reading)
        first = self._judged(judged)
        self._progress.phase("replay")
        # Other batches and lanes than before, as after a change of the mapping's settings.
        self._total = self._done + self._stream.records
        self._function.watching = False
        self._consumer.replay(self._stream, ShardReading(reading.lanes + 1, reading.batch + 37))
        self._consumer.redrive()
        sweep_all(judged.objects)
        again = self._judged(judged, first)
        left = forgotten_checks(self._ledger, judged.objects, judged.people)
        checks = [*first.checks, *self._own_checks(), *label_replayed(again.checks), *left]
        return SoakReport(self._settings, checks, self._plan.named(), self._figures(again))

    def _judged(self, stores: VerdictStores, before: Verdict | None = None) -> Verdict:
        self._progress.phase("compare")
        return judge(self._ledger, stores, before, minted=self._people.minted)

    def _reach(self) -> StoryStores:
        """Stores for one account call: it can be killed and fail as an invocation can."""
        invocation = Invocation(self._plan, self._scheduler, _Unwatched(), {})
        return StoryStores(
            FaultyTable(self._places.people, invocation),
            FaultyObjects(self._places.objects, invocation),
        )

    def _rng(self, what: str) -> random.Random:
        return random.Random(f"{self._settings.seed} {what}")

    def _settled(self, records: int) -> None:
        self._done += records
        self._plan.advance(self._done / self._total)
        self._progress.done(records)

    def _deliver(self, reading: ShardReading) -> None:
        size = max(4, int(reading.batch * self._settings.shards * reading.lanes / _CALLS))
        reshards = 0
        for calls in self._load.batches(size):
            if calls * _CALLS > self._settings.events * reshards / _RESHARDS:
                reshards += 1
                self._stream.reshard()
            with self._ledger.history.reading():
                racing = [Actors(self._scheduler).submit(act) for act in self._people.race()]
                self._consumer.drain(self._stream, reading)
                self._consumer.redrive()
                for act in racing:
                    act.result()

    def _own_checks(self) -> list[Check]:
        ledger = self._ledger
        known = ledger.events + ledger.copies.total() + self._stream.doubled + len(ledger.poison)
        return [
            Check("records = accepted + stored twice + poison", self._stream.records, known),
            Check("devices linked to the wrong person", 0, self._people.misled),
            *self._function.checks(),
        ]

    def _figures(self, look: Verdict) -> dict[str, int]:
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
    """An observer that does nothing: account calls write no archive and fold no records."""

    def archived(self, data: bytes) -> None:
        """Never called."""

    def profiled(self, subject: str, batch: Sequence[int]) -> None:
        """Ignored."""


def sweep_all(objects: VersionedStore) -> None:
    """Take the forgotten out of every object, as `hemline sweep` does."""
    sweep_on(SweepDeps(SITE, objects, MemoryObjects()), START + 2 * SPAN, lambda: True)


def label_replayed(checks: list[Check]) -> list[Check]:
    """The checks, named as those after the replay."""
    return [check._replace(name=f"replayed: {check.name}") for check in checks]
