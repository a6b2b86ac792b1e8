"""The ingest function behind its event source mapping, in this process, dying again and again.

The mapping is the laptop's own (`cloud.delivery`); shards are read parents first, each in lanes by
partition key as ParallelizationFactor does it, and all of them at the same time.
"""

import gzip
import random
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

import msgspec

from hemline.usecases.ingest_batch import IngestDeps, IngestResult, StreamRecord, ingest_batch
from workbench.cloud.delivery import Entry, Exhausted, FunctionError, deliver
from workbench.cloud.emulator import REGION
from workbench.cloud.template import Source, load
from workbench.laptop import ROOT
from workbench.soak.faulty import FaultyObjects, FaultyTable, Killed, Life
from workbench.soak.plan import Plan
from workbench.soak.poison import SITE
from workbench.soak.stage import Stage, Troupe
from workbench.soak.stream import Shard, Shards
from workbench.soak.verdict import Stores

Ingest = Callable[[Sequence[StreamRecord], IngestDeps, int], IngestResult]
_AGAIN = 0.02
"""Share of batches that are delivered once more after success."""


class Reading(NamedTuple):
    """How the stream is read."""

    lanes: int
    batch: int


class _Place(msgspec.Struct):
    sequence: str


_places = msgspec.json.Decoder(_Place)


@dataclass
class Consumer:
    """What is stored, and what happened on the way there."""

    plan: Plan
    rng: random.Random
    places: Stores
    ingest: Ingest = ingest_batch
    settled: Callable[[int], None] = lambda _: None
    """Told how many records more are done."""
    counts: Counter[str] = field(default_factory=Counter)
    """What ingest reported, in all invocations."""
    seen: Counter[str] = field(default_factory=Counter)
    """What the mapping did: invocations, deliveries again, batches given up."""
    given_up: list[tuple[str, Exhausted]] = field(default_factory=list)
    ahead: int = 0
    """Profile writes with an event that the archive does not have."""
    miscounted: int = 0
    """Answers whose outcomes do not add up to their batch."""

    def __post_init__(self) -> None:
        self.stage = Stage(self.rng)
        self._read: dict[str, int] = defaultdict(int)
        self._archived: set[int] = set()
        self._watching = True

    def drain(self, stream: Shards, reading: Reading) -> None:
        """Everything that the stream holds and that was not read."""
        waiting = {s.name: s for s in stream.all if len(s.entries) > self._read[s.name]}
        while waiting:
            ready = [s for s in waiting.values() if not waiting.keys() & set(s.parents)]
            self._read_together(ready, reading)
            for shard in ready:
                del waiting[shard.name]

    def replay(self, stream: Shards, reading: Reading) -> None:
        """The whole stream from its oldest record, as when a mapping is made anew."""
        self._read.clear()
        # All is in the archive by now, or the checks have said so: nothing can be ahead of it.
        self._watching = False
        self.drain(stream, reading)

    def redrive(self) -> None:
        """What was given up, from its bucket, as an operator does it."""
        while self.given_up:
            shard, batch = self.given_up.pop()
            self._finish([self._lane(shard, batch.entries, len(batch.entries))])

    def _read_together(self, shards: Sequence[Shard], reading: Reading) -> None:
        lanes = []
        for shard in shards:
            unread = shard.entries[self._read[shard.name] :]
            self._read[shard.name] += len(unread)
            parts = in_lanes(unread, reading.lanes)
            lanes += [self._lane(shard.name, part, reading.batch) for part in parts]
        self._finish(lanes)

    def _finish(self, lanes: Sequence[Callable[[], None]]) -> None:
        running = [Troupe(self.stage).submit(lane) for lane in lanes]
        for lane in running:
            lane.result()

    def _lane(self, shard: str, entries: Sequence[Entry], size: int) -> Callable[[], None]:
        source = stated()._replace(batch_size=size)
        world = _Lane(self, shard)

        def run() -> None:
            for at in range(0, len(entries), size):
                batch = entries[at : at + size]
                _now(deliver(batch, source, world))
                if self.rng.random() < _AGAIN:
                    self.seen["delivered again after success"] += 1
                    _now(deliver(batch, source, world))
                self.settled(len(batch))

        return run

    def call(self, shard: str, entries: Sequence[Entry]) -> object:
        """One invocation. Raises FunctionError when it was killed."""
        self.seen["invocations"] += 1
        numbers: dict[str, list[int]] = defaultdict(list)
        for entry in entries:
            numbers[entry.partition].append(int(entry.sequence))
        life = Life(self.plan, self.stage, self, numbers)
        deps = IngestDeps(
            SITE,
            FaultyTable(self.places.people, life),
            FaultyObjects(self.places.objects, life),
            Troupe(self.stage),
        )
        records = [StreamRecord(shard, e.sequence, e.data, int(e.arrived * 1000)) for e in entries]
        try:
            result = self.ingest(records, deps, records[-1].arrived)
            life.step("before the answer")
        except Killed as place:
            raise FunctionError(f"killed {place}") from None
        self.miscounted += sum(result.counts.values()) != len(records)
        self.counts.update(result.counts)
        return {"batchItemFailures": [{"itemIdentifier": number} for number in result.failures]}

    def archived(self, data: bytes) -> None:
        """An object of the archive is durable."""
        if self._watching:
            lines = _places.decode_lines(gzip.decompress(data))
            self._archived.update(int(line.sequence) for line in lines)

    def profiled(self, batch: Sequence[int]) -> None:
        """A profile with these records in it is about to be durable."""
        self.ahead += self._watching and not self._archived.issuperset(batch)


class _Lane:
    """The world of `cloud.delivery`, for one lane of one shard."""

    def __init__(self, consumer: Consumer, shard: str) -> None:
        self._consumer, self._shard = consumer, shard

    async def invoke(self, entries: Sequence[Entry]) -> object:
        """The function's answer."""
        return self._consumer.call(self._shard, entries)

    async def give_up(self, batch: Exhausted) -> None:
        """Into the bucket for failed batches, payload and all."""
        self._consumer.seen["batches given up"] += 1
        self._consumer.given_up.append((self._shard, batch))

    async def done(self, sequence: str) -> None:
        """A lane remembers by itself how far it is."""

    async def pause(self, attempt: int) -> None:  # noqa: ARG002 - the world's signature
        """The others go on."""
        self._consumer.seen["attempts repeated"] += 1
        self._consumer.stage.breathe()

    def now(self) -> float:
        """No batch is too old here."""
        return 0.0


@cache
def stated() -> Source:
    """The mapping as template.yaml has it, but for the age that ends a batch: no clock runs here."""
    stack = load(ROOT / "template.yaml", region=REGION, secret="", parameters={})
    return stack.sources[0]._replace(max_age=-1.0)


def in_lanes(entries: Sequence[Entry], lanes: int) -> list[list[Entry]]:
    """A partition key's entries stay in one lane, in order."""
    parts: list[list[Entry]] = [[] for _ in range(lanes)]
    for entry in entries:
        parts[zlib.crc32(entry.partition.encode()) % lanes].append(entry)
    return [part for part in parts if part]


def _now(work: Coroutine[object, object, None]) -> None:
    # Nothing in a lane's world ever waits, so the coroutine runs to its end in one go.
    try:
        work.send(None)
    except StopIteration:
        return
    raise AssertionError("a lane waited for something")
