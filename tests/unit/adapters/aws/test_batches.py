"""The lean client's batches: what was left out is asked again, and what failed is told one by one."""

from typing import Any

import pytest

from hemline.adapters.aws.kinesis import KinesisStream
from hemline.adapters.aws.s3 import S3Objects
from hemline.model.errors import Unavailable
from hemline.model.keys import profile_partition
from hemline.usecases.ports import StreamEntry
from tests.faults.fault_server import FaultServer, Step, answer, fault, reset, serving, throttle
from tests.harness.aws_clients import ANN, BOB, PROFILE, client, table


def found(*names: str) -> dict[str, Any]:
    return {"t": [{**PROFILE, "pk": {"S": profile_partition("demo", name)}} for name in names]}


def keys(seen: Any) -> list[str]:
    return [key["pk"]["S"] for key in seen.body["RequestItems"]["t"]["Keys"]]


def test_keys_that_a_batch_left_out_are_asked_for_again() -> None:
    key = {"pk": {"S": BOB}, "sk": {"S": "profile"}}
    left = {"t": {"Keys": [key], "ConsistentRead": True}}
    steps = [
        answer({"Responses": found("v:a"), "UnprocessedKeys": left}),
        answer({"Responses": found("v:b"), "UnprocessedKeys": {}}),
    ]
    with serving(*steps) as server:
        got = table(server).read_profiles("demo", ["v:a", "v:b"])
        assert sorted(got) == ["v:a", "v:b"]
        assert [keys(seen) for seen in server.seen] == [[ANN, BOB], [BOB]]
        assert server.seen[1].body["RequestItems"] == left


def test_keys_that_are_left_out_for_ever_are_unavailable_not_new_visitors() -> None:
    left = {"t": {"Keys": [{"pk": {"S": BOB}, "sk": {"S": "profile"}}]}}
    with serving(answer({"Responses": found(), "UnprocessedKeys": left})) as server:
        with pytest.raises(Unavailable, match="never read"):
            table(server).read_profiles("demo", ["v:b"])
        assert len(server.seen) == 8


def test_profiles_are_asked_for_a_hundred_at_a_time() -> None:
    with serving(answer({"Responses": found()})) as server:
        table(server).read_profiles("demo", [f"v:{n}" for n in range(219)])
        assert [len(keys(seen)) for seen in server.seen] == [100, 100, 19]


ENTRIES = [StreamEntry("v:a", b"1"), StreamEntry("v:b", b"2"), StreamEntry("v:c", b"3")]
HELD: dict[str, str] = {"SequenceNumber": "1", "ShardId": "s"}
LOST = {"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "slow down"}


def put(*outcomes: dict[str, str]) -> Step:
    return answer({"FailedRecordCount": 0, "Records": list(outcomes)})


def partitions(server: FaultServer) -> list[list[str]]:
    return [[r["PartitionKey"] for r in seen.body["Records"]] for seen in server.seen]


def test_only_the_entries_that_failed_are_put_again() -> None:
    with serving(put(HELD, LOST, HELD), put(HELD)) as server:
        stream = KinesisStream(client(server, "kinesis"), "s")
        assert stream.put(ENTRIES) == [None, None, None]
        assert partitions(server) == [["v:a", "v:b", "v:c"], ["v:b"]]


def test_entries_that_fail_for_ever_are_reported_one_by_one() -> None:
    with serving(put(HELD, LOST, HELD), put(LOST)) as server:
        stream = KinesisStream(client(server, "kinesis"), "s")
        first, second, third = stream.put(ENTRIES)
        assert (first, third) == (None, None)
        assert second is not None
        assert "ProvisionedThroughput" in second
        assert len(server.seen) == 4


def test_a_call_that_fails_after_another_succeeded_is_reported_not_raised() -> None:
    with serving(put(HELD, LOST, HELD), fault("AccessDeniedException")) as server:
        stream = KinesisStream(client(server, "kinesis"), "s")
        first, second, third = stream.put(ENTRIES)
        assert (first, third) == (None, None)
        assert "AccessDenied" in str(second)


def test_a_stream_that_takes_nothing_is_unavailable() -> None:
    for step in (throttle(), fault("InternalFailure", 500), reset):
        with serving(step) as server, pytest.raises(Unavailable):
            KinesisStream(client(server, "kinesis"), "s").put(ENTRIES)


def test_an_answer_about_fewer_entries_makes_none_of_them_durable() -> None:
    with serving(put(HELD)) as server, pytest.raises(Unavailable, match="number of records"):
        KinesisStream(client(server, "kinesis"), "s").put(ENTRIES)


def test_s3_slowing_down_is_repeated_and_its_errors_are_named() -> None:
    slow = answer(b"<Error><Code>SlowDown</Code></Error>", 503)
    none = answer(b"<Error><Code>NoSuchKey</Code></Error>", 404)
    denied = answer(b"<Error><Code>AccessDenied</Code></Error>", 403)
    with serving(slow, answer(b"data"), none, denied) as server:
        objects = S3Objects(client(server, "s3"), "b")
        assert objects.get("k") == b"data"
        assert objects.get("k") is None
        with pytest.raises(Unavailable, match="AccessDenied"):
            objects.get("k")
