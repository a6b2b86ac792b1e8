"""A learned choice is worth what it costs: simulated visitors whose real rates the engine has to find out."""

from functools import cache

import pytest

from models.choice import SHOPS, Day, Shop, evaluate, simulate

TWO = Shop(rates=(0.03, 0.06), explore=0.1)


@cache
def days(shop: Shop, seed: int = 1) -> list[Day]:
    return simulate(shop, 6, 700, seed)


def test_of_two_variants_the_better_one_is_found_and_regret_falls() -> None:
    found = days(TWO)
    assert found[0].shown[1] < 100, "at first chance alone shows it: a tenth, evenly over both"
    assert all(day.shown[1] > 600 for day in found[-2:])
    assert sum(day.regret for day in found[-2:]) < 0.2 * 2 * found[0].regret


def test_without_chance_or_learning_it_never_is() -> None:
    for blind in (TWO._replace(explore=0.0), TWO._replace(learns=False)):
        assert sum(day.regret for day in days(blind)) > 2 * sum(day.regret for day in days(TWO))


def test_the_same_seed_gives_the_same_days_and_another_others() -> None:
    again = simulate(TWO, 2, 200, 1)
    assert simulate(TWO, 2, 200, 1) == again
    assert simulate(TWO, 2, 200, 2) != again


@pytest.mark.parametrize(("last", "lift"), [(0.16, 1.0), (0.04, 4.0)])
def test_the_own_category_is_followed_where_that_is_best_and_left_where_it_is_not(
    last: float, lift: float
) -> None:
    # Chance takes 13 in 100 visitors away from the best of three variants.
    found = days(Shop((0.04, 0.04, last), fans=0.8, lift=lift, explore=0.2))
    assert found[-1].best > 0.8 * 700


def test_an_evaluation_has_a_row_for_every_shop_and_way() -> None:
    rows = evaluate(1, 5, 1, lambda: None)
    assert {row.shop for row in rows} == set(SHOPS)
    assert len(rows) == 3 * len(SHOPS)
