"""The event source mapping that calls the soaked function, in this process.

Delivery is the local cloud's (`workbench.cloud.streams.delivery`). Parent shards are read before their
children. A shard is split into lanes by partition key, as ParallelizationFactor does, and all lanes of
all open shards run at the same time.
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
"""Share of batches that are delivered again after success."""


class ShardReading(NamedTuple):
    """How the stream is read."""

    lanes: int
    """Per shard (ParallelizationFactor)."""
    batch: int
    """Most records of one invocation (BatchSize)."""


@dataclass
class Consumer:
    """Reads the stream, and keeps what was repeated and given up."""

    function: SoakFunction
    rng: random.Random
    settled: Callable[[int], None] = lambda _: None
    """Called with the number of records of each batch that is done."""
    seen: Counter[str] = field(default_factory=Counter)
    """What the mapping did → how often: batches given up, delivered again."""
    given_up: list[tuple[str, Exhausted]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.scheduler = self.function.scheduler
        self._read: dict[str, int] = defaultdict(int)

    def drain(self, stream: Shards, reading: ShardReading) -> None:
        """Deliver every record that was not delivered yet."""
        waiting = {s.name: s for s in stream.all if len(s.entries) > self._read[s.name]}
        while waiting:
            ready = [s for s in waiting.values() if not waiting.keys() & set(s.parents)]
            self._read_together(ready, reading)
            for shard in ready:
                del waiting[shard.name]

    def replay(self, stream: Shards, reading: ShardReading) -> None:
        """Deliver the whole stream from its oldest record, as a new mapping would."""
        self._read.clear()
        self.drain(stream, reading)

    def redrive(self) -> None:
        """Deliver the batches that were given up, as an operator does from their bucket."""
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
        running = [Actors(self.scheduler).submit(lane) for lane in lanes]
        for lane in running:
            lane.result()

    def _lane(self, shard: str, entries: Sequence[DeliveryEntry], size: int) -> Callable[[], None]:
        source = template_mapping()._replace(batch_size=size)
        world = _Lane(self, shard)

        def run() -> None:
            for at in range(0, len(entries), size):
                batch = entries[at : at + size]
                _run_to_end(deliver(batch, source, world))
                if self.rng.random() < _AGAIN:
                    self.seen["delivered again after success"] += 1
                    _run_to_end(deliver(batch, source, world))
                self.settled(len(batch))

        return run


class _Lane:
    """What `delivery` needs of the outside, for one lane of one shard."""

    def __init__(self, consumer: Consumer, shard: str) -> None:
        self._consumer, self._shard = consumer, shard

    async def invoke(self, entries: Sequence[DeliveryEntry]) -> object:
        """Call the function."""
        return self._consumer.function.call(self._shard, entries)

    async def give_up(self, batch: Exhausted) -> None:
        """Keep the batch with its payload, as the bucket for failed batches does."""
        self._consumer.seen["batches given up"] += 1
        self._consumer.given_up.append((self._shard, batch))

    async def done(self, sequence: str) -> None:
        """Nothing: a lane keeps its own position."""

    async def pause(self, attempt: int) -> None:  # noqa: ARG002 - the protocol's signature
        """Give the turn to other actors instead of sleeping."""
        self._consumer.seen["attempts repeated"] += 1
        self._consumer.scheduler.yield_turn()

    def now(self) -> float:
        """A constant: no batch becomes too old here."""
        return 0.0


@cache
def template_mapping() -> EventSource:
    """The mapping of template.yaml, without its maximum record age: no clock runs here."""
    stack = load(ROOT / "template.yaml", region=REGION, secret="", parameters={})
    return stack.sources[0]._replace(max_age=-1.0)


def in_lanes(entries: Sequence[DeliveryEntry], lanes: int) -> list[list[DeliveryEntry]]:
    """Entries by lane. Those of one partition key stay in one lane, in order."""
    parts: list[list[DeliveryEntry]] = [[] for _ in range(lanes)]
    for entry in entries:
        parts[zlib.crc32(entry.partition.encode()) % lanes].append(entry)
    return [part for part in parts if part]


def _run_to_end(work: Coroutine[object, object, None]) -> None:
    # Nothing that a lane awaits ever suspends, so one `send` runs the coroutine to its end.
    try:
        work.send(None)
    except StopIteration:
        return
    raise AssertionError("the coroutine of a lane was suspended")
