"""An in-memory stream with the semantics of Kinesis: hash ranges, sequence numbers, splits and merges.

A record goes to the open shard whose range holds the MD5 of its partition key. A shard that was split or
merged is closed and keeps its records; they are read before those of its children.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import md5
from itertools import pairwise

from hemline.adapters.kinesis_limits import too_large
from hemline.model.errors import Unavailable
from hemline.usecases.ports import StreamEntry
from workbench.cloud.streams.delivery import DeliveryEntry
from workbench.soak.plan import FaultPlan, some

_RANGE = 1 << 128


@dataclass
class MemoryShard:
    """One shard, for hash keys from `low` to below `high`."""

    name: str
    low: int
    high: int
    parents: tuple[str, ...] = ()
    entries: list[DeliveryEntry] = field(default_factory=list)
    closed: bool = False


class Shards:
    """EventStream over shards; `now` (epoch ms) is when what is put next arrives."""

    def __init__(self, count: int, plan: FaultPlan, rng: random.Random) -> None:
        self.now = 0
        self.doubled = 0
        """Records stored in addition to those that were acknowledged."""
        self.all: list[MemoryShard] = []
        self._plan, self._rng = plan, rng
        # As large as the real ones, so that arithmetic on them meets more than 64 bits.
        self._sequence = 49_590_338_271_490_256_608_559_692_538_361_571_095_921_575_989_136_588_800
        edges = [_RANGE * i // count for i in range(count + 1)]
        for low, high in pairwise(edges):
            self._open(low, high)

    @property
    def records(self) -> int:
        """Number of records in all shards."""
        return sum(len(shard.entries) for shard in self.all)

    def put(self, entries: Sequence[StreamEntry]) -> list[str | None]:
        """Put as a retrying client sees it: it may be throttled, partly refused or stored twice."""
        fault = self._plan.fault("put")
        if fault in {"throttled", "error 500"}:
            raise Unavailable("kinesis", fault)
        reasons = [too_large(entry) for entry in entries]
        if fault == "partly refused":
            for index in some(self._rng, len(entries)):
                reasons[index] = "ProvisionedThroughputExceededException: fault"
        held = [e for e, reason in zip(entries, reasons, strict=True) if reason is None]
        self.store(held)
        if fault == "sent twice":
            self.store(held)
        if fault in {"sent twice", "answer lost"}:
            self.doubled += len(held)
        if fault == "answer lost":
            raise Unavailable("kinesis", "no answer")
        return reasons

    def store(self, entries: Sequence[StreamEntry]) -> None:
        """Store entries without faults."""
        for entry in entries:
            at = int.from_bytes(md5(entry.partition.encode(), usedforsecurity=False).digest())
            shard = next(s for s in self.all if not s.closed and s.low <= at < s.high)
            self._sequence += self._rng.randint(1, 9)
            shard.entries.append(
                DeliveryEntry(str(self._sequence), entry.partition, entry.data, self.now / 1000)
            )

    def at(self, now: int) -> None:
        """Set the clock (epoch ms)."""
        self.now = now

    def reshard(self) -> str:
        """Split one open shard or merge two neighbours; returns which. More shards, more merges."""
        shards = sorted((s for s in self.all if not s.closed), key=lambda s: s.low)
        if len(shards) > 1 and self._rng.random() < len(shards) / 8:
            at = self._rng.randrange(len(shards) - 1)
            left, right = shards[at : at + 2]
            left.closed = right.closed = True
            self._open(left.low, right.high, left.name, right.name)
            return "merge"
        shard = self._rng.choice(shards)
        middle = (shard.low + shard.high) // 2
        shard.closed = True
        self._open(shard.low, middle, shard.name)
        self._open(middle, shard.high, shard.name)
        return "split"

    def _open(self, low: int, high: int, *parents: str) -> None:
        self.all.append(MemoryShard(f"shardId-{len(self.all):012d}", low, high, parents))
