"""The same soak over the real APIs: our AWS adapters, the local cloud's mapping, a fault-injecting proxy.

Collect puts into Kinesis and ingest writes to DynamoDB and S3 through the proxy. The mapping reads the
stream and the verdict reads the stores without it. Threads race as they do on AWS, so only what is sent
and the shares of faults follow from the seed.
"""

import asyncio
import base64
import json
import random
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from hemline.usecases.ingest.batch import WORKERS
from hemline.usecases.ports import EventStream, StreamEntry
from workbench.cloud.pool import InvokeResult
from workbench.cloud.streams.checkpoints import Checkpoints
from workbench.cloud.streams.delivery import DeliveryEntry, FunctionError
from workbench.cloud.streams.mapping import Mapping, MappingClients
from workbench.soak.books.verdict import VerdictStores, judge
from workbench.soak.books.verdict_people import forgotten_checks
from workbench.soak.consumer import template_mapping
from workbench.soak.function import SoakFunction
from workbench.soak.load import LoadGenerator, WireStream
from workbench.soak.people import SoakWorld, StoryStores
from workbench.soak.plan import FaultPlan
from workbench.soak.run import SoakReport, SoakSettings, label_replayed, sweep_all
from workbench.soak.scheduler import Scheduler

_LARGEST = 60
_PART = 20
"""Calls between two calls of `Cloud.reshard`."""
_PATIENCE = 60.0
"""Seconds without progress of a checkpoint after which the mapping counts as stuck."""
_PAUSE = 0.1


class Cloud(NamedTuple):
    """The stream and stores of one run, and how to reach them."""

    collect_stream: EventStream
    """What collect puts to; may go through a proxy."""
    under_test: VerdictStores
    """What ingest writes to; may go through a proxy."""
    inspected: VerdictStores
    """The same stores as the verdict reads them, without faults."""
    clients: MappingClients
    stream: str
    reshard: Callable[[int], None] = lambda _: None
    """Called now and then between calls, with the number of calls so far."""


def soak_cloud(settings: SoakSettings, cloud: Cloud, folder: Path) -> SoakReport:
    """Run the soak. Checkpoints are kept in `folder`. The mapping has one lane; `lanes` is ignored.

    It runs in a thread of its own, because the caller's thread may already run an event loop.
    """
    with ThreadPoolExecutor(WORKERS * 2 * settings.shards) as pool, ThreadPoolExecutor(1) as apart:
        return apart.submit(
            lambda: asyncio.run(_Run(settings, cloud, folder, pool).whole())
        ).result()


class _Run:
    def __init__(
        self, settings: SoakSettings, cloud: Cloud, folder: Path, pool: ThreadPoolExecutor
    ) -> None:
        self._settings, self._cloud, self._folder = settings, cloud, folder
        rng = random.Random(f"{settings.seed} plan")
        self._plan = FaultPlan(rng, kills=settings.kills, faults=settings.faults)
        stream = WireStream(cloud.collect_stream, self._bypass_collect)
        world = SoakWorld(
            lambda: StoryStores(cloud.under_test.people, cloud.under_test.objects),
            cloud.collect_stream,
        )
        self._load = LoadGenerator(settings.seed, settings.events, stream, world, _LARGEST)
        self._load.between_calls_only = True
        self._function = SoakFunction(self._plan, Scheduler(rng), cloud.under_test, pool)
        self._function.exempt = self._load.people.touched
        self._total, self._done = int(settings.events * 2.2), 0

    async def whole(self) -> SoakReport:
        ledger, judged = self._load.ledger, self._cloud.inspected
        minted = self._load.people.minted
        await self._read("first", asyncio.to_thread(self._send))
        first = judge(ledger, judged, minted=minted)
        self._function.watching = False
        await self._read("again", asyncio.sleep(0))
        sweep_all(judged.objects)
        again = judge(ledger, judged, first, minted=minted)
        left = forgotten_checks(ledger, judged.objects, judged.people)
        checks = [*first.checks, *self._function.checks(), *label_replayed(again.checks), *left]
        figures = {**ledger.figures(), **again.figures, **self._load.people.figures}
        figures |= {"kills": self._plan.totals()[0], **self._function.figures()}
        return SoakReport(self._settings, checks, self._plan.named(), figures)

    async def _read(self, name: str, work: Awaitable[None]) -> None:
        """Deliver all that is on the stream once `work` is done. Raises RuntimeError when stuck."""
        kept = Checkpoints(self._folder / f"{name}.json")
        source = template_mapping()._replace(
            stream=self._cloud.stream, batch_size=self._settings.batch, window=0.2, destination=None,
            retries=-1,
        )  # fmt: skip
        lines: list[str] = []
        mapping = Mapping(
            source,
            self._cloud.clients,
            self._invoke,
            kept,
            lambda *words: lines.append(" ".join(words)),
        )
        await mapping.start()
        await work
        await _all_read(mapping, kept)
        if not await mapping.stop(_PATIENCE, asyncio.Event()):
            raise RuntimeError(f"the mapping is stuck: {lines[-3:]}")

    def _send(self) -> None:
        for calls in self._load.batches(_PART):
            self._cloud.reshard(calls)

    async def _invoke(self, event: bytes) -> InvokeResult:
        records = json.loads(event)["Records"]
        shard = records[0]["eventID"].partition(":")[0]
        entries = [_entry(record["kinesis"]) for record in records]
        try:
            answer = await asyncio.to_thread(self._function.call, shard, entries)
        except FunctionError as error:
            return InvokeResult(b"", str(error))
        self._done += len(entries)
        self._plan.advance(self._done / self._total)
        return InvokeResult(json.dumps(answer).encode())

    def _bypass_collect(self, entries: list[StreamEntry]) -> None:
        records = [{"PartitionKey": e.partition, "Data": e.data} for e in entries]
        self._cloud.clients.kinesis.put_records(StreamName=self._cloud.stream, Records=records)


async def _all_read(mapping: Mapping, kept: Checkpoints) -> None:
    """Wait until every shard is being read; children wait for their parents. Raises RuntimeError."""
    moves, until = -1, 0.0
    while not await mapping.refresh_shards():
        if kept.moves != moves:
            moves, until = kept.moves, time.monotonic() + _PATIENCE
        elif time.monotonic() > until:
            raise RuntimeError("some shards were never read, and no checkpoint moves")
        await asyncio.sleep(_PAUSE)


def _entry(record: dict[str, str]) -> DeliveryEntry:
    return DeliveryEntry(
        record["sequenceNumber"],
        record["partitionKey"],
        base64.b64decode(record["data"]),
        float(record["approximateArrivalTimestamp"]),
    )
