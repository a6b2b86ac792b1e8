"""The proof over the real APIs: ministack, DynamoDB Local and kinesalite, with a proxy of bad days."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hemline.adapters.aws import dynamodb_batch
from hemline.adapters.aws.client import connect
from hemline.adapters.aws.connections import drop_connections
from hemline.adapters.aws.dynamodb import DynamoTable
from hemline.adapters.aws.kinesis import KinesisStream
from hemline.adapters.aws.s3 import S3Objects
from hemline.model.errors import Conflict
from hemline.usecases.ports import Written
from tests.harness.clouds import REGION, Cloud
from tests.harness.soaking import broken
from workbench.cloud.streams.mapping import MappingClients
from workbench.soak import cloud as clouds
from workbench.soak.books.verdict import VerdictStores
from workbench.soak.cloud import soak_cloud
from workbench.soak.proxy import Dose, Proxy, running
from workbench.soak.run import SoakReport, SoakSettings

TIMEOUT = 2.0
"""Seconds for each wait of our client; a hang of the proxy is longer."""


def at(endpoint: str, table: str, bucket: str) -> VerdictStores:
    people = DynamoTable(
        connect("dynamodb", region=REGION, endpoint=endpoint, timeout=TIMEOUT), table
    )
    objects = S3Objects(connect("s3", region=REGION, endpoint=endpoint, timeout=TIMEOUT), bucket)
    return VerdictStores(people, objects)


@pytest.fixture(autouse=True)
def no_kept_connections() -> Iterator[None]:
    yield
    drop_connections()


def ministack(settings: SoakSettings, emulator: Cloud, proxy: Proxy, folder: Path) -> SoakReport:
    table, bucket, stream = emulator.make_table(), emulator.make_bucket(), emulator.make_stream(2)
    door = connect("kinesis", region=REGION, endpoint=proxy.endpoint, timeout=TIMEOUT)
    places = clouds.Cloud(
        KinesisStream(door, stream),
        at(proxy.endpoint, table, bucket),
        at(emulator.endpoint, table, bucket),
        MappingClients(emulator.boto("kinesis"), emulator.boto("s3"), REGION),
        stream,
    )
    return soak_cloud(settings, places, folder)


@pytest.mark.cloud
@pytest.mark.parametrize(
    "events",
    [4000, pytest.param(50_000, marks=[pytest.mark.soak, pytest.mark.timeout(1800)])],
)
def test_nothing_is_lost_or_doubled_through_the_real_apis(
    events: int, emulator: Cloud, tmp_path: Path
) -> None:
    settings = SoakSettings(
        events=events, kills=events // 500, faults=0, seed=5, shards=2, batch=250
    )
    dose = Dose(share=0.06, most=events // 20, hang=TIMEOUT + 0.5)
    with running(emulator.endpoint, "5", dose) as proxy:
        report = ministack(settings, emulator, proxy, tmp_path)
    assert not broken(report), report.checks
    assert report.figures["kills"] >= settings.kills // 2
    assert {fault for _, fault in proxy.done} >= {
        "hang", "refuse", "throttle", "error 500", "cut after the commit", "truncate",
        "members throttled", "members conflict", "members beaten", "members in doubt",
        "partly refused",
    }  # fmt: skip


@pytest.mark.cloud
def test_an_adapter_that_reads_every_cancellation_as_done_is_found(
    emulator: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = dynamodb_batch._outcome

    def trusting(service: str, error: Any) -> Written:
        outcome = original(service, error)
        cancelled = isinstance(outcome, Conflict) or "Transaction" in str(outcome)
        return None if cancelled else outcome

    monkeypatch.setattr(dynamodb_batch, "_outcome", trusting)
    settings = SoakSettings(events=1500, kills=0, faults=0, seed=6, shards=2, batch=200)
    dose = Dose(share=0.1, most=150, hang=TIMEOUT + 0.5)
    with running(emulator.endpoint, "6", dose) as proxy:
        report = ministack(settings, emulator, proxy, tmp_path)
    assert "actions that profiles lack" in broken(report)
