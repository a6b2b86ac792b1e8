"""The proof on emulators that others wrote: resharding on kinesalite, writes on DynamoDB Local."""

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hemline.adapters.aws.client import connect
from hemline.adapters.aws.connections import drop_connections
from hemline.adapters.aws.dynamodb import DynamoTable
from hemline.adapters.aws.kinesis import KinesisStream
from hemline.adapters.memory import MemoryObjects, MemoryTable
from tests.harness.clouds import REGION, Cloud
from tests.harness.second_opinions import dynamodb_local, kinesalite
from tests.harness.soaking import broken
from workbench.cloud.streams.mapping import MappingClients
from workbench.soak import cloud as clouds
from workbench.soak.books.verdict import VerdictStores
from workbench.soak.cloud import soak_cloud
from workbench.soak.proxy import FAULTS, Dose, running
from workbench.soak.run import SoakSettings, soak

TIMEOUT = 3.0
HANG = TIMEOUT + 0.5
_RANGE = 1 << 128


@pytest.fixture(autouse=True)
def no_kept_connections() -> Iterator[None]:
    yield
    drop_connections()


def test_resharding_loses_and_doubles_nothing(tmp_path: Path) -> None:
    settings = SoakSettings(events=5000, kills=10, faults=60, seed=3, shards=2, batch=300)
    stores = VerdictStores(MemoryTable(), MemoryObjects())
    with (
        kinesalite(tmp_path) as emulator,
        running(emulator.endpoint, "3", Dose(hang=HANG)) as proxy,
    ):
        stream = emulator.make_stream(2)
        door = connect("kinesis", region=REGION, endpoint=proxy.endpoint, timeout=TIMEOUT)
        kinesis = emulator.boto("kinesis")
        clients = MappingClients(kinesis, None, REGION)
        places = clouds.Cloud(
            KinesisStream(door, stream),
            stores,
            stores,
            clients,
            stream,
            resharding(kinesis, stream),
        )
        report = soak_cloud(settings, places, tmp_path)
        shards = kinesis.list_shards(StreamName=stream)["Shards"]
    assert not broken(report), report.checks
    assert any("ParentShardId" in shard for shard in shards)
    assert any("AdjacentParentShardId" in shard for shard in shards)


def resharding(kinesis: Any, stream: str) -> Callable[[int], None]:
    """Splits and merges in turn, one for every sixty calls, while events flow."""
    rng, done = random.Random(3), 0

    def act(calls: int) -> None:
        nonlocal done
        if calls < 60 * (done + 1):
            return
        done += 1
        ready(kinesis, stream)
        shards = kinesis.list_shards(StreamName=stream)["Shards"]
        living = [s for s in shards if "EndingSequenceNumber" not in s["SequenceNumberRange"]]
        living.sort(key=lambda shard: int(shard["HashKeyRange"]["StartingHashKey"]))
        if done % 2:
            shard = rng.choice(living)
            low, high = (
                int(shard["HashKeyRange"][f"{end}HashKey"]) for end in ("Starting", "Ending")
            )
            kinesis.split_shard(
                StreamName=stream,
                ShardToSplit=shard["ShardId"],
                NewStartingHashKey=str((low + high) // 2),
            )
        else:
            at = rng.randrange(len(living) - 1)
            kinesis.merge_shards(
                StreamName=stream,
                ShardToMerge=living[at]["ShardId"],
                AdjacentShardToMerge=living[at + 1]["ShardId"],
            )
        ready(kinesis, stream)

    return act


def ready(kinesis: Any, stream: str) -> None:
    until = time.monotonic() + 30
    while True:
        found = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]
        if found["StreamStatus"] == "ACTIVE":
            return
        assert time.monotonic() < until, "the stream never became active"
        time.sleep(0.02)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_dynamodb_local_agrees(tmp_path: Path) -> None:
    settings = SoakSettings(events=10_000, kills=20, faults=40, seed=4, batch=200)
    dose = Dose(share=0.02, most=200, hang=HANG)
    with dynamodb_local(tmp_path) as emulator, running(emulator.endpoint, "4", dose) as proxy:
        table = emulator.make_table()
        report = soak(
            settings, people=(table_at(proxy.endpoint, table), table_at_own(emulator, table))
        )
    assert not broken(report), report.checks
    batch = {fault for operation, fault in proxy.done if operation == "BatchExecuteStatement"}
    assert batch == set(FAULTS["BatchExecuteStatement"])


def table_at(endpoint: str, table: str) -> DynamoTable:
    return DynamoTable(
        connect("dynamodb", region=REGION, endpoint=endpoint, timeout=TIMEOUT), table
    )


def table_at_own(emulator: Cloud, table: str) -> DynamoTable:
    return table_at(emulator.endpoint, table)
