"""A shard on the test bench: records with numbers, stores that fail on a plan, and a poller."""

import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import Any

from hemline.adapters.memory import MemoryObjects, MemoryTable
from hemline.learn.profile.fold import Profile, decode, fold, state_bytes
from hemline.model.consent import DEFAULTS
from hemline.model.errors import Unavailable
from hemline.model.events.event import Event, OrderLine, Record, decode_record, encode_record
from hemline.usecases.ingest.archive import read_archive
from hemline.usecases.ingest.batch import IngestDeps, IngestResult, StreamRecord, ingest_batch
from hemline.usecases.ports import Stored, Write, Written

SITE = "demo"
NOW = 1_780_000_000_000
Ingest = Callable[[Sequence[StreamRecord], IngestDeps, int], IngestResult]


class Serial(Executor):
    """Runs each task when it is submitted: the order of everything is the order of the code."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def record(subject: str, event_id: str, **changes: Any) -> Record:
    """A view of p1 by `subject`, received and happened at NOW unless `changes` say otherwise."""
    received = changes.pop("received", NOW)
    purposes = changes.pop("purposes", DEFAULTS)
    event = Event(**{"id": event_id, "type": "view", "time": NOW, "item": "p1", **changes})
    return Record(SITE, subject, received, event, purposes=purposes)


def delivered(number: int, data: Record | bytes, shard: str = "shardId-0") -> StreamRecord:
    """On the stream, with the leading zeros that the emulator's numbers have."""
    raw = data if isinstance(data, bytes) else encode_record(data)
    return StreamRecord(shard, f"{number:08d}", raw, NOW)


@dataclass
class Faults:
    """Draws what goes wrong next, `budget` times at most, so that every run comes to an end."""

    rng: random.Random
    budget: int
    share: float = 0.2

    def draw(self, kinds: Sequence[str]) -> str:
        """One of `kinds`, or nothing."""
        if self.budget <= 0 or self.rng.random() >= self.share:
            return ""
        self.budget -= 1
        return self.rng.choice(kinds)


class FlakyTable(MemoryTable):
    """Fails before a write, after it (the answer is lost), or lets a rival write first."""

    def __init__(self, faults: Faults) -> None:
        super().__init__()
        self.faults = faults

    def read_profiles(self, site: str, subjects: Sequence[str]) -> dict[str, Stored]:
        if self.faults.draw(["before"]):
            raise Unavailable("table", "throttled")
        return super().read_profiles(site, subjects)

    def write_profile(self, site: str, subject: str, blob: bytes, *, expected: int) -> None:
        fault = self.faults.draw(["before", "after", "rival"])
        if fault == "before":
            raise Unavailable("table", "throttled")
        if fault == "rival" and expected:
            old = super().read_profiles(site, [subject])[subject]
            super().write_profile(site, subject, old.blob, expected=old.version)
        super().write_profile(site, subject, blob, expected=expected)
        if fault == "after":
            raise Unavailable("table", "no answer")

    def write_profiles(self, site: str, writes: Sequence[Write]) -> list[Written]:
        """Members fail singly, as above; and all of them together, before or after they are done."""
        fault = self.faults.draw(["before", "after"])
        if fault == "before":
            return [Unavailable("table", "throttled") for _ in writes]
        written = super().write_profiles(site, writes)
        return [Unavailable("table", "no answer") for _ in writes] if fault else written


class FlakyObjects(MemoryObjects):
    """Fails before a put, or after it."""

    def __init__(self, faults: Faults) -> None:
        super().__init__()
        self.faults = faults

    def put(self, key: str, data: bytes) -> None:
        fault = self.faults.draw(["before", "after"])
        if fault != "before":
            super().put(key, data)
        if fault:
            raise Unavailable("bucket", "no answer")


GARBAGE = (b"", b"{", b'{"a":' * 5000, b"\xff", b'{"site":"demo"}', b'{"site":"../x"}', b"[1]")


def history(rng: random.Random, count: int) -> list[StreamRecord]:
    """Two shards of events by six visitors: repeats, late ones, long purchases, junk, catalogue."""
    found, seen = list[StreamRecord](), list[Record]()
    for number in range(1, count + 1):
        data = _something(rng, seen)
        if isinstance(data, Record):
            seen.append(data)
        subject = data.subject if isinstance(data, Record) else rng.choice("ab")
        shard = f"shardId-{sum(subject.encode()) % 2}"
        found.append(delivered(number, data, shard))
    return found


def _something(rng: random.Random, seen: list[Record]) -> Record | bytes:
    draw = rng.random()
    if draw < 0.05:
        return rng.choice(GARBAGE)
    if draw < 0.15 and seen:
        return rng.choice(seen)
    changes: dict[str, Any] = {
        "type": rng.choice(["view", "click", "exposure", "purchase", "search", "custom"]),
        "time": NOW - rng.randrange(10**9),
        "item": f"item-{rng.randrange(50)}-{'x' * rng.randrange(60)}",
        "purposes": rng.choices([DEFAULTS, DEFAULTS[:1], DEFAULTS[1:], ()], (90, 2, 3, 5))[0],
        "received": NOW + rng.randrange(3) * 43_200_000,
    }
    if changes["type"] == "purchase":
        changes["lines"] = tuple(
            OrderLine(f"line-{rng.randrange(99)}") for _ in range(rng.randrange(40))
        )
    if draw < 0.2:
        return record(f"i:{changes['item']}", f"i{rng.random()}", **{**changes, "type": "item"})
    return record(f"v:visitor-{rng.randrange(6)}", f"e{rng.random()}", **changes)


@dataclass
class Bench:
    """Stores, and a poller with the semantics of an event source mapping."""

    faults: Faults
    rng: random.Random
    pool: Executor = field(default_factory=Serial)
    ingest: Ingest = ingest_batch

    def __post_init__(self) -> None:
        self.table, self.objects = FlakyTable(self.faults), FlakyObjects(self.faults)
        self.deps = IngestDeps(SITE, self.table, self.objects, self.pool)

    def drain(self, records: Sequence[StreamRecord]) -> None:
        """Deliver until all is settled: from the checkpoint, bisected, or once more after success."""
        shards: dict[str, list[StreamRecord]] = {}
        for one in records:
            shards.setdefault(one.shard, []).append(one)
        for shard in shards.values():
            at, size = 0, 0
            while at < len(shard):
                batch = shard[at : at + (size or self.rng.randint(1, 25))]
                settled = self.deliver(batch)
                self.check_settled(batch[:settled])
                if self.rng.random() < 0.1:  # the function timed out after its last write
                    continue
                at += settled
                size = max(1, (len(batch) - settled) // 2) if settled < len(batch) else 0

    def deliver(self, batch: Sequence[StreamRecord]) -> int:
        """How many of the batch are settled: those below the reported checkpoint."""
        result = self.ingest(batch, self.deps, NOW)
        assert sum(result.counts.values()) == len(batch)
        numbers = [one.sequence for one in batch]
        return min((numbers.index(failed) for failed in result.failures), default=len(batch))

    def check_settled(self, batch: Sequence[StreamRecord]) -> None:
        """What will not come again must be in its profile, and in the archive."""
        for one in kept(batch):
            if one.profiled:
                profile = self.profile(one.subject)
                assert fold(profile, [one]) == profile, "an event is settled and was not applied"

    def profile(self, subject: str) -> Profile:
        """As it is stored; empty when it is not."""
        stored = MemoryTable.read_profiles(self.table, SITE, [subject]).get(subject)
        return decode(stored.blob) if stored else Profile()

    def check_all(self, records: Sequence[StreamRecord]) -> None:
        """Profiles are the fold of the set of events; archive and quarantine hold the rest."""
        good = list(kept(records))
        folded = [one for one in good if one.profiled]
        for subject in {one.subject for one in folded}:
            expected = fold(Profile(), [one for one in folded if one.subject == subject])
            assert state_bytes(self.profile(subject)) == state_bytes(expected)
        archived = list(read_archive(self.objects, SITE, repeats=True))
        assert sorted(encode_record(a.record) for a in archived) == sorted(map(encode_record, good))
        bad = [one for one in records if readable(one) is None]
        assert len(list(self.objects.keys("quarantine/"))) == len(bad)


def readable(one: StreamRecord) -> Record | None:
    """The event of a record that is no junk, told from how this module makes junk."""

    return None if one.data in GARBAGE else decode_record(one.data)


def kept(records: Sequence[StreamRecord]) -> Iterator[Record]:
    """The events that must be kept: readable ones that may be used for anything."""
    for one in records:
        found = readable(one)
        if found is not None and found.purposes:
            yield found


def calm(budget: int = 0) -> Bench:
    """A bench on which only the first `budget` draws go wrong."""
    return Bench(Faults(random.Random(0), budget, share=1.0), random.Random(0))


def run(bench: Bench, *records: StreamRecord) -> IngestResult:
    """One batch, as it is."""
    return ingest_batch(records, bench.deps, NOW)


def counts(result: IngestResult) -> dict[str, int]:
    """What became of how many."""
    return {name: count for name, count in result.counts.items() if count}


def obeying_marks() -> Ingest:
    """A seeded bug: the mark is how far a shard was read, and decides what is applied.

    A profile that failed is passed over the next time.
    """
    reached: dict[str, int] = {}

    def skipping(records: Sequence[StreamRecord], deps: IngestDeps, now: int) -> IngestResult:
        new = [one for one in records if int(one.sequence) > reached.get(one.shard, 0)]
        result = ingest_batch(new, deps, now)
        if new:
            reached[new[-1].shard] = int(new[-1].sequence)
        again = result.counts["redelivered"] + len(records) - len(new)
        return result._replace(counts={**result.counts, "redelivered": again})

    return skipping
