"""Many conditional writes in one request, on bad days: each ends in its own outcome."""

import base64

import pytest

from hemline.model.errors import Conflict, Unavailable
from hemline.usecases.ports import Write
from tests.faults.fault_server import FaultServer, Step, answer, fault, reset, serving, throttle
from tests.harness.aws_clients import table, targets


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
