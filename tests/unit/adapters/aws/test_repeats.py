"""The lean client on bad days: what it repeats, what it never repeats, and how long it waits."""

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemline.adapters.aws.client import AwsCall, AwsFault, Retries
from hemline.adapters.aws.connections import Timeouts
from hemline.adapters.aws.dynamodb import DynamoTable
from hemline.model.edition import Pointer
from hemline.model.errors import Conflict, Unavailable
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
from tests.harness.aws_clients import client, table, targets

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
        call = AwsCall(timeouts=Timeouts(60, 60), retries=Retries(attempts=3, total=0.1))
        with pytest.raises(AwsFault, match="timed out"):
            held.send(call)


@given(st.integers(0, 200), st.floats(0, 1, exclude_max=True))
def test_a_pause_is_never_negative_nor_over_its_cap(attempt: int, draw: float) -> None:
    assert 0 <= Retries().pause(attempt, draw) <= Retries().longest_pause


# --- the check above can fail


def test_repeating_everything_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hemline.adapters.aws.client._Repeatable.may_repeat", lambda *_: True)
    with pytest.raises(pytest.fail.Exception):
        test_a_pointer_swap_is_sent_again_only_when_it_was_surely_not_applied()
