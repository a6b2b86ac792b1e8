"""The simulator: repeatable, in the wire's shape, and its visitors do have the tastes it states."""

from collections import Counter, defaultdict
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from hemline.model.events.schema import parse_event
from workbench.demo.catalogue import by_id
from workbench.demo.simulator import history, visitors_of
from workbench.demo.tastes import appeal, taste, utility

UNTIL = 1_790_000_000_000
EVENTS: list[dict[str, Any]] = list(history(until=UNTIL, visitors=300))
DAY = 86_400_000


def of(kind: str) -> list[dict[str, Any]]:
    return [event for event in EVENTS if event["type"] == kind]


def category(item: str) -> str:
    return by_id()[item].categories[0]


def test_the_same_arguments_give_the_same_events() -> None:
    assert list(history(until=UNTIL, visitors=300)) == EVENTS
    assert list(history(until=UNTIL, visitors=300, seed=8)) != EVENTS


def test_a_visitors_history_does_not_depend_on_how_many_others_there_are() -> None:
    few = list(history(until=UNTIL, visitors=20))
    names = set(visitors_of(7, 20))
    assert few == [event for event in EVENTS if event["visitor"] in names]


def test_every_event_passes_the_door_and_has_its_own_id() -> None:
    for event in EVENTS:
        parse_event(msgspec.json.encode(event))
    assert len({event["id"] for event in EVENTS}) == len(EVENTS)


def test_events_come_by_time_and_stay_inside_the_period() -> None:
    times = [event["time"] for event in EVENTS]
    assert times == sorted(times)
    assert times[0] >= UNTIL - 28 * DAY
    assert times[-1] < UNTIL


def test_a_click_is_on_an_item_of_the_exposure_whose_token_it_carries() -> None:
    shown = {event["token"]: [line["item"] for line in event["lines"]] for event in of("exposure")}
    assert of("click")
    for click in of("click"):
        assert click["item"] in shown[click["token"]]


def test_the_first_place_is_clicked_more_than_the_last() -> None:
    shown = {event["token"]: [line["item"] for line in event["lines"]] for event in of("exposure")}
    ranks = Counter(shown[click["token"]].index(click["item"]) for click in of("click"))
    assert ranks[0] > 1.5 * ranks[5]


def test_visitors_click_what_they_are_said_to_like() -> None:
    hits = [category(click["item"]) in taste(click["visitor"]).favourites for click in of("click")]
    shown = [
        category(line["item"]) in taste(event["visitor"]).favourites
        for event in of("exposure")
        for line in event["lines"]
    ]
    assert np.mean(hits) > 1.5 * np.mean(shown)


def test_what_goes_together_is_bought_together_more_than_chance() -> None:
    carts: dict[str, set[str]] = defaultdict(set)
    for event in of("add_to_cart"):
        carts[event["visitor"]].add(category(event["item"]))
    teapots = [cart for cart in carts.values() if "teapots" in cart]
    others = [cart for cart in carts.values() if "teapots" not in cart]
    share = [np.mean(["cups" in cart for cart in group]) for group in (teapots, others)]
    assert share[0] > 1.5 * share[1]


def best_first(scores: npt.NDArray[np.floating]) -> list[str]:
    return [list(by_id())[int(i)] for i in np.argsort(-scores, kind="stable")]


def test_utility_orders_items_by_the_taste_that_is_stated() -> None:
    for visitor in visitors_of(7, 10):
        known = taste(visitor)
        best = best_first(utility(known) - appeal())[:10]
        assert {category(item) for item in best} <= set(known.favourites)


def test_a_purchase_is_worth_its_lines() -> None:
    for event in of("purchase"):
        total = sum(line["price"] * line["quantity"] for line in event["lines"])
        assert event["value"] == round(total, 2)
