"""What is counted of variants: what was really seen, once a visitor, and the goal that followed, once."""

from collections.abc import Sequence

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemline.learn.variants import exposures as module
from hemline.learn.variants.exposures import ATTRIBUTION_WINDOW_MS, AttributedExposures
from hemline.model.events.event import BOT, Record
from hemline.model.site.slot import Slot, Variant
from hemline.usecases.publishing.build import count
from tests.builders.choosing import DAY, HERO, counted, did, seen, token
from tests.builders.editions import NOW

A, B = token("a"), token("b", (0, 0.25))
SALE = msgspec.structs.replace(HERO, name="hero", goal="purchase")


def of(records: Sequence[Record], *slots: Slot) -> list[tuple[int, bool]]:
    """(variant, whether the goal followed) of each fragment, sorted."""
    trials = counted(records, *slots).attributed()
    return sorted(zip(trials.variant.tolist(), trials.converted.tolist(), strict=True))


def test_an_exposure_counts_with_what_its_token_says() -> None:
    trials = counted([seen("v:1", B, device="tablet"), did("v:1", "click", B)]).attributed()
    assert [part.tolist() for part in trials] == [[0], [1], [0], [2], [NOW // DAY], [0.25], [True]]


def test_without_a_token_of_the_slot_nothing_counts() -> None:
    other = token("a", slot="banner")
    untold = seen("v:1", A)
    untold = msgspec.structs.replace(
        untold, event=msgspec.structs.replace(untold.event, token=None)
    )
    wrong = [seen("v:2", other), seen("v:3", "made.up"), seen("v:4", token("gone")), untold]
    assert of(wrong) == []
    assert of([seen("v:1", A)], Slot("hero"), Slot("other", kind="content")) == []
    alone = Slot("hero", kind="content", variants=(Variant("a"),))
    assert of([seen("v:1", A)], alone) == [], "there is nothing to choose"


@pytest.mark.parametrize("mark", [None, (7, 0.5), (0, -1.0), (-1, 0.5), (0, 2.0)])
def test_what_no_chance_or_estimate_chose_counts_as_that(mark: tuple[int, float] | None) -> None:
    trials = counted([seen("v:1", token("a", mark))]).attributed()
    assert (trials.propensity.tolist(), trials.match.tolist()) == ([0.0], [0])


def test_a_fragment_and_its_goal_count_once_for_each_visitor() -> None:
    again = [seen("v:1", A, n=n) for n in range(3)] + [
        did("v:1", "click", A, n=n) for n in range(4)
    ]
    assert of(again) == [(0, True)]
    assert of([*again, seen("v:2", A)]) == [(0, False), (0, True)], "a shared answer has one token"
    assert of([*again, seen("v:1", token("a", minute=7))]) == [(0, False), (0, True)]


def test_a_goal_with_a_token_belongs_to_that_decision() -> None:
    both = [seen("v:1", A), seen("v:1", B)]
    assert of([*both, did("v:1", "click", B)]) == [(0, False), (1, True)]
    assert of([*both, did("v:2", "click", B)]) == [(0, False), (1, False)]
    assert of([*both, did("v:1", "view", B)]) == [(0, False), (1, False)], "not the goal"
    assert of([*both, did("v:1", "click", None)]) == [(0, False), (1, False)], "a click elsewhere"


@pytest.mark.parametrize(
    ("later", "met"),
    [(0, True), (ATTRIBUTION_WINDOW_MS, True), (ATTRIBUTION_WINDOW_MS + 1, False), (-1, False)],
)
def test_a_goal_without_a_token_belongs_to_the_last_that_was_seen_in_a_day(
    later: int, met: bool
) -> None:
    paid = did("v:1", "purchase", None, NOW + later, slot=None)
    assert of([seen("v:1", A), paid], SALE) == [(0, met)]
    assert of([seen("v:2", A), paid], SALE) == [(0, False)]
    earlier = seen("v:1", B, NOW - 5)
    assert of([earlier, seen("v:1", A), paid], SALE) == [(0, met), (1, later == -1)]


def test_a_goal_that_names_another_slot_is_none_of_this_one() -> None:
    assert of([seen("v:1", A), did("v:1", "purchase", None, slot="row")], SALE) == [(0, False)]


EVENTS = [
    *(seen(who, shown, NOW + at) for at, who in enumerate("xyz") for shown in (A, B)),
    seen("x", A, NOW - 5, n=1),
    seen("x", A, NOW + 3 * DAY, "tablet", n=2),
    did("x", "purchase", A),
    did("y", "purchase", None, NOW + 500),
    did("y", "purchase", None, NOW + 2 * DAY),
    did("z", "click", B),
]


def _same(one: AttributedExposures, other: AttributedExposures) -> bool:
    return all(map(np.array_equal, one, other))


def differs(records: Sequence[Record]) -> bool:
    return not _same(counted(records, SALE).attributed(), counted(EVENTS, SALE).attributed())


@given(st.permutations(EVENTS), st.lists(st.sampled_from(EVENTS), max_size=5))
def test_no_order_and_no_repeat_shows(records: list[Record], again: list[Record]) -> None:
    assert not differs([*records, *again])


def test_that_turns_red_when_what_comes_twice_counts_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_first_times", lambda key, *_: np.argsort(key, kind="stable"))
    assert differs([*EVENTS, EVENTS[0]])


def test_programs_and_who_said_no_are_left_out() -> None:
    fine, bot, silent = seen("v:1", A), seen("v:2", A), seen("v:3", A)
    bot = msgspec.structs.replace(bot, flags=(BOT,))
    silent = msgspec.structs.replace(silent, purposes=())
    found = count([fine, bot, silent], slots=[HERO]).choices
    assert found is not None
    assert len(found.attributed().slot) == 1
