"""Alerts in a real browser: they wait for their moment, count once, and close by button and Escape."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.harness.browsing import Shop, eventually, settled
from tests.harness.shop_fragments import variant

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

Open = Callable[..., Page]
ITEM = "/item/orla-mug-sage"
LEAVE = "document.dispatchEvent(new MouseEvent('mouseout', {clientY: -1}))"


def says(shop: Shop, at: str = "exit", seconds: int = 0) -> None:
    alert = variant("leaving", "basket-kept", token="t-leaving")
    shop.says({"leaving": alert | {"opens": {"at": at, "seconds": seconds}}})


def is_open(page: Page) -> bool:
    return page.is_visible("hem-slot[name=leaving] .hem-alert")


def left(page: Page) -> bool:
    """The pointer leaves at the top; listeners are armed by a timer of their own."""
    page.evaluate(LEAVE)
    return is_open(page)


@pytest.mark.parametrize("close", ["Escape", ".hem-close"])
def test_it_opens_at_its_moment_counts_once_and_closes(
    close: str, shop: Shop, open_page: Open
) -> None:
    says(shop)
    page = open_page(ITEM)
    settled(page)
    assert not is_open(page)
    assert not shop.of("exposure")
    page.focus("[data-cart-add]")
    eventually(page, lambda: left(page))
    assert page.evaluate("document.activeElement.matches('[data-cart-add]')"), "it takes no focus"
    assert page.get_attribute("hem-slot[name=leaving]", "role") == "status"
    assert page.get_attribute(".hem-close", "aria-label") == "Close"
    eventually(page, lambda: shop.of("exposure"))
    page.focus(".hem-close")
    if close == "Escape":
        page.keyboard.press("Escape")
    else:
        page.click(close)
    assert not is_open(page)
    assert page.evaluate("document.activeElement.matches('[data-cart-add]')"), "focus goes back"
    (dismissed,) = eventually(page, lambda: shop.of("dismiss"))
    assert (dismissed["slot"], dismissed["token"]) == ("leaving", "t-leaving")
    assert not left(page), "once a page"
    (exposure,) = shop.of("exposure")
    assert (exposure["slot"], exposure["token"]) == ("leaving", "t-leaving")


@pytest.mark.parametrize(("at", "seconds"), [("load", 0), ("idle", 1)])
def test_it_opens_by_itself(at: str, seconds: int, shop: Shop, open_page: Open) -> None:
    says(shop, at, seconds)
    page = open_page(ITEM)
    eventually(page, lambda: is_open(page))


def test_with_global_privacy_control_nothing_is_sent(shop: Shop, open_page: Open) -> None:
    says(shop, "load")
    quiet = "Object.defineProperty(navigator, 'globalPrivacyControl', {value: true});"
    page = open_page(ITEM, prepare=quiet)
    eventually(page, lambda: is_open(page))
    page.keyboard.press("Escape")
    assert not is_open(page)
    assert not shop.events


def test_what_is_not_told_when_to_open_stays_hidden(shop: Shop, open_page: Open) -> None:
    shop.says({"leaving": variant("leaving", "basket-kept")})
    page = open_page(ITEM)
    settled(page)
    assert not left(page)
