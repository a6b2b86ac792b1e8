"""The ingest function behind its event source mapping, in this process, dying again and again.

The mapping is the laptop's own (`cloud.delivery`); shards are read parents first, each in lanes by
partition key as ParallelizationFactor does it, and all of them at the same time.
"""

import random
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

from workbench.cloud.emulator import REGION
from workbench.cloud.streams.delivery import DeliveryEntry, Exhausted, deliver
from workbench.cloud.template import EventSource, load
from workbench.laptop import ROOT
from workbench.soak.function import SoakFunction
from workbench.soak.scheduler import Actors
from workbench.soak.stream import MemoryShard, Shards

_AGAIN = 0.02
"""Share of batches that are delivered once more after success."""


class ShardReading(NamedTuple):
    """How the stream is read."""

    lanes: int
    batch: int


@dataclass
class Consumer:
    """The mapping's side: what was read, repeated and given up."""

    function: SoakFunction
    rng: random.Random
    settled: Callable[[int], None] = lambda _: None
    """Told how many records more are done."""
    seen: Counter[str] = field(default_factory=Counter)
    """What the mapping did: batches given up, delivered again."""
    given_up: list[tuple[str, Exhausted]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.stage = self.function.stage
        self._read: dict[str, int] = defaultdict(int)

    def drain(self, stream: Shards, reading: ShardReading) -> None:
        """Everything that the stream holds and that was not read."""
        waiting = {s.name: s for s in stream.all if len(s.entries) > self._read[s.name]}
        while waiting:
            ready = [s for s in waiting.values() if not waiting.keys() & set(s.parents)]
            self._read_together(ready, reading)
            for shard in ready:
                del waiting[shard.name]

    def replay(self, stream: Shards, reading: ShardReading) -> None:
        """The whole stream from its oldest record, as when a mapping is made anew."""
        self._read.clear()
        self.drain(stream, reading)

    def redrive(self) -> None:
        """What was given up, from its bucket, as an operator does it."""
        while self.given_up:
            shard, batch = self.given_up.pop()
            self._finish([self._lane(shard, batch.entries, len(batch.entries))])

    def _read_together(self, shards: Sequence[MemoryShard], reading: ShardReading) -> None:
        lanes = []
        for shard in shards:
            unread = shard.entries[self._read[shard.name] :]
            self._read[shard.name] += len(unread)
            parts = in_lanes(unread, reading.lanes)
            lanes += [self._lane(shard.name, part, reading.batch) for part in parts]
        self._finish(lanes)

    def _finish(self, lanes: Sequence[Callable[[], None]]) -> None:
        running = [Actors(self.stage).submit(lane) for lane in lanes]
        for lane in running:
            lane.result()

    def _lane(self, shard: str, entries: Sequence[DeliveryEntry], size: int) -> Callable[[], None]:
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


class _Lane:
    """The world of `cloud.delivery`, for one lane of one shard."""

    def __init__(self, consumer: Consumer, shard: str) -> None:
        self._consumer, self._shard = consumer, shard

    async def invoke(self, entries: Sequence[DeliveryEntry]) -> object:
        """The function's answer."""
        return self._consumer.function.call(self._shard, entries)

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
def stated() -> EventSource:
    """The mapping as template.yaml has it, but for the age that ends a batch: no clock runs here."""
    stack = load(ROOT / "template.yaml", region=REGION, secret="", parameters={})
    return stack.sources[0]._replace(max_age=-1.0)


def in_lanes(entries: Sequence[DeliveryEntry], lanes: int) -> list[list[DeliveryEntry]]:
    """A partition key's entries stay in one lane, in order."""
    parts: list[list[DeliveryEntry]] = [[] for _ in range(lanes)]
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
