"""The event source mapping on the laptop: reads shards, passes batches to `delivery`, keeps checkpoints.

One task per shard with one batch in flight, whatever ParallelizationFactor says: on AWS it changes the
speed, not the order within a partition key. Checkpoints survive a restart. After an error a shard is
read again from its checkpoint, so records may come twice but are never lost.
"""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from workbench.cloud.pool import Busy, InvokeResult
from workbench.cloud.streams.checkpoints import Checkpoints
from workbench.cloud.streams.delivery import DeliveryEntry, Exhausted, FunctionError, deliver
from workbench.cloud.streams.events import Origin, destination_key, failed_document, kinesis_event
from workbench.cloud.tasks import Say, run_once, supervise
from workbench.cloud.template import EventSource

_IDLE_SECONDS = 0.2
_TROUBLE_SECONDS = 1.0
_LONGEST_PAUSE = 30.0
_LOOK_SECONDS = 10.0
_SAY_SECONDS = 2.0
_LARGEST_PAYLOAD = 5_500_000
"""Most bytes of one invocation: Lambda accepts 6 MB, and each record adds about 400 of metadata."""


class MappingClients(NamedTuple):
    """boto3 clients of the emulator."""

    kinesis: Any
    s3: Any
    region: str


Invoke = Callable[[bytes], Awaitable[InvokeResult]]


class ShardReader:
    """One shard of one mapping: implements `DeliveryPort` and feeds batches to `deliver`."""

    def __init__(
        self,
        source: EventSource,
        shard: str,
        clients: MappingClients,
        invoke: Invoke,
        kept: Checkpoints,
    ) -> None:
        self.source, self.shard = source, shard
        self._say: Say = lambda *_: None
        self._failed = ""
        self._clients, self._invoke, self._kept = clients, invoke, kept
        self._read_to = kept.get(source.name, shard)
        self._origin = Origin(source, shard, clients.region)

    async def invoke(self, entries: Sequence[DeliveryEntry]) -> object:
        """Call the function; waits while it is throttled. Raises FunctionError."""
        event = json.dumps(kinesis_event(entries, self._origin)).encode()
        while True:
            try:
                answer = await self._invoke(event)
            except Busy:
                # Throttling costs no attempt on AWS either; the age limit ends it.
                await asyncio.sleep(_IDLE_SECONDS)
                continue
            if answer.error:
                self._failed = answer.error
                raise FunctionError(answer.error)
            try:
                return json.loads(answer.body or b"null")
            except ValueError:
                raise FunctionError("the answer is not JSON") from None

    async def give_up(self, batch: Exhausted) -> None:
        """Write the batch to the destination, with retries until it is there."""
        if self.source.destination is None:
            return
        now = datetime.now(UTC)
        key = destination_key(self._origin, now, str(uuid.uuid4()))
        many, where = len(batch.entries), self.source.destination
        self._say(
            self.source.name, f"{self.shard}: gives up {many} records to {where}: {self._failed}"
        )
        body = json.dumps(failed_document(batch, self._origin, now)).encode()
        while True:
            try:
                await asyncio.to_thread(
                    self._clients.s3.put_object, Bucket=where, Key=key, Body=body
                )
            except (BotoCoreError, ClientError) as error:
                self._say(self.source.name, f"{self.shard}: cannot write to {where}: {error}")
                await asyncio.sleep(_TROUBLE_SECONDS)
            else:
                return

    async def done(self, sequence: str) -> None:
        """Move the checkpoint."""
        self._kept.put(self.source.name, self.shard, sequence)

    async def pause(self, attempt: int) -> None:
        """Wait exponentially longer, from 0.2 s; reports repeats 1, 2, 4, 8 and so on."""
        if attempt & (attempt - 1) == 0:
            self._say(
                self.source.name, f"{self.shard}: repeat {attempt} of a batch: {self._failed}"
            )
        await asyncio.sleep(min(_LONGEST_PAUSE, _IDLE_SECONDS * 2 ** (attempt - 1)))

    def now(self) -> float:
        """Epoch seconds."""
        return time.time()

    async def run(self, say: Say, closing: asyncio.Event) -> None:
        """Read until the shard is closed, or until `closing` is set and nothing is left."""
        self._say = say
        async for batch in self._batches(say, closing):
            await deliver(batch, self.source, self)

    async def _batches(
        self, say: Say, closing: asyncio.Event
    ) -> AsyncIterator[list[DeliveryEntry]]:
        iterator: str | None = None
        batch: list[DeliveryEntry] = []
        full_at = 0.0
        while True:
            try:
                iterator = iterator or await self._iterator()
                entries, iterator, behind = await self._get(iterator, len(batch))
            except (BotoCoreError, ClientError) as error:
                iterator = None
                say(self.source.name, f"cannot read {self.shard}: {error}")
                await asyncio.sleep(_TROUBLE_SECONDS)
                continue
            if entries and not batch:
                full_at = time.monotonic() + self.source.window
            batch += entries
            ended = iterator is None
            last = ended or (closing.is_set() and not entries and not behind)
            if batch and (last or self._full(batch) or time.monotonic() >= full_at):
                for piece in pieces(batch):
                    yield piece
                batch = []
            if last:
                return
            if not entries:
                await asyncio.sleep(_IDLE_SECONDS)

    def _full(self, batch: Sequence[DeliveryEntry]) -> bool:
        return len(batch) >= self.source.batch_size or sum(map(_size, batch)) >= _LARGEST_PAYLOAD

    async def _iterator(self) -> str:
        where = (
            {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": self._read_to}
            if self._read_to
            else {"ShardIteratorType": "TRIM_HORIZON"}
        )
        found = await asyncio.to_thread(
            self._clients.kinesis.get_shard_iterator,
            StreamName=self.source.stream,
            ShardId=self.shard,
            **where,
        )
        return str(found["ShardIterator"])

    async def _get(self, iterator: str, have: int) -> tuple[list[DeliveryEntry], str | None, bool]:
        got = await asyncio.to_thread(
            self._clients.kinesis.get_records,
            ShardIterator=iterator,
            Limit=self.source.batch_size - have,
        )
        entries = [
            DeliveryEntry(
                record["SequenceNumber"],
                record["PartitionKey"],
                record["Data"],
                record["ApproximateArrivalTimestamp"].timestamp(),
            )
            for record in got["Records"]
        ]
        if entries:
            self._read_to = entries[-1].sequence
        return entries, got.get("NextShardIterator"), got.get("MillisBehindLatest", 0) > 0


def pieces(batch: Sequence[DeliveryEntry]) -> list[list[DeliveryEntry]]:
    """Split the batch, in order, into pieces that fit one invocation."""
    found: list[list[DeliveryEntry]] = [[]]
    size = 0
    for entry in batch:
        if found[-1] and size + _size(entry) > _LARGEST_PAYLOAD:
            found.append([])
            size = 0
        found[-1].append(entry)
        size += _size(entry)
    return found


def _size(entry: DeliveryEntry) -> int:
    return len(entry.data) * 4 // 3 + 400


class Mapping:
    """All shards of one event source mapping. `stop` delivers what is left first."""

    def __init__(
        self,
        source: EventSource,
        clients: MappingClients,
        invoke: Invoke,
        kept: Checkpoints,
        say: Say,
    ) -> None:
        self.source = source
        self._clients, self._invoke, self._kept, self._say = clients, invoke, kept, say
        self._closing = asyncio.Event()
        self._shards: dict[str, asyncio.Task[None]] = {}
        self._watch: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to read every shard, and later those that come from a split or a merge."""
        await self.refresh_shards()
        self._watch = supervise(self.source.name, self._watch_shards, self._say)

    async def stop(self, patience: float, hurry: asyncio.Event) -> bool:
        """Deliver what the stream still holds. Returns whether everything was delivered.

        Goes on while checkpoints move; gives up after `patience` seconds without progress, or when
        `hurry` is set.
        """
        self._closing.set()
        if self._watch:
            self._watch.cancel()
        tasks = [*self._shards.values(), *([self._watch] if self._watch else [])]
        await self._wait_for_progress(tasks, patience, hurry)
        late = [task for task in tasks if not task.done()]
        for task in late:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return not late

    async def _wait_for_progress(
        self, tasks: Sequence[asyncio.Task[None]], patience: float, hurry: asyncio.Event
    ) -> None:
        waits: list[asyncio.Future[Any]] = [
            run_once(self.source.name, hurry.wait(), self._say),
            asyncio.gather(*tasks, return_exceptions=True),
        ]
        moves, idle = -1, 0.0
        while not hurry.is_set() and idle < patience and not waits[1].done():
            if moves not in {-1, self._kept.moves}:
                idle = 0.0
                self._say(self.source.name, "delivering what the stream still holds")
            moves = self._kept.moves
            await asyncio.wait(waits, timeout=_SAY_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            idle += _SAY_SECONDS
        waits[0].cancel()

    async def _watch_shards(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            await self.refresh_shards()

    async def refresh_shards(self) -> bool:
        """Begin to read what may be read by now; whether that is every shard there is."""
        found = await asyncio.to_thread(
            self._clients.kinesis.list_shards, StreamName=self.source.stream
        )
        for shard in found["Shards"]:
            name = shard["ShardId"]
            named = (shard.get("ParentShardId"), shard.get("AdjacentParentShardId"))
            parents = [self._shards[one] for one in named if one in self._shards]
            # Records of a split or merged shard come before those of its child shards.
            if name not in self._shards and all(parent.done() for parent in parents):
                label, read = f"{self.source.name}, {name}", partial(self._run, name)
                self._shards[name] = supervise(label, read, self._say)
        return all(shard["ShardId"] in self._shards for shard in found["Shards"])

    async def _run(self, name: str) -> None:
        shard = ShardReader(self.source, name, self._clients, self._invoke, self._kept)
        await shard.run(self._say, self._closing)
