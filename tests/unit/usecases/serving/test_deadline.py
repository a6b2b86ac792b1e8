"""Late and broken, by a clock that the test moves: a lower rung answers, and its scope stays right."""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemline.decide import ladder
from hemline.model.decision import Rung, Scope, Visit
from hemline.model.errors import Unavailable
from hemline.model.site.slot import Slot
from hemline.usecases.ports import ServingRead
from hemline.usecases.serving.breaker import (
    FAILURES,
    RANKER_SECONDS,
    TABLE_SECONDS,
    Breaker,
    BreakerState,
    Run,
    health,
)
from hemline.usecases.serving.decide_page import Deps, PageDecision, decide
from tests.builders.editions import KEYS, NOW, SITE, ScoreByPrice, build, catalogue
from tests.harness.deciding import acts, ask, live, table_with

HISTORY = acts("v:ann", ["i1", "i5", "i9"])
SLOTS = (
    Slot("for-you", limit=4),
    Slot("patient", limit=4, deadline_ms=300),
    Slot("shelf", personal=False, sources=("popular",), limit=4),
    Slot("category", sources=("category",), limit=4),
)
EDITION = build(catalogue(24), SLOTS, history=HISTORY)
TABLE = table_with(HISTORY)


class Clock:
    """Moves when a test or a scripted dependency moves it."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


class SlowTable:
    """Answers after some milliseconds, or not within the time that it is given."""

    def __init__(self, clock: Clock, ms: float) -> None:
        self.clock, self.ms, self.asked = clock, ms, 0
        self.timeout = 0.0

    def read_for_serving(
        self, site: str, subject: str | None, *, pointer: bool, timeout: float
    ) -> ServingRead:
        self.asked, self.timeout = self.asked + 1, timeout
        self.clock.now += min(self.ms / 1000, timeout)
        if self.ms / 1000 > timeout:
            raise Unavailable("dynamodb", "no answer in time")
        return TABLE.read_for_serving(site, subject, pointer=pointer, timeout=timeout)


class SlowRanker(ScoreByPrice):
    """Takes some milliseconds, and breaks when it is told to."""

    def __init__(self, clock: Clock, ms: float, *, breaks: bool = False) -> None:
        super().__init__()
        self.clock, self.ms, self.breaks, self.asked = clock, ms, breaks, 0

    def score(self, matrix: np.ndarray) -> np.ndarray:
        self.asked += 1
        self.clock.now += self.ms / 1000
        if self.breaks:
            raise RuntimeError("broken")
        return super().score(matrix)


class Warm:
    """One warm function: its breakers outlive a request."""

    def __init__(self, table_ms: float = 1, ranker_ms: float = 1, *, breaks: bool = False) -> None:
        self.clock = Clock()
        self.table = SlowTable(self.clock, table_ms)
        self.ranker = SlowRanker(self.clock, ranker_ms, breaks=breaks)
        self.deps = Deps(
            SITE,
            self.table,
            live(EDITION, self.ranker),
            KEYS,
            0.5,
            self.clock,
            health(self.clock),
        )

    def ask(self, *slots: str, subject: str | None = "v:ann") -> PageDecision:
        return decide(ask(*(slots or ("for-you",))), Visit(subject, consent=True), self.deps, NOW)


def test_in_time_the_model_answers() -> None:
    assert Warm().ask().fragments["for-you"].rung is Rung.MODEL


def test_the_read_may_take_no_longer_than_the_least_patient_slot_of_the_page() -> None:
    warm = Warm()
    warm.ask("for-you", "patient")
    assert warm.table.timeout == 0.05
    warm.ask("patient")
    assert warm.table.timeout == 0.3


def test_a_read_that_takes_all_the_time_leaves_none_to_the_model_and_nothing_is_scored() -> None:
    warm = Warm(table_ms=50)
    fragment = warm.ask().fragments["for-you"]
    assert (fragment.rung, fragment.scope) == (Rung.SEGMENT, Scope.VISITOR)
    assert fragment.reasons == ("model: past the deadline of 50 ms",)
    assert warm.ranker.asked == 0


def test_each_slot_has_its_own_deadline() -> None:
    warm = Warm(ranker_ms=60)
    found = warm.ask("patient", "for-you").fragments
    assert (found["patient"].rung, found["for-you"].rung) == (Rung.MODEL, Rung.SEGMENT)


def test_scores_that_come_late_are_used_and_it_is_said_by_how_much() -> None:
    warm = Warm(ranker_ms=900)
    found = warm.ask()
    fragment = found.fragments["for-you"]
    said = "model: used, though 851 ms past the deadline of 50 ms"
    assert (fragment.rung, fragment.reasons) == (Rung.MODEL, (said,))
    assert f"for-you: {said}" in found.faults
    early = Warm().ask().fragments["for-you"]
    assert (fragment.body, early.reasons) == (early.body, ()), "what is answered is the same"


def test_each_slot_of_a_page_says_its_own_lateness() -> None:
    found = Warm(ranker_ms=60).ask("patient", "for-you").fragments
    assert found["patient"].reasons == ()
    assert found["for-you"].reasons == ("model: past the deadline of 50 ms",)


def test_an_answer_that_was_late_has_another_etag_than_one_in_time() -> None:
    early, late = (Warm(table_ms=ms).ask().fragments["for-you"] for ms in (1, 50))
    assert early.etag != late.etag


@pytest.mark.parametrize("trouble", [{"ranker_ms": 60.0}, {"breaks": True}])
def test_a_ranker_that_is_late_or_broken_again_and_again_is_left_alone_for_a_while(
    trouble: dict[str, Any],
) -> None:
    warm = Warm(**trouble)
    for _ in range(FAILURES):
        assert warm.ask().breakers == {} or warm.ranker.asked == FAILURES
    found = warm.ask()
    assert (warm.ranker.asked, found.breakers) == (FAILURES, {"ranker": "open"})
    assert any("breaker is open" in fault for fault in found.faults)
    warm.clock.now += RANKER_SECONDS
    warm.ask()
    assert warm.ranker.asked == FAILURES + 1, "half-open: one try"
    assert warm.ask().breakers == {"ranker": "open"}
    warm.ranker.ms, warm.ranker.breaks = 1, False
    warm.clock.now += RANKER_SECONDS
    assert warm.ask().fragments["for-you"].rung is Rung.MODEL
    assert warm.ask().breakers == {}


def test_a_table_that_does_not_answer_is_left_alone_for_a_second() -> None:
    warm = Warm(table_ms=900)
    for _ in range(FAILURES + 3):
        assert warm.ask().fragments["for-you"].rung is Rung.SEGMENT
    assert warm.table.asked == FAILURES
    assert warm.ask().breakers == {"table": "open"}
    warm.table.ms = 1
    warm.clock.now += TABLE_SECONDS
    assert warm.ask().fragments["for-you"].rung is Rung.MODEL


def test_the_time_that_the_table_is_left_alone_and_the_next_look_fit_into_five_seconds() -> None:
    from hemline.usecases.serving.editions import FOLLOW_SECONDS  # noqa: PLC0415 - of this test alone

    assert FOLLOW_SECONDS + TABLE_SECONDS <= 5


def state(breaker: Breaker) -> BreakerState:
    """Read through a call: a type checker takes an attribute for unchanged between two asserts."""
    return breaker.state


def test_a_breaker_goes_from_closed_to_open_to_half_open_and_back() -> None:
    clock = Clock()
    breaker = Breaker("x", 2.0, clock)
    for _ in range(FAILURES - 1):
        breaker.failed()
    assert state(breaker) is BreakerState.CLOSED
    breaker.succeeded()
    for _ in range(FAILURES):
        breaker.failed()
    assert state(breaker) is BreakerState.OPEN
    clock.now += 2.0
    assert state(breaker) is BreakerState.HALF_OPEN
    breaker.failed()
    assert state(breaker) is BreakerState.OPEN
    clock.now += 2.0
    breaker.succeeded()
    assert state(breaker) is BreakerState.CLOSED


times = st.floats(0, 400, allow_nan=False)
scripts = st.lists(st.tuples(times, times, st.booleans(), st.floats(0, 3000)), max_size=8)


def wrong(script: Sequence[tuple[float, float, bool, float]], subject: str | None) -> list[str]:
    """What a run of requests answers that it must not; each step: table, ranker, broken, pause."""
    warm = Warm()
    plain = Warm().ask("shelf", subject=None).fragments["shelf"]
    found: list[str] = []
    for table_ms, ranker_ms, breaks, pause in script:
        warm.table.ms, warm.ranker.ms, warm.ranker.breaks = table_ms, ranker_ms, breaks
        answer = warm.ask(*(slot.name for slot in SLOTS), subject=subject).fragments
        warm.clock.now += pause / 1000
        for name, fragment in answer.items():
            if name != "category" and not fragment.items:
                found.append(f"{name} shows nothing")
            late = any("deadline" in r or "breaker" in r for r in fragment.reasons)
            if late and fragment.scope is not Scope.VISITOR:
                found.append(f"{name} was late and says {fragment.scope.word}")
        if answer["shelf"].body != plain.body:
            found.append("the public slot differs")
    return found


@given(scripts, st.sampled_from([None, "v:ann"]))
def test_whatever_is_late_or_broken_a_lower_rung_answers_and_the_scope_stays_right(
    script: list[tuple[float, float, bool, float]], subject: str | None
) -> None:
    assert not wrong(script, subject)


def test_the_property_above_turns_red_when_lateness_is_found_before_the_visitor_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def hasty(ctx: ladder.RungContext) -> Any:
        ladder._check_time(ctx)
        raise ladder.StepDown("in time")

    monkeypatch.setattr(
        ladder, "LADDER", ((Rung.MODEL, hasty), *[s for s in ladder.LADDER if s[0] != "model"])
    )
    category = msgspec.structs.replace(SLOTS[3], sources=("category", "popular"))
    edition = build(catalogue(24), [category], history=HISTORY)
    warm = Warm(table_ms=50)
    deps = warm.deps._replace(live=live(edition, warm.ranker))
    answer = decide(ask("category"), Visit("v:ann", consent=True), deps, NOW)
    assert answer.fragments["category"].scope < Scope.VISITOR


def test_a_run_asks_the_ranker_and_says_how_it_did() -> None:
    clock = Clock()
    breaker = Breaker("ranker", 1.0, clock, failures=1)
    run = Run(SlowRanker(clock, 40), breaker, clock, clock.now)
    assert run.obstacle(SLOTS[0]) == ""
    run.score(np.zeros((2, 3), np.float32))
    assert state(breaker) is BreakerState.CLOSED
    assert run.obstacle(SLOTS[0]) == ""
    run.score(np.zeros((2, 3), np.float32))
    assert state(breaker) is BreakerState.OPEN
