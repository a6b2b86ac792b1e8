"""Event source mapping semantics, against handlers whose every answer is written down here."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.harness import event_loops
from workbench.cloud.streams import delivery
from workbench.cloud.streams.delivery import (
    DeliveryEntry,
    Exhausted,
    FunctionError,
    deliver,
    outcome_of,
)
from workbench.cloud.template import EventSource

SOURCE = EventSource(
    name="Mapping",
    stream="stream",
    function="Ingest",
    batch_size=10,
    window=0.0,
    retries=2,
    max_age=-1.0,
    bisect=True,
    partial=True,
    destination="failed",
)


def entries(count: int, *, arrived: float = 100.0) -> list[DeliveryEntry]:
    return [DeliveryEntry(f"{i:03d}", f"p{i % 3}", b"x", arrived) for i in range(1, count + 1)]


def names(found: Sequence[DeliveryEntry]) -> list[int]:
    return [int(entry.sequence) for entry in found]


class Scripted:
    """A world whose handler is a function of the batch; it writes down all that happens."""

    def __init__(self, handler: Callable[[list[int]], object], clock: float = 100.0) -> None:
        self.handler, self.clock = handler, clock
        self.calls: list[list[int]] = []
        self.lost: list[Exhausted] = []
        self.checkpoints: list[int] = []
        self.pauses: list[int] = []

    async def invoke(self, batch: Sequence[DeliveryEntry]) -> object:
        self.calls.append(names(batch))
        answer = self.handler(names(batch))
        if answer is Exception:
            raise FunctionError("scripted")
        return answer

    async def give_up(self, batch: Exhausted) -> None:
        self.lost.append(batch)

    async def done(self, sequence: str) -> None:
        self.checkpoints.append(int(sequence))

    async def pause(self, attempt: int) -> None:
        self.pauses.append(attempt)

    def now(self) -> float:
        return self.clock


def delivered(
    world: Scripted, batch: Sequence[DeliveryEntry], source: EventSource = SOURCE
) -> Scripted:
    event_loops.run(deliver(batch, source, world))
    return world


def report(*failed: int) -> dict[str, object]:
    return {"batchItemFailures": [{"itemIdentifier": f"{i:03d}"} for i in failed]}


@pytest.mark.parametrize("answer", [{"batchItemFailures": []}, None, {}, [], "", 0])
def test_nothing_reported_means_that_all_is_done(answer: object) -> None:
    world = delivered(Scripted(lambda _: answer), entries(4))
    assert world.calls == [[1, 2, 3, 4]]
    assert world.checkpoints == [4]


def test_the_lowest_reported_number_is_the_checkpoint_and_the_rest_comes_again() -> None:
    failing = iter([report(3, 4), {}])
    world = delivered(Scripted(lambda _: next(failing)), entries(5))
    assert world.calls == [[1, 2, 3, 4, 5], [3, 4, 5]]
    assert world.checkpoints == [2, 5]


@pytest.mark.parametrize(
    "answer",
    [
        {"batchItemFailures": [{"itemIdentifier": ""}]},
        {"batchItemFailures": [{"itemIdentifier": None}]},
        {"batchItemFailures": [{"wrong": "001"}]},
        {"batchItemFailures": [{"itemIdentifier": "999"}]},
        {"batchItemFailures": "nonsense"},
    ],
)
def test_a_report_that_names_no_record_of_the_batch_is_a_failure_of_all(answer: object) -> None:
    verdict = outcome_of(entries(3), answer, partial=True)
    assert verdict == delivery.DeliveryOutcome(0, error=True)


def test_without_partial_responses_a_report_is_not_read() -> None:
    assert outcome_of(entries(3), report(1), partial=False).failed_from == 3


def test_an_error_halves_the_batch_until_the_poison_stands_alone() -> None:
    world = delivered(Scripted(lambda b: Exception if 3 in b else {}), entries(4))
    assert world.calls[:4] == [[1, 2, 3, 4], [1, 2], [3, 4], [3]]
    assert [names(b.entries) for b in world.lost] == [[3]]
    assert world.lost[0].condition == "RetryAttemptsExhausted"
    assert world.calls[-1] == [4]
    assert world.checkpoints[-1] == 4


def test_without_bisect_the_whole_batch_is_given_up() -> None:
    source = SOURCE._replace(bisect=False)
    world = delivered(Scripted(lambda b: Exception if 3 in b else {}), entries(4), source)
    assert world.calls == [[1, 2, 3, 4]] * 3
    assert names(world.lost[0].entries) == [1, 2, 3, 4]
    assert world.lost[0].attempts == 3


def test_retries_are_paused_for_longer_each_time() -> None:
    world = delivered(Scripted(lambda _: Exception), entries(1))
    assert world.pauses == [1, 2]


def test_records_past_the_age_limit_are_given_up_without_a_call() -> None:
    old, young = entries(2, arrived=10.0), entries(4, arrived=95.0)[2:]
    source = SOURCE._replace(max_age=60.0)
    world = delivered(Scripted(lambda _: {}), [*old, *young], source)
    assert [names(b.entries) for b in world.lost] == [[1, 2]]
    assert world.lost[0].condition == "RecordAgeExceeded"
    assert world.calls == [[3, 4]]


def test_for_ever_means_until_it_works() -> None:
    answers: Iterator[Any] = iter([*[Exception] * 40, {}])
    world = delivered(Scripted(lambda _: next(answers)), entries(1), SOURCE._replace(retries=-1))
    assert not world.lost
    assert len(world.calls) == 41


@st.composite
def scenarios(draw: st.DrawFn) -> tuple[int, EventSource, list[int]]:
    count = draw(st.integers(1, 12))
    source = SOURCE._replace(
        retries=draw(st.integers(0, 3)),
        bisect=draw(st.booleans()),
        partial=draw(st.booleans()),
        max_age=draw(st.sampled_from([-1.0, 60.0])),
    )
    return count, source, draw(st.lists(st.integers(0, 9), min_size=1, max_size=40))


def accounted(
    count: int, source: EventSource, script: list[int]
) -> tuple[list[int], list[int], Scripted]:
    """Records that a handler was told to be done with, and those in the destination."""
    handled: list[int] = []
    turn = iter(script)

    def handler(batch: list[int]) -> object:
        step = next(turn, 0)
        if step == 1:
            return Exception
        if step == 2 and source.partial:
            cut = len(batch) // 2
            handled.extend(batch[:cut])
            return report(*batch[cut:][::-1])
        if step == 3 and source.partial:
            return {"batchItemFailures": [{"itemIdentifier": "nonsense"}]}
        handled.extend(batch)
        return {}

    batch = [
        entry._replace(arrived=10.0 if i < count // 3 else 99.0)
        for i, entry in enumerate(entries(count))
    ]
    world = delivered(Scripted(handler), batch, source)
    return handled, [n for b in world.lost for n in names(b.entries)], world


@given(scenarios())
def test_every_record_is_handled_or_in_the_destination_in_order_and_never_skipped(
    scenario: tuple[int, EventSource, list[int]],
) -> None:
    count, source, script = scenario
    handled, lost, world = accounted(count, source, script)
    assert sorted(handled + lost) == list(range(1, count + 1))
    assert handled == sorted(handled)
    assert world.checkpoints == sorted(world.checkpoints)
    assert world.checkpoints[-1] == count


def test_the_property_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mapping that takes the highest reported number for its checkpoint skips records."""

    def highest(
        batch: Sequence[DeliveryEntry], answer: object, *, partial: bool
    ) -> delivery.DeliveryOutcome:
        right = outcome_of(batch, answer, partial=partial)
        return (
            right._replace(failed_from=len(batch) - 1)
            if 0 < right.failed_from < len(batch)
            else right
        )

    monkeypatch.setattr(delivery, "outcome_of", highest)
    handled, lost, _ = accounted(4, SOURCE, [2])
    assert sorted(handled + lost) != [1, 2, 3, 4]
