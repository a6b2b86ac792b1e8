"""A shard read to its end and delivered, with a stream of a list behind it."""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.harness import event_loops
from workbench.cloud.pool import Busy, InvokeResult
from workbench.cloud.streams import mapping as mappings
from workbench.cloud.streams.checkpoints import Checkpoints
from workbench.cloud.streams.delivery import DeliveryEntry
from workbench.cloud.streams.mapping import Mapping, MappingClients, pieces
from workbench.cloud.template import EventSource

SOURCE = EventSource(
    "Map", "stream", "Ingest", 3, 0.0, 1, -1.0, bisect=True, partial=True, destination="failed"
)


class ListStream:
    """Kinesis and S3 as far as the mapping asks them; iterators are `shard@index`."""

    def __init__(self, *counts: int) -> None:
        self.shards = {
            f"shard-{s}": [self._record(s, i) for i in range(count)]
            for s, count in enumerate(counts)
        }
        self.objects: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []

    @staticmethod
    def _record(shard: int, index: int) -> dict[str, Any]:
        return {
            "SequenceNumber": f"{index + 1:04d}",
            "PartitionKey": f"p{index % 2}",
            "Data": f"{shard}-{index}".encode(),
            "ApproximateArrivalTimestamp": datetime(2026, 1, 1, tzinfo=UTC),
        }

    def list_shards(self, **_: Any) -> dict[str, Any]:
        return {"Shards": [{"ShardId": name} for name in self.shards]}

    def get_shard_iterator(self, **asked: Any) -> dict[str, Any]:
        self.asked.append(asked["ShardIteratorType"])
        after = asked.get("StartingSequenceNumber", "")
        index = sum(r["SequenceNumber"] <= after for r in self.shards[asked["ShardId"]])
        return {"ShardIterator": f"{asked['ShardId']}@{index}"}

    def get_records(self, **asked: Any) -> dict[str, Any]:
        shard, _, index = asked["ShardIterator"].partition("@")
        found = self.shards[shard][int(index) : int(index) + asked["Limit"]]
        behind = len(self.shards[shard]) - int(index) - len(found)
        return {
            "Records": found,
            "NextShardIterator": f"{shard}@{int(index) + len(found)}",
            "MillisBehindLatest": behind,
        }

    def put_object(self, **asked: Any) -> None:
        self.objects[asked["Key"]] = json.loads(asked["Body"])


def drained(
    stream: ListStream, folder: Path, handler: Callable[[list[str]], Awaitable[InvokeResult]]
) -> list[list[str]]:
    """Batches in the order of their calls, after a mapping has read all there is and stopped."""
    calls: list[list[str]] = []

    async def invoke(event: bytes) -> InvokeResult:
        records = json.loads(event)["Records"]
        data = [base64.b64decode(r["kinesis"]["data"]).decode() for r in records]
        calls.append(data)
        return await handler(data)

    async def run() -> None:
        clients = MappingClients(stream, stream, "us-east-1")
        kept = Checkpoints(folder / "checkpoints.json")
        mapping = Mapping(SOURCE, clients, invoke, kept, lambda *_: None)
        await mapping.start()
        assert await mapping.stop(20, asyncio.Event())

    event_loops.run(run())
    return calls


async def fine(_: list[str]) -> InvokeResult:
    return InvokeResult(b"null")


async def poison(batch: list[str]) -> InvokeResult:
    return InvokeResult(b"", "ValueError: bad") if "0-1" in batch else InvokeResult(b"{}")


def test_a_stop_delivers_what_the_stream_holds_in_batches_and_in_order(tmp_path: Path) -> None:
    calls = drained(ListStream(7, 2), tmp_path, fine)
    assert [c for c in calls if c[0].startswith("0")] == [
        ["0-0", "0-1", "0-2"],
        ["0-3", "0-4", "0-5"],
        ["0-6"],
    ]
    assert [c for c in calls if c[0].startswith("1")] == [["1-0", "1-1"]]


def test_a_new_mapping_starts_at_the_oldest_record_and_a_known_one_where_it_stopped(
    tmp_path: Path,
) -> None:
    stream = ListStream(4)
    drained(stream, tmp_path, fine)
    stream.shards["shard-0"] += [stream._record(0, 4), stream._record(0, 5)]
    assert drained(stream, tmp_path, fine) == [["0-4", "0-5"]]
    assert stream.asked == ["TRIM_HORIZON", "AFTER_SEQUENCE_NUMBER"]


def test_a_poison_record_ends_in_the_bucket_with_its_payload(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mappings, "_IDLE_SECONDS", 0.001)
    stream = ListStream(3)
    calls = drained(stream, tmp_path, poison)
    ((key, document),) = stream.objects.items()
    assert key.startswith("aws/lambda/Map/shard-0/")
    assert document["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert document["KinesisBatchInfo"]["startSequenceNumber"] == "0002"
    payload = json.loads(document["payload"])["Records"]
    assert [base64.b64decode(r["kinesis"]["data"]) for r in payload] == [b"0-1"]
    assert ["0-0"] in calls
    assert ["0-2"] in calls


def test_a_throttled_function_is_asked_again_without_losing_an_attempt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mappings, "_IDLE_SECONDS", 0.001)
    turns = iter([True] * 30)

    async def throttled(_: list[str]) -> InvokeResult:
        if next(turns, False):
            raise Busy("Ingest")
        return InvokeResult(b"{}")

    stream = ListStream(2)
    calls = drained(stream, tmp_path, throttled)
    assert len(calls) == 31
    assert not stream.objects


def test_a_checkpoint_never_goes_back(tmp_path: Path) -> None:
    kept = Checkpoints(tmp_path / "c.json")
    kept.put("Map", "shard-0", "0010")
    kept.put("Map", "shard-0", "0009")
    assert Checkpoints(tmp_path / "c.json").get("Map", "shard-0") == "0010"


def test_a_batch_larger_than_an_invocation_is_cut_in_order() -> None:
    batch = [DeliveryEntry(str(i), "p", b"x" * 1_000_000, 0.0) for i in range(10)]
    cut = pieces(batch)
    assert [e for piece in cut for e in piece] == batch
    assert all(sum(len(e.data) * 4 // 3 for e in piece) < 6_000_000 for piece in cut)
    assert [len(piece) for piece in cut] == [4, 4, 2]


def stopped(
    folder: Path, handler: Callable[[list[str]], Awaitable[InvokeResult]], *, hurry: bool = False
) -> bool:
    """Whether a mapping with one record delivered all it had when it was stopped."""

    async def run() -> bool:
        clients = MappingClients(ListStream(1), ListStream(), "us-east-1")
        kept = Checkpoints(folder / "checkpoints.json")
        mapping = Mapping(SOURCE, clients, lambda _: handler([]), kept, lambda *_: None)
        await mapping.start()
        hurried = asyncio.Event()
        if hurry:
            hurried.set()
        return await mapping.stop(0.1, hurried)

    return event_loops.run(run())


async def hangs(_: list[str]) -> InvokeResult:
    await asyncio.Event().wait()
    raise AssertionError


@pytest.mark.parametrize("hurry", [True, False])
def test_a_stop_does_not_wait_for_what_does_not_move(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, hurry: bool
) -> None:
    monkeypatch.setattr(mappings, "_SAY_SECONDS", 0.05)
    assert not stopped(tmp_path, hangs, hurry=hurry)
    assert Checkpoints(tmp_path / "checkpoints.json").get("Map", "shard-0") is None


class Merged(ListStream):
    """Two closed shards, and the one that they were merged into."""

    def __init__(self) -> None:
        super().__init__(1, 1, 1)

    def list_shards(self, **_: Any) -> dict[str, Any]:
        parents = {"ParentShardId": "shard-0", "AdjacentParentShardId": "shard-1"}
        child = {"ShardId": "shard-2", **parents}
        return {"Shards": [{"ShardId": "shard-0"}, {"ShardId": "shard-1"}, child]}

    def get_records(self, **asked: Any) -> dict[str, Any]:
        got = super().get_records(**asked)
        closed = not asked["ShardIterator"].startswith("shard-2")
        return {**got, "NextShardIterator": None} if closed else got


def test_a_merged_shard_waits_for_both_of_its_parents(tmp_path: Path) -> None:
    calls: list[str] = []

    async def run() -> None:
        slow, began = asyncio.Event(), asyncio.Event()

        async def invoke(event: bytes) -> InvokeResult:
            name = json.loads(event)["Records"][0]["eventID"].partition(":")[0]
            if name == "shard-1":
                began.set()
                await slow.wait()
            calls.append(name)
            return InvokeResult(b"null")

        kept = Checkpoints(tmp_path / "checkpoints.json")
        clients = MappingClients(Merged(), ListStream(), "us-east-1")
        mapping = Mapping(SOURCE, clients, invoke, kept, lambda *_: None)
        await mapping.start()
        await asyncio.wait_for(began.wait(), 20)
        await mapping._shards["shard-0"]
        assert not await mapping.refresh_shards(), "one of its parents is still being read"
        slow.set()
        await mapping._shards["shard-1"]
        assert await mapping.refresh_shards()
        assert await mapping.stop(20, asyncio.Event())

    event_loops.run(run())
    assert calls == ["shard-0", "shard-1", "shard-2"]
