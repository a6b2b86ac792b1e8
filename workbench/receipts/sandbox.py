"""A sandbox site in memory: real validation, fold, archive, publish and ranker over memory stores."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from itertools import count
from typing import Any

import msgspec

from hemline.adapters.memory import MemoryObjects, MemoryStream, MemoryTable
from hemline.adapters.onnx.ranker import OnnxRanker
from hemline.decide.facts.snapshot import Snapshot
from hemline.model.brake import BrakeChange, Stop
from hemline.model.errors import HemlineError
from hemline.model.events.event import Record, decode_record
from hemline.model.site.site import Site
from hemline.runtime.publish.wiring import check_ranker
from hemline.usecases.ingest.batch import IngestDeps, ingest_batch
from hemline.usecases.ingest.collect import Caller, CollectDeps, collect_events
from hemline.usecases.ingest.read import StreamRecord
from hemline.usecases.ports import StreamEntry
from hemline.usecases.publishing.publish import Given, PublishDeps, publish_edition
from hemline.usecases.serving.decide_page import Deps
from hemline.usecases.serving.editions import LiveEdition
from hemline.usecases.sites import brake
from workbench.importers.wire import Batch
from workbench.seed import put_demo_ranker

SITE = "throw-away"
KEYS = (b"signs nothing that outlives this process",)
_SHARDS = 4


class _InlineExecutor:
    """An executor that runs work at once in the caller's thread: memory stores never wait."""

    def submit(self, work: Callable[..., Any], *args: Any) -> "Future[Any]":  # noqa: ANN401 - as Executor's
        done: Future[Any] = Future()
        done.set_result(work(*args))
        return done


class SandboxSite:
    """A site in memory: its stores, its live edition, its clock."""

    def __init__(self, site: Site) -> None:
        self.table, self.objects = MemoryTable(), MemoryObjects()
        self.places = PublishDeps(self.objects, self.table, KEYS, check_ranker)
        self._given = Given(site)
        put_demo_ranker(SITE, self.places)
        # The clock jumps a minute at each reading, so every decision reads the pointer.
        leaps = count(0, 60)
        self.live = LiveEdition(
            SITE, self.objects, OnnxRanker, KEYS, clock=lambda: float(next(leaps))
        )
        self.deps = Deps(SITE, self.table, self.live, KEYS, 1.0)
        self.now, self.events, self.editions = 0, 0, 0
        self._sequence = count(1)

    def accept(self, batch: Batch) -> list[tuple[Record, StreamEntry]]:
        """Collect a batch. Its events are then on the stream and in no profile."""
        held = MemoryStream()
        times = [msgspec.json.decode(event, type=_Timed).time for event in batch.events]
        self.now = max(self.now, *times)
        collect_events(
            batch.body, Caller(signed=True), CollectDeps(held, SITE, lambda: ""), self.now
        )
        self.events += len(held.entries)
        return [(decode_record(entry.data), entry) for entry in held.entries]

    def fold(self, accepted: list[tuple[Record, StreamEntry]]) -> None:
        """Ingest events into archive and profiles. Raises HemlineError when one is not folded."""
        records = [
            StreamRecord(_shard(record.subject), str(next(self._sequence)), entry.data, self.now)
            for record, entry in accepted
        ]
        deps = IngestDeps(SITE, self.table, self.objects, _InlineExecutor())  # type: ignore[arg-type]  # it has `submit` only
        result = ingest_batch(records, deps, self.now)
        if result.failures or result.counts["quarantined"]:
            raise HemlineError("an accepted event was not folded")

    def publish(self) -> None:
        """Publish what has been ingested so far as a new edition."""
        published = publish_edition(SITE, self.places, built=self.now, given=self._given)
        self.editions += published.swapped

    def brake(self, stops: Sequence[Stop]) -> None:
        """Make `stops` the only ones in force, through the same use case as an operator."""
        places = brake.BrakeDeps(self.table, self.objects, KEYS)
        if brake.show(SITE, places).stops:
            brake.clear(SITE, places, BrakeChange("clear", "ops", self.now, "the drill is over"))
        for stop in stops:
            brake.set_stop(SITE, places, stop)

    def snapshot(self) -> Snapshot:
        """The snapshot of the live edition."""
        self.live.follow(self.table.read_pointer(SITE), None)
        assert self.live.engine is not None, "an edition was published"
        return self.live.engine.snapshot


class _Timed(msgspec.Struct):
    time: int


def _shard(subject: str) -> str:
    return f"shard-{sum(subject.encode()) % _SHARDS}"
