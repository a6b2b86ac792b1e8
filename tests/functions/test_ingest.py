"""The ingest function on its scenarios, with a real table and bucket of the emulator."""

import base64
import json
from types import ModuleType
from typing import Any

import msgspec
import pytest

from hemline.adapters.aws.client import connect
from hemline.adapters.aws.dynamodb import DynamoTable
from hemline.adapters.aws.s3 import S3Objects
from hemline.learn.profile.fold import BOUGHT, ENGAGED, Profile, decode, state_bytes
from hemline.model.events.event import decode_record, encode_record
from hemline.usecases.ingest.archive import read_archive
from tests.harness.clouds import REGION, Cloud
from tests.harness.functions import environment, event, load

pytestmark = pytest.mark.cloud
SITE = "demo"


class Stack:
    """The function with a fresh table and bucket, and what lies in them."""

    def __init__(self, cloud: Cloud, monkeypatch: pytest.MonkeyPatch, **names: str) -> None:
        made = {"table": cloud.make_table(), "bucket": cloud.make_bucket(), **names}
        settings = {**environment(cloud, **made), "HEMLINE_SITE": SITE}
        self.app: ModuleType = load("ingest", settings, monkeypatch)
        client = connect("dynamodb", region=REGION, endpoint=cloud.endpoint)
        self.table = DynamoTable(client, made["table"])
        self.objects = S3Objects(
            connect("s3", region=REGION, endpoint=cloud.endpoint), made["bucket"]
        )

    def scenario(self, name: str) -> list[str]:
        """The sequence numbers that the function reports as failed."""
        answer = self.app.handler(event("ingest", name), None)
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    def profile(self, subject: str) -> Profile:
        found = self.table.read_profiles(SITE, [subject])
        return decode(found[subject].blob) if found else Profile()


@pytest.fixture
def stack(emulator: Cloud, monkeypatch: pytest.MonkeyPatch) -> Stack:
    return Stack(emulator, monkeypatch)


def sequences(name: str) -> list[str]:
    return [record["kinesis"]["sequenceNumber"] for record in event("ingest", name)["Records"]]


def metrics(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Metric → value of the one embedded metric line."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (line,) = [line for line in lines if "_aws" in line]
    return {name: value[0] for name, value in line.items() if isinstance(value, list)}


def test_a_batch_is_in_the_profiles_and_in_the_archive(stack: Stack) -> None:
    assert stack.scenario("batch") == []
    ann = stack.profile("v:ann")
    assert [a.items for a in ann.actions(ENGAGED)] == [("p1",)]
    assert [a.quantities for a in ann.actions(BOUGHT)] == [(2,)]
    archived = list(read_archive(stack.objects, SITE))
    assert [a.record.event.id for a in archived] == ["e1", "e2", "e3"]
    assert {a.shard for a in archived} == {"shardId-000000000006"}


def test_the_same_batch_again_changes_nothing(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.scenario("batch")
    before = stack.table.read_profiles(SITE, ["v:ann", "v:bob"])
    capsys.readouterr()
    assert stack.scenario("batch") == []
    assert stack.table.read_profiles(SITE, ["v:ann", "v:bob"]) == before
    assert len(list(stack.objects.keys("archive/"))) == 1
    assert metrics(capsys)["Redelivered"] == 3


def test_what_cannot_be_read_never_blocks_the_shard(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    assert stack.scenario("poison") == []
    assert len(stack.profile("v:ann").actions(ENGAGED)) == 2
    kept = [json.loads(stack.objects.get(key) or b"") for key in stack.objects.keys("quarantine/")]
    assert [one["sequence"] for one in kept] == [sequences("poison")[at] for at in (1, 2, 4)]
    assert base64.b64decode(kept[1]["payload"]) == b"\xff\xfe\x00"
    found = metrics(capsys)
    assert (found["Applied"], found["Quarantined"], found["Left"]) == (2, 3, 0)


def test_a_client_repeat_counts_once_for_each_visitor(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    assert stack.scenario("repeats") == []
    found = metrics(capsys)
    assert (found["Applied"], found["Duplicates"]) == (2, 1)


def test_the_catalogue_is_archived_alone(stack: Stack) -> None:
    assert stack.scenario("catalogue") == []
    (one,) = read_archive(stack.objects, SITE)
    assert one.record.event.properties["title"] == "Linen dress"
    assert stack.profile("i:p1").empty


def test_without_consent_nothing_is_written(stack: Stack) -> None:
    assert stack.scenario("no-consent") == []
    assert list(stack.objects.keys("")) == []
    assert stack.profile("v:ann").empty


@pytest.mark.parametrize("missing", ["table", "bucket"])
def test_without_a_table_or_bucket_the_batch_comes_again_from_its_first_record(
    emulator: Cloud, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    stack = Stack(emulator, monkeypatch, **{missing: "never-made"})
    assert stack.scenario("batch") == sequences("batch")[:1]


def test_what_is_logged_names_no_visitor(
    stack: Stack, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    stack.scenario("batch")
    stack.scenario("poison")
    out = capsys.readouterr().out + " ".join(str(vars(line)) for line in caplog.records)
    assert "v:ann" not in out
    assert "v:bob" not in out
    assert "ingested" in out


def copies(days: int) -> dict[str, Any]:
    """The batch as clients send it again that much later: on new numbers, received then."""
    later = event("ingest", "batch")
    for record in later["Records"]:
        kinesis = record["kinesis"]
        kinesis["sequenceNumber"] = str(int(kinesis["sequenceNumber"]) + days * 10**9)
        held = decode_record(base64.b64decode(kinesis["data"]))
        again = msgspec.structs.replace(held, received=held.received + days * 86_400_000)
        kinesis["data"] = base64.b64encode(encode_record(again)).decode()
    return later


@pytest.mark.parametrize("days", [9, 30])
def test_a_copy_weeks_later_changes_nothing_that_counts_and_is_reported_without_a_name(
    stack: Stack, days: int, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.scenario("batch")
    before = [state_bytes(stack.profile(who)) for who in ("v:ann", "v:bob")]
    history = [a.record for a in read_archive(stack.objects, SITE)]
    capsys.readouterr()
    assert stack.app.handler(copies(days), None) == {"batchItemFailures": []}
    assert [state_bytes(stack.profile(who)) for who in ("v:ann", "v:bob")] == before
    assert [a.record for a in read_archive(stack.objects, SITE)] == history
    said = capsys.readouterr().out
    figures = [json.loads(line) for line in said.splitlines()]
    assert [line["Duplicates"] for line in figures if "_aws" in line] == [[3.0]]
    assert not any(name in said for name in ("ann", "bob", '"e1"'))
