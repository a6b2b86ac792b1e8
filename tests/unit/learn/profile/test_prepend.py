"""The short way to put newer actions in front of a ring makes the same bytes as the long one."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hemline.learn.profile import prepend as profile_prepend
from hemline.learn.profile import ring
from hemline.learn.profile.prepend import prepend
from hemline.learn.profile.ring import Action

BUDGETS = (60, 120, 300, 700, 1900)


def action(rng: Random, time: int) -> Action:
    count = rng.choice([0, 1, 1, 1, 1, 2, 5])
    drawn = [f"i{rng.randrange(30)}{'x' * rng.randrange(12)}" for _ in range(count)]
    items = tuple(dict.fromkeys(drawn))
    return Action(
        time, rng.getrandbits(64), rng.randrange(8), items, (rng.randrange(64),) * len(items)
    )


def case(rng: Random) -> tuple[bytes, list[Action], int]:
    """A ring, one to three actions that are mostly newer, and a budget that may have shrunk."""
    budget = rng.choice(BUDGETS)
    old = [action(rng, rng.randrange(1000)) for _ in range(rng.randrange(1, 40))]
    packed = ring.merge(b"", old, budget)
    new = [action(rng, rng.choice([2000, 2000, 2000, 500])) for _ in range(rng.randint(1, 3))]
    if rng.random() < 0.1:
        new.append(rng.choice(old)._replace(time=3000))
    return packed, sorted(new, reverse=True), rng.choice([budget, budget, budget // 2 + 30])


@given(st.integers(0, 2**32))
@settings(max_examples=400)
def test_both_ways_make_the_same_bytes(seed: int) -> None:
    packed, new, budget = case(Random(seed))
    short = prepend(packed, new, budget)
    if short is not None:
        assert short == ring.merge(packed, new, budget)


def test_most_cases_above_go_the_short_way_and_some_fall_out() -> None:
    cases = [case(Random(seed)) for seed in range(200)]
    short = [(prepend(*one), *one) for one in cases]
    taken = [(found, packed) for found, packed, _, _ in short if found is not None]
    assert len(taken) > 80
    assert sum(ring.floor_of(found) != ring.floor_of(packed) for found, packed in taken) > 40


def test_a_wrong_cut_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    real = profile_prepend._first
    monkeypatch.setattr(
        profile_prepend,
        "_first",
        lambda parts, kept, lines, names: real(parts, kept, lines, names + 1),
    )
    cases = [case(Random(seed)) for seed in range(200)]
    assert any(
        short is not None and short != ring.merge(*one)
        for short, one in ((prepend(*one), one) for one in cases)
    )


@pytest.mark.parametrize(
    "new",
    [
        [],
        [Action(5, 1, 0, ("a",), (1,))],
        [Action(9, 7, 0, ("a",), (1,))],
        [Action(11, 9, 0, ("a",), (1,)), Action(11, 9, 0, ("a",), (1,))],
    ],
    ids=["nothing new", "an old one", "a repeat", "one id twice"],
)
def test_what_is_not_simple_goes_the_long_way(new: list[Action]) -> None:
    packed = ring.merge(b"", [Action(9, 7, 0, ("a",), (1,))], 300)
    assert prepend(packed, new, 300) is None
    assert prepend(b"", new, 300) is None
