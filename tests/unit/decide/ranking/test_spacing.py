"""Two of a kind do not follow each other closely: the pace of a list, beside caps, shares and pins."""

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st

from hemline.decide.ranking.rerank import missed, rerank
from hemline.decide.ranking.spacing import MinGap, too_near
from hemline.decide.rules.eligibility import Cap, Eligibility, Share

N = 16
EVERYTHING = np.ones(N, np.bool_)


def group(numbers: list[int]) -> npt.NDArray[np.int32]:
    return np.array(numbers, np.int32)


groups = st.lists(st.integers(-1, 3), min_size=N, max_size=N).map(group)
aparts = st.lists(
    st.builds(MinGap, groups, st.integers(1, 4), st.just("pace")), min_size=1, max_size=2
)
ranked = st.lists(st.integers(0, N - 1), unique=True)
pins = st.dictionaries(st.integers(0, 9), st.integers(0, N - 1), max_size=3)


def pacing(*found: MinGap) -> Eligibility:
    return Eligibility(EVERYTHING, (), (), min_gaps=found)


def clashes(shown: list[int], item: int, found: list[MinGap]) -> bool:
    """Whether the item, as the next one, stands too near to its like."""
    return any(
        one.group[item] >= 0 and one.group[item] in one.group[shown[-one.least :]] for one in found
    )


@given(ranked, aparts, st.integers(1, 12))
def test_each_place_goes_to_the_best_that_stands_far_enough(
    order: list[int], found: list[MinGap], limit: int
) -> None:
    shown = rerank(order, pacing(*found), limit)
    assert len(shown) == len(set(shown)) == min(limit, len(order)), "nobody is left out for nothing"
    for place, item in enumerate(shown):
        left = [one for one in order if one not in shown[:place]]
        free = [one for one in left if not clashes(shown[:place], one, found)]
        assert not free or item == free[0]


@given(ranked, pins, aparts, groups, groups, st.integers(1, 12))
def test_caps_shares_and_pins_hold_beside_it(
    order: list[int],
    pinned: dict[int, int],
    found: list[MinGap],
    capped: npt.NDArray[np.int32],
    shared: npt.NDArray[np.int32],
    limit: int,
) -> None:
    plain = Eligibility(
        EVERYTHING, tuple(sorted(pinned.items())), (Cap(capped, 2),), (Share(shared == 0, 0.5),)
    )
    without = rerank(order, plain, limit)
    shown = rerank(order, plain._replace(min_gaps=tuple(found)), limit)
    assert len(shown) == len(set(shown)) <= limit
    numbers = capped[shown].tolist()
    assert all(numbers.count(number) <= 2 for number in numbers if number >= 0)
    assert sum(shared[shown] == 0) >= min(sum(shared[without] == 0), -(-limit // 2))
    for position, item in pinned.items():
        if item in without and position < min(len(shown), len(without)):
            assert (shown[position] == item) == (without[position] == item)


def test_what_comes_before_a_pin_keeps_its_distance() -> None:
    one_artist = MinGap(group([0, 0, 1, 1, *range(2, N - 2)]), 2)
    eligible = pacing(one_artist)._replace(pins=((2, 0),))
    assert rerank([1, 2, 3, 4, 5], eligible, 4) == [2, 4, 0, 3]


def test_where_nobody_is_far_enough_the_furthest_comes_and_the_log_says_so() -> None:
    two_artists = MinGap(group([0, 0, 0, 1, *range(2, N - 2)]), 2, "pace")
    shown = rerank([0, 1, 2, 3], pacing(two_artists), 4)
    assert shown == [0, 3, 1, 2]
    assert too_near(shown, two_artists) == 2
    assert missed(shown, pacing(two_artists)) == ["rule pace: 2 of 4 stand too near to their like"]
