"""The lean client's hot read: one request, a deadline, never a repeat."""

import pytest

from hemline.model.errors import Unavailable
from hemline.usecases.ports import Stored
from tests.faults.fault_server import (
    Step,
    answer,
    fault,
    hang,
    reset,
    serving,
    throttle,
    truncated,
)
from tests.harness.aws_clients import FOUND, GOT, PROFILE, read, table, targets


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
            table(server).read_for_serving("demo", "v:a", pointer=True, timeout=2)
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
