"""Which events a page sends, and when: what was really seen, looked at, clicked, taken and bought."""

import re
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Page

from hemline.model.events.schema import parse_event
from tests.harness.browsing import Shop, eventually, settled
from tests.harness.shop_fragments import row, variant
from workbench.demo.catalogue import by_id

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

Open = Callable[..., Page]

ITEMS = [item.id for item in by_id().values()]
FIRST, SECOND = ITEMS[40:48], ITEMS[60:68]

# Resolves after the page's own observers heard that the first card came into view, or left it.
CROSSED = """
inside => new Promise((done) => {
  const card = document.querySelector("#bestsellers .hem-card");
  new IntersectionObserver((entries) => entries.some((e) => e.isIntersecting === inside) && done())
    .observe(card);
})
"""


def scroll(page: Page, selector: str) -> None:
    page.evaluate(
        "s => document.querySelector(s).scrollIntoView({ block: 'center', behavior: 'instant' })",
        selector,
    )


def exposures(shop: Shop, slot: str) -> list[dict[str, Any]]:
    return [event for event in shop.of("exposure") if event["slot"] == slot]


@pytest.fixture
def filled(shop: Shop) -> Shop:
    shop.says(
        {
            "hero": variant("hero", "vases", token="t-hero"),
            "for-you": row(FIRST, token="t-for-you"),
            "bestsellers": row(SECOND, token="t-best"),
        }
    )
    return shop


def test_only_what_was_in_view_for_a_second_counts_as_seen(filled: Shop, open_page: Open) -> None:
    page = open_page("/", clock=True)
    assert settled(page) == [""]
    eventually(page, lambda: exposures(filled, "hero"))
    page.clock.pause_at(page.evaluate("Date.now()") + 60_000)
    assert not exposures(filled, "bestsellers")

    scroll(page, "#bestsellers .hem-card")
    page.evaluate(CROSSED, arg=True)
    page.clock.run_for(900)
    scroll(page, ".hem-headline")
    page.evaluate(CROSSED, arg=False)
    page.clock.run_for(10_000)
    page.evaluate("hemline.send('custom', { properties: { mark: 1 } })")
    eventually(page, lambda: filled.of("custom"))  # all that was said before has come by now
    assert not exposures(filled, "bestsellers")

    scroll(page, "#bestsellers .hem-card")
    page.evaluate(CROSSED, arg=True)
    page.clock.run_for(2_000)
    seen = eventually(page, lambda: exposures(filled, "bestsellers"))
    shown = [line["item"] for event in seen for line in event["lines"]]
    assert shown
    assert shown == SECOND[: len(shown)]
    assert {event["token"] for event in seen} == {"t-best"}
    assert seen[0]["properties"] == {"position": 1}


def test_an_item_is_seen_once_however_often_one_scrolls_by(filled: Shop, open_page: Open) -> None:
    page = open_page("/", clock=True)
    settled(page)
    page.clock.pause_at(page.evaluate("Date.now()") + 60_000)
    for _ in range(3):
        scroll(page, "#bestsellers .hem-card")
        page.evaluate(CROSSED, arg=True)
        page.clock.run_for(3_000)
        scroll(page, ".hem-headline")
        page.evaluate(CROSSED, arg=False)
        page.clock.run_for(3_000)
    eventually(page, lambda: exposures(filled, "bestsellers"))
    page.goto(filled.url + "/cart")
    settled(page)
    shown = [line["item"] for event in exposures(filled, "bestsellers") for line in event["lines"]]
    assert len(shown) == len(set(shown))


def test_nothing_counts_as_seen_in_a_tab_that_is_hidden(filled: Shop, open_page: Open) -> None:
    hide = "Object.defineProperty(document, 'hidden', { get: () => window.away ?? true });"
    page = open_page("/", clock=True, prepare=hide)
    settled(page)
    page.clock.pause_at(page.evaluate("Date.now()") + 60_000)
    page.clock.run_for(5_000)
    page.evaluate("hemline.send('custom', { properties: { mark: 1 } })")
    eventually(page, lambda: filled.of("custom"))
    assert not filled.of("exposure")
    page.evaluate("window.away = false")
    page.clock.resume()
    assert eventually(page, lambda: exposures(filled, "hero"))


def test_default_content_is_no_decision_and_so_no_exposure(shop: Shop, open_page: Open) -> None:
    page = open_page("/", clock=True)
    settled(page)
    page.clock.run_for(10_000)
    page.click("#for-you .hem-card a")
    page.wait_for_url("**/item/*")
    eventually(page, lambda: shop.of("view"))
    assert not shop.of("exposure")
    assert not shop.of("click")


def test_a_click_survives_its_own_navigation_and_carries_the_token(
    filled: Shop, open_page: Open
) -> None:
    page = open_page("/")
    settled(page)
    page.click("#for-you .hem-card:nth-child(3) a")
    page.wait_for_url("**/item/" + FIRST[2])
    eventually(page, lambda: filled.of("view"))
    (click,) = eventually(page, lambda: filled.of("click"))
    assert (click["item"], click["slot"], click["token"]) == (FIRST[2], "for-you", "t-for-you")
    assert filled.of("view")[0]["item"] == FIRST[2]


@pytest.mark.parametrize("link", ["#for-you .hem-card:nth-child(3) a", "hem-slot[name=hero] a"])
def test_who_clicks_at_once_has_seen_it_and_that_is_told_first(
    filled: Shop, open_page: Open, link: str
) -> None:
    page = open_page("/")
    settled(page)
    # A context that is closed in the middle of a navigation may hang for good.
    with page.expect_navigation():
        page.locator(link).first.dispatch_event("click")
    (click,) = eventually(page, lambda: filled.of("click"))
    told = [e["type"] for e in filled.events if e.get("token") == click["token"]]
    assert told == ["exposure", "click"]
    exposure = next(e for e in filled.of("exposure") if e["token"] == click["token"])
    assert [line["item"] for line in exposure.get("lines", ())] == [
        click[name] for name in click if name == "item"
    ]
    assert exposure["time"] <= click["time"]


def test_what_was_seen_before_the_click_is_not_told_again(filled: Shop, open_page: Open) -> None:
    page = open_page("/")
    settled(page)
    page.locator("#for-you").scroll_into_view_if_needed()
    eventually(page, lambda: exposures(filled, "for-you"))
    with page.expect_navigation():
        page.locator("#for-you .hem-card:nth-child(1) a").dispatch_event("click")
    (click,) = eventually(page, lambda: filled.of("click"))
    told = [line["item"] for event in exposures(filled, "for-you") for line in event["lines"]]
    assert told.count(click["item"]) == 1


def test_every_event_is_one_that_the_door_accepts(filled: Shop, open_page: Open) -> None:
    page = open_page("/item/orla-mug-sage")
    settled(page)
    page.click("[data-cart-add]")
    assert "in your basket" in page.inner_text("[data-cart-said]")
    page.goto(filled.url + "/cart")
    settled(page)
    assert filled.asked[-1]["page"]["cart"] == ["orla-mug-sage"]
    page.click("[data-cart-order]")
    (bought,) = eventually(page, lambda: filled.of("purchase"))
    assert bought["lines"] == [{"item": "orla-mug-sage", "quantity": 1, "price": 16}]
    assert (bought["currency"], bought["value"]) == ("GBP", 16)
    assert {"view", "add_to_cart", "purchase"} <= {event["type"] for event in filled.events}
    for event in filled.events:
        parse_event(msgspec.json.encode(event))
        assert re.fullmatch(r"[0-9a-f-]{36}", event["id"])
    assert len({event["id"] for event in filled.events}) == len(filled.events)


def test_without_a_beacon_events_go_by_fetch(shop: Shop, open_page: Open) -> None:
    page = open_page("/item/orla-mug-sage", prepare="navigator.sendBeacon = () => false;")
    (view,) = eventually(page, lambda: shop.of("view"))
    assert view["item"] == "orla-mug-sage"


@pytest.mark.parametrize("status", [503, 500, 429])
def test_what_is_not_stored_comes_again_as_it_was(shop: Shop, open_page: Open, status: int) -> None:
    shop.refuses = [status]
    page = open_page("/item/orla-mug-sage")
    (view,) = eventually(page, lambda: shop.of("view"))
    assert [event["id"] for event in shop.refused] == [view["id"]]
    assert shop.refused == [view], "the same id and time, so that it counts once"


def test_what_is_wrong_for_good_is_not_sent_again(shop: Shop, open_page: Open) -> None:
    shop.refuses = [400]
    page = open_page("/item/orla-mug-sage")
    (view,) = eventually(page, lambda: shop.refused)
    page.evaluate("hemline.send('app_open')")
    (after,) = eventually(page, lambda: shop.events)
    assert (view["type"], after["type"]) == ("view", "app_open")


def test_a_door_that_cannot_be_reached_is_tried_again(shop: Shop, open_page: Open) -> None:
    broken = """
    const real = fetch;
    let tries = 0;
    window.fetch = (where, ...how) =>
      String(where).endsWith("events") && !tries++
        ? Promise.reject(new TypeError("gone"))
        : real(where, ...how);
    """
    page = open_page("/item/orla-mug-sage", prepare=broken)
    (view,) = eventually(page, lambda: shop.of("view"))
    assert view["item"] == "orla-mug-sage"


def test_last_words_leave_by_a_beacon(filled: Shop, open_page: Open) -> None:
    page = open_page(
        "/",
        prepare="const tell = navigator.sendBeacon.bind(navigator); window.told = 0;"
        " navigator.sendBeacon = (...what) => { told += 1; return tell(...what); };",
    )
    settled(page)
    page.evaluate(
        "hemline.send('exposure', { slot: 'hero', token: 't-hero' });"
        "Object.defineProperty(document, 'hidden', { get: () => true });"
        "document.dispatchEvent(new Event('visibilitychange'))"
    )
    eventually(page, lambda: exposures(filled, "hero"))
    assert page.evaluate("told") == 1
