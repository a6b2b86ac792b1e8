"""What the emulator acknowledged outlives a SIGKILL of it: refusals and tombstones lie in its table."""

import errno
import json
import os
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.harness.clouds import Cloud
from workbench.cloud import emulator as emulation
from workbench.cloud.journal import Journal, delivered, remaining_call
from workbench.laptop import ENVIRONMENTS

PYTHON = ENVIRONMENTS / "cloud/bin/python"
cloud = pytest.mark.cloud


@contextmanager
def up(folder: Path, *, kill: bool) -> Iterator[Cloud]:
    """An emulator on `folder`; at the end killed outright, or asked to stop."""
    with ExitStack() as held:
        running = emulation.start(PYTHON, folder)
        held.callback(emulation.stop, running)
        found = Cloud("ministack", running.endpoint)
        held.callback(found.close)
        yield found
        if kill:
            running.process.kill()
            running.process.wait(10)


def items(found: Cloud, table: str) -> list[dict[str, Any]]:
    scanned = found.boto("dynamodb").scan(TableName=table)["Items"]
    return sorted(scanned, key=lambda item: str(item["pk"]))


def put(found: Cloud, table: str, name: str, **more: Any) -> None:
    item = {"pk": {"S": name}, "sk": {"S": "consent"}, "says": {"S": "no"}}
    found.boto("dynamodb").put_item(TableName=table, Item=item, **more)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cloud"


@cloud
def test_what_was_acknowledged_is_there_after_a_kill_and_is_told(folder: Path) -> None:
    with up(folder, kill=True) as found:
        table, stream, bucket = found.make_table(), found.make_stream(1), found.make_bucket()
        put(found, table, "v:ann")
        found.boto("kinesis").put_records(
            StreamName=stream, Records=[{"Data": b"event", "PartitionKey": "v:ann"}]
        )
        found.boto("s3").put_object(Bucket=bucket, Key="archive/1", Body=b"line")
    with up(folder, kill=False) as found:
        assert emulation.recovered(folder) == {"dynamodb": 2, "kinesis": 2}
        assert [item["pk"]["S"] for item in items(found, table)] == ["v:ann"]
        assert found.records(stream) == [("v:ann", b"event")]
        got = found.boto("s3").get_object(Bucket=bucket, Key="archive/1")
        assert got["Body"].read() == b"line"
    with up(folder, kill=False) as found:
        assert emulation.recovered(folder) == {}, "a clean stop leaves nothing to do"
        assert len(items(found, table)) == 1
        assert len(found.records(stream)) == 1


@cloud
def test_the_check_can_fail(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The emulator as it is without journals: a refusal is gone with the process."""
    monkeypatch.setattr(emulation, "_module", lambda *_, **__: ["ministack"])
    with up(folder, kill=True) as found:
        table = found.make_table()
        put(found, table, "v:ann")
    with up(folder, kill=False) as found:
        assert table not in found.boto("dynamodb").list_tables()["TableNames"]


@cloud
def test_nothing_is_done_twice_however_often_it_is_killed(folder: Path) -> None:
    def add(found: Cloud) -> None:
        found.boto("dynamodb").update_item(
            TableName=table,
            Key={"pk": {"S": "count"}, "sk": {"S": "count"}},
            UpdateExpression="ADD seen :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
        )

    with up(folder, kill=True) as found:
        table = found.make_table()
        add(found)
    for turn in range(2, 5):
        # Every other time it is stopped cleanly: a save lies between two journals.
        with up(folder, kill=turn % 2 == 0) as found:
            add(found)
            assert items(found, table)[0]["seen"] == {"N": str(turn)}


@cloud
def test_writes_at_once_come_back_in_the_order_in_which_they_were_done(folder: Path) -> None:
    with up(folder, kill=True) as found:
        table, dynamodb = found.make_table(), found.boto("dynamodb")

        def race(writer: int) -> None:
            for n in range(25):
                dynamodb.put_item(
                    TableName=table,
                    Item={"pk": {"S": f"p{n % 3}"}, "sk": {"S": "s"}, "last": {"N": str(writer)}},
                )
                condition = {"ConditionExpression": "attribute_not_exists(pk)"}
                try:
                    put(found, table, f"first{n}", **condition)
                except ClientError as error:
                    assert "ConditionalCheckFailed" in str(error)  # noqa: PT017 - most of them lose

        with ThreadPoolExecutor(6) as writers:
            list(writers.map(race, range(6)))
        before = items(found, table)
    with up(folder, kill=False) as found:
        assert items(found, table) == before


@cloud
def test_events_that_were_delivered_are_not_put_again(folder: Path) -> None:
    with up(folder, kill=True) as found:
        stream = found.make_stream(1)
        kinesis = found.boto("kinesis")
        records = [{"Data": str(n).encode(), "PartitionKey": "p"} for n in range(4)]
        got = kinesis.put_records(StreamName=stream, Records=records)["Records"]
        kinesis.put_record(StreamName=stream, Data=b"4", PartitionKey="p")
        done = {f"Map/{got[1]['ShardId']}": got[1]["SequenceNumber"]}
        (folder.parent / "checkpoints.json").write_text(json.dumps(done))
    with up(folder, kill=False) as found:
        assert [data for _, data in found.records(stream)] == [b"2", b"3", b"4"]


@cloud
def test_an_object_that_cannot_be_stored_is_a_fault_and_no_success(folder: Path) -> None:
    """By itself the emulator only writes a line into its log, as on a full disk."""
    with up(folder, kill=False) as found:
        bucket = found.make_bucket()
        found.boto("s3").put_object(Bucket=bucket, Key="good", Body=b"x")
        (place,) = (folder / "objects").glob(f"*/{bucket}")
        # A folder stands where a file is to be.
        (place / "next.meta.json").mkdir()
        with pytest.raises(ClientError, match="500"):
            found.boto("s3").put_object(Bucket=bucket, Key="next", Body=b"x")
        (place / "next.meta.json").rmdir()
        found.boto("s3").put_object(Bucket=bucket, Key="next", Body=b"y")
    with up(folder, kill=False) as found:
        assert found.boto("s3").get_object(Bucket=bucket, Key="next")["Body"].read() == b"y"


def journal(folder: Path) -> Journal:
    made = Journal("dynamodb", folder)
    made.begin()
    return made


def test_a_full_disk_is_an_error_to_the_caller_and_no_line_is_lost_or_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, write = journal(tmp_path), os.pwrite
    kept.add({"n": 1})

    def full(file: int, data: bytes, at: int) -> int:
        return write(file, data[:3], at)

    def refused(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    for broken in (full, refused):
        monkeypatch.setattr(os, "pwrite", broken)
        with pytest.raises(OSError, match="No space"):
            kept.add({"n": 2 if broken is full else 3})
    monkeypatch.setattr(os, "pwrite", write)
    kept.add({"n": 4})
    # What was done and could not be written is there in its place once there is space.
    assert [entry["n"] for entry in Journal("dynamodb", tmp_path).entries()] == [1, 2, 3, 4]


def test_a_line_that_a_kill_cut_short_is_left_out_and_the_journal_goes_on_after_the_last_whole_one(
    tmp_path: Path,
) -> None:
    journal(tmp_path).add({"n": 1})
    path = tmp_path / "journal/dynamodb.jsonl"
    with path.open("ab") as file:
        file.write(b'{"n": 2')
    again = Journal("dynamodb", tmp_path)
    assert [entry["n"] for entry in again.entries()] == [1]
    again.begin()
    again.add({"n": 3})
    assert [entry["n"] for entry in Journal("dynamodb", tmp_path).entries()] == [1, 3]


def test_a_journal_of_an_older_state_is_not_done_again(tmp_path: Path) -> None:
    journal(tmp_path).add({"n": 1})
    (tmp_path / "state").mkdir()
    (tmp_path / "state/dynamodb.json").write_text("{}")
    assert not list(Journal("dynamodb", tmp_path).entries())


@pytest.mark.parametrize("text", ["", "nonsense", '{"since": [1, 2]}\n{"n": 1}\n'])
def test_a_journal_that_says_nothing_is_no_matter(tmp_path: Path, text: str) -> None:
    kept = Journal("dynamodb", tmp_path)
    (tmp_path / "journal/dynamodb.jsonl").write_text(text)
    assert not list(kept.entries())
    kept.begin()
    kept.add({"n": 1})
    assert [entry["n"] for entry in Journal("dynamodb", tmp_path).entries()] == [1]


def test_a_shard_is_delivered_as_far_as_its_slowest_mapping(tmp_path: Path) -> None:
    path = tmp_path / "checkpoints.json"
    path.write_text(json.dumps({"A/s-0": "0007", "B/s-0": "0005", "A/s-1": "0002"}))
    assert delivered(path) == {"s-0": 5, "s-1": 2}
    assert delivered(tmp_path / "none.json") == {}


@pytest.mark.parametrize(
    ("at", "left"),
    [
        ([["s", "6"], ["s", "7"]], [0, 1]),
        ([["s", "5"], ["s", "7"]], [1]),
        ([["s", "4"], ["s", "5"]], None),
        ([["other", "1"], [None, None]], [0]),  # one that the stream refused
    ],
)
def test_what_is_put_again_is_what_no_mapping_had(at: list[Any], left: list[int] | None) -> None:
    body = json.dumps({"StreamName": "s", "Records": [{"Data": n} for n in (0, 1)]}).encode()
    found = remaining_call({"at": at, "body": b64encode(body).decode()}, {"s": 5})
    names = found and [one["Data"] for one in json.loads(found)["Records"]]
    assert names == left
