"""The lean client's connections: what is kept, what is never used again, and what a lost one costs."""

import pytest

from hemline.adapters.aws.client import connect
from hemline.adapters.aws.credentials import Credentials
from hemline.adapters.aws.dynamodb import DynamoTable
from hemline.model.edition import Pointer
from hemline.model.errors import Unavailable
from tests.faults.fault_server import answer, hang, reset, serving, then_close, truncated
from tests.harness.aws_clients import FOUND, GOT, PROFILE, read, table, targets


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
            "dynamodb", region="eu-west-1", endpoint=server.endpoint, credentials=lambda _: evil
        )
        with pytest.raises(ValueError, match="line break"):
            read(DynamoTable(held, "t"))
        assert server.seen == []
