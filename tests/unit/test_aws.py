"""The lean client on bad days: what it repeats, what it never repeats, and how long it waits."""

import base64
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemline.adapters.aws import AwsClient, AwsFault, Call, Retries, connect
from hemline.adapters.aws_credentials import Credentials
from hemline.adapters.aws_http import Timeouts, drop_connections
from hemline.adapters.dynamodb import DynamoTable
from hemline.adapters.kinesis import KinesisStream
from hemline.adapters.s3 import S3Objects
from hemline.model.edition import Pointer
from hemline.model.errors import Conflict, Unavailable
from hemline.model.keys import profile_partition
from hemline.usecases.ports import Hot, Stored, StreamEntry, Write
from tests.support.fault_server import (
    FaultServer,
    Step,
    answer,
    fault,
    hang,
    reset,
    serving,
    then_close,
    throttle,
    truncated,
)

ANN, BOB = (profile_partition("demo", subject) for subject in ("v:a", "v:b"))
PROFILE = {
    "pk": {"S": ANN},
    "sk": {"S": "profile"},
    "b": {"B": base64.b64encode(b"blob").decode()},
    "v": {"N": "7"},
}
GOT = answer({"Item": PROFILE})
FOUND = Hot(Stored(b"blob", 7), None)
SHORT = Timeouts(connect=2.0, read=0.15)


@pytest.fixture(autouse=True)
def _no_kept_connections() -> Iterator[None]:
    yield
    drop_connections()


def client(server: FaultServer, service: str = "dynamodb") -> AwsClient:
    """With pauses that are written down in `client.pauses`, not waited for."""
    made = connect(
        service,
        region="eu-west-1",
        endpoint=server.endpoint,
        credentials=lambda: Credentials("AKID", "secret"),
    )
    made.draw = lambda: 0.5
    made.sleep = lambda _: None
    return made


def table(server: FaultServer) -> DynamoTable:
    return DynamoTable(client(server), "t")


def read(table: DynamoTable, timeout: float = 2.0) -> Hot:
    return table.read_hot("demo", "v:a", pointer=False, timeout=timeout)


def targets(server: FaultServer) -> list[str]:
    return [seen.target for seen in server.seen]


# --- the hot path: one request, a deadline, never a repeat


@pytest.mark.parametrize(
    "step",
    [throttle(), fault("InternalServerError", 500), reset, truncated({"Item": PROFILE})],
    ids=["throttled", "500", "reset", "truncated"],
)
def test_the_hot_read_asks_once_and_gives_up(step: Step) -> None:
    with serving(step, GOT) as server:
        with pytest.raises(Unavailable):
            read(table(server))
        assert len(server.seen) == 1


def test_the_hot_read_gives_up_on_a_silent_table() -> None:
    with serving(hang) as server, pytest.raises(Unavailable, match="timed out"):
        read(table(server), timeout=0.1)


def test_the_hot_read_gives_up_where_nobody_listens() -> None:
    with serving(GOT) as server:
        gone = table(server)
    with pytest.raises(Unavailable, match="no connection"):
        read(gone)


def test_the_hot_read_does_not_take_a_key_left_out_for_a_new_visitor() -> None:
    left = {"Responses": {"t": []}, "UnprocessedKeys": {"t": {"Keys": [{}]}}}
    with serving(answer(left)) as server:
        with pytest.raises(Unavailable, match="throttled"):
            table(server).read_hot("demo", "v:a", pointer=True, timeout=2)
        assert targets(server) == ["BatchGetItem"]


def test_an_answer_that_is_no_answer_is_unavailable() -> None:
    for body in (
        b"",
        b"<html>",
        b"[]",
        {"Item": {"pk": 1}},
        {"Item": {**PROFILE, "b": {"S": "x"}}},
    ):
        with serving(answer(body)) as server, pytest.raises(Unavailable):
            read(table(server))


def test_the_hot_read_is_eventually_consistent_and_the_ingest_read_is_not() -> None:
    found = {"Responses": {"t": [PROFILE]}}
    with serving(GOT, answer(found)) as server:
        assert read(table(server)) == FOUND
        assert table(server).read_profiles("demo", ["v:a"]) == {"v:a": Stored(b"blob", 7)}
        hot, batch = (seen.body for seen in server.seen)
    assert "ConsistentRead" not in hot
    assert batch["RequestItems"]["t"]["ConsistentRead"] is True


# --- connections


def test_one_connection_carries_many_calls() -> None:
    with serving(GOT) as server:
        for _ in range(5):
            assert read(table(server)) == FOUND
        assert server.accepted == 1


def test_a_connection_closed_while_kept_is_not_used_again() -> None:
    with serving(then_close(GOT), GOT) as server:
        assert read(table(server)) == FOUND
        assert read(table(server)) == FOUND
        assert server.accepted == 2


def test_a_kept_connection_that_dies_under_a_read_costs_a_new_one_not_an_error() -> None:
    with serving(GOT, reset, GOT) as server:
        assert read(table(server)) == FOUND
        assert read(table(server)) == FOUND
        assert [seen.connection for seen in server.seen] == [1, 1, 2]


def test_a_kept_connection_that_dies_under_a_pointer_swap_is_an_error() -> None:
    with serving(GOT, reset, answer({})) as server:
        held = table(server)
        read(held)
        with pytest.raises(Unavailable):
            held.swap_pointer("demo", Pointer("d", 1, "s"), expected=None)
        assert targets(server) == ["GetItem", "PutItem"]


def test_a_kept_connection_that_dies_in_mid_answer_is_not_taken_for_a_stale_one() -> None:
    with serving(GOT, truncated({"Item": PROFILE}), GOT) as server:
        held = table(server)
        read(held)
        with pytest.raises(Unavailable):
            read(held)
        assert len(server.seen) == 2


def test_a_connection_that_timed_out_is_never_reused() -> None:
    # Its late answer would be read as the answer to the next visitor's question.
    with serving(hang, GOT) as server:
        with pytest.raises(Unavailable):
            read(table(server), timeout=0.1)
        assert read(table(server)) == FOUND
        assert [seen.connection for seen in server.seen] == [1, 2]


def test_a_header_cannot_smuggle_a_second_request() -> None:
    evil = Credentials("AKID", "secret", "token\r\nx-amz-target: DynamoDB_20120810.DeleteTable")
    with serving(GOT) as server:
        held = connect(
            "dynamodb", region="eu-west-1", endpoint=server.endpoint, credentials=lambda: evil
        )
        with pytest.raises(ValueError, match="line break"):
            read(DynamoTable(held, "t"))
        assert server.seen == []


# --- elsewhere: bounded repeats


@pytest.mark.parametrize("step", [throttle(), fault("InternalServerError", 500), reset])
def test_a_write_under_condition_recovers(step: Step) -> None:
    with serving(step, step, answer({})) as server:
        table(server).write_profile("demo", "v:a", b"x", expected=3)
        assert targets(server) == ["UpdateItem"] * 3


def test_a_pointer_swap_is_sent_again_only_when_it_was_surely_not_applied() -> None:
    pointer = Pointer("d", 1, "s")
    with serving(throttle(), answer({})) as server:
        table(server).swap_pointer("demo", pointer, expected=None)
        assert len(server.seen) == 2
    for step in (fault("InternalServerError", 500), reset, truncated({"a": 1})):
        with serving(step, answer({})) as server:
            with pytest.raises(Unavailable):
                table(server).swap_pointer("demo", pointer, expected=None)
            assert len(server.seen) == 1


def test_a_lost_condition_is_a_conflict_and_is_not_repeated() -> None:
    with serving(fault("ConditionalCheckFailedException")) as server:
        with pytest.raises(Conflict):
            table(server).write_profile("demo", "v:a", b"x", expected=3)
        assert len(server.seen) == 1


def members(*codes: str) -> Step:
    errors = [{"Error": {"Code": code, "Message": "fault"}} if code else {} for code in codes]
    return answer({"Responses": [{"TableName": "t", **error} for error in errors]})


WRITES = [Write("v:a", b"a", 0), Write("v:b", b"b", 3), Write("v:c", b"c", 3)]


def blobs(server: FaultServer) -> list[list[bytes]]:
    """Of each request its statements' blobs."""
    return [
        [
            base64.b64decode(next(v["B"] for v in one["Parameters"] if "B" in v))
            for one in seen.body["Statements"]
        ]
        for seen in server.seen
    ]


@pytest.mark.parametrize("step", [throttle(), fault("InternalServerError", 500), reset])
def test_writes_in_one_call_recover_together(step: Step) -> None:
    with serving(step, step, members("", "", "")) as server:
        assert table(server).write_profiles("demo", WRITES) == [None] * 3
        assert targets(server) == ["BatchExecuteStatement"] * 3


@pytest.mark.parametrize(
    "code",
    [
        "ProvisionedThroughputExceeded",
        "RequestLimitExceeded",
        "ThrottlingError",
        "InternalServerError",
    ],
)
def test_only_the_writes_that_were_throttled_are_sent_again(code: str) -> None:
    steps = members(code, "", code), members(code, ""), members("")
    with serving(*steps) as server:
        assert table(server).write_profiles("demo", WRITES) == [None] * 3
        assert blobs(server) == [[b"a", b"b", b"c"], [b"a", b"c"], [b"a"]]


def test_every_write_ends_in_its_own_outcome_and_what_stays_is_not_repeated() -> None:
    step = members("DuplicateItem", "ConditionalCheckFailed", "TransactionConflict")
    with serving(step) as server:
        lost, beaten, refused = table(server).write_profiles("demo", WRITES)
        assert isinstance(lost, Conflict)
        assert isinstance(beaten, Conflict)
        assert isinstance(refused, Unavailable)
        assert "TransactionConflict" in str(refused)
        assert len(server.seen) == 1


def test_writes_that_are_throttled_for_ever_are_reported_and_the_others_stay_written() -> None:
    forever = members("ThrottlingError")
    with serving(members("", "ThrottlingError", ""), forever) as server:
        first, second, third = table(server).write_profiles("demo", WRITES)
        assert first is None
        assert third is None
        assert isinstance(second, Unavailable)
        assert len(server.seen) == 4


@pytest.mark.parametrize(
    "step",
    [fault("AccessDeniedException"), members("", ""), answer({}), answer({"Responses": 7})],
    ids=["refused", "too few answers", "no answers", "no list"],
)
def test_a_call_that_says_nothing_of_its_writes_leaves_none_of_them_done(step: Step) -> None:
    with serving(step) as server:
        written = table(server).write_profiles("demo", WRITES)
        assert len(written) == 3
        assert all(isinstance(one, Unavailable) for one in written)
        assert len(server.seen) == 1


def test_a_call_that_fails_says_nothing_of_another_one() -> None:
    writes = [Write(f"v:{n}", b"x", 0) for n in range(27)]
    with serving(fault("AccessDeniedException"), members("", "")) as server:
        written = table(server).write_profiles("demo", writes)
        assert [len(one) for one in blobs(server)] == [25, 2]
        assert [one is None for one in written] == [False] * 25 + [True] * 2


@pytest.mark.parametrize(
    "code", ["ResourceNotFoundException", "AccessDeniedException", "ValidationException"]
)
def test_what_will_not_get_better_is_not_repeated(code: str) -> None:
    with serving(fault(code)) as server:
        with pytest.raises(Unavailable, match=code):
            table(server).read_pointer("demo")
        assert len(server.seen) == 1


def test_repeats_are_bounded_and_their_pauses_grow_with_full_jitter() -> None:
    with serving(throttle()) as server:
        held, pauses = client(server), list[float]()
        held.sleep = pauses.append
        with pytest.raises(AwsFault, match="ProvisionedThroughput"):
            DynamoTable(held, "t").read_pointer("demo")
        assert len(server.seen) == held.retries.attempts
    assert pauses == [0.025, 0.05, 0.1]


def test_repeats_end_with_the_total_deadline() -> None:
    with serving(throttle()) as server:
        held, ticks = client(server), count(0, 3)
        held.clock = lambda: float(next(ticks))
        held.retries = Retries(attempts=100, total=10.0)
        with pytest.raises(AwsFault):
            DynamoTable(held, "t").read_pointer("demo")
        # Two looks at the clock for each attempt of three seconds: two fit into ten.
        assert len(server.seen) == 2


def test_a_wait_is_never_longer_than_what_is_left_in_total() -> None:
    with serving(hang) as server:
        held = client(server)
        call = Call(timeouts=Timeouts(60, 60), retries=Retries(attempts=3, total=0.1))
        with pytest.raises(AwsFault, match="timed out"):
            held.send(call)


@given(st.integers(0, 200), st.floats(0, 1, exclude_max=True))
def test_a_pause_is_never_negative_nor_over_its_cap(attempt: int, draw: float) -> None:
    assert 0 <= Retries().pause(attempt, draw) <= Retries().longest_pause


# --- batches


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


# --- the check above can fail


def test_repeating_everything_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hemline.adapters.aws._Repeatable.may_repeat", lambda *_: True)
    with pytest.raises(pytest.fail.Exception):
        test_a_pointer_swap_is_sent_again_only_when_it_was_surely_not_applied()
