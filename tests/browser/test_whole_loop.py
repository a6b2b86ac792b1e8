"""The shop on the whole running stack: the ranking finds what its visitors like, and what you like."""

import json
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from hemline.runtime.identity import sign_visitor
from tests.harness.browsing import PATIENT, RECORD, eventually, settled
from tests.harness.stack import READY, Stack
from workbench.demo.catalogue import by_id, in_category
from workbench.demo.simulator import history, visitors_of
from workbench.demo.tastes import taste, utility
from workbench.laptop import Running

pytestmark = [pytest.mark.browser, pytest.mark.cloud, pytest.mark.xdist_group("browser")]


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shop")


@pytest.fixture(scope="module")
def stack(state: Path, browser: Browser) -> Iterator[Stack]:
    """A stocked shop on a state folder of its own; the browser comes first, since it may be missing."""
    running = Stack(state)
    try:
        running.wait_for(READY)
        yield running
    finally:
        running.stop()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    context.add_init_script(RECORD + PATIENT)
    yield context.new_page()
    context.close()


def opened(page: Page, url: str) -> None:
    page.goto(url)
    assert settled(page) == [""]


def row(page: Page) -> list[str]:
    found: list[str] = page.eval_on_selector_all(
        "#for-you .hem-card", "els => els.map(e => e.dataset.item)"
    )
    return found


def rung(page: Page) -> str:
    return page.locator(".panel__section", has_text="for-you").locator(".badge").first.inner_text()


def of_vases(names: list[str]) -> int:
    return sum(by_id()[name].categories[0] == "vases" for name in names)


def test_a_few_looks_at_vases_change_the_front_page(stack: Stack, page: Page) -> None:
    opened(page, stack.url + "/")
    page.click(".panel-toggle")
    before, first_rung = row(page), rung(page)
    assert first_rung in ("segment", "popular")

    for vase in in_category("vases")[:3]:
        opened(page, stack.url + "/category/vases")
        page.locator(f"#category [data-item='{vase.id}'] a").click()
        page.wait_for_url("**/item/" + vase.id)
        assert settled(page) == [""]
        eventually(page, lambda: page.locator(".panel__events code", has_text="view").count())

    def home_again() -> bool:
        # The last event is on its way through stream and fold, or comes with the capsule cookie.
        opened(page, stack.url + "/")
        return rung(page) == "model"

    eventually(page, home_again, tries=30)
    after = row(page)
    assert after != before
    assert of_vases(after) > of_vases(before)
    assert "Because you looked at" in page.inner_text(".panel")
    assert page.locator(".hem-content[data-variant='vases']").count() == 1

    page.click(".panel__close")
    opened(page, stack.url + "/")
    assert row(page)
    assert page.evaluate("recorded.shift") == 0


def shown(stack: Stack, slot: str, headers: dict[str, str]) -> list[str]:
    body = json.dumps({"slots": [{"name": slot}]}).encode()
    request = urllib.request.Request(stack.url + "/v1/fragments", data=body, headers=headers)
    with urllib.request.urlopen(request, timeout=30) as got:
        return [item["id"] for item in json.load(got)["fragments"][slot]["items"]]


def favourites(visitor: str, names: list[str]) -> float:
    return float(
        np.mean([by_id()[name].categories[0] in taste(visitor).favourites for name in names])
    )


def test_visitors_are_shown_more_of_what_they_like_than_the_bestsellers_hold(
    stack: Stack, state: Path
) -> None:
    keys = msgspec.json.decode((state / "run.json").read_bytes(), type=Running).keys.split(",")
    busy = Counter(str(event["visitor"]) for event in history(until=1_790_000_000_000))
    visitors = [name for name in visitors_of(7, 300) if busy[name] >= 15][:30]
    best = shown(stack, "bestsellers", {})
    places = [list(by_id()).index(name) for name in best]
    own, common, happier = [], [], []
    for visitor in visitors:
        signed = sign_visitor(visitor, (keys[0].encode(),))
        row = shown(stack, "for-you", {"Hemline-Visitor": signed})
        own.append(favourites(visitor, row))
        common.append(favourites(visitor, best))
        liked = utility(taste(visitor))
        mine = [list(by_id()).index(name) for name in row]
        happier.append(liked[mine].mean() > liked[places].mean())
    assert np.mean(own) > 1.5 * np.mean(common)
    assert np.mean(happier) > 0.8


def answers(page: Page) -> dict[str, str | None]:
    """Slot → the variant that the page was answered with."""
    found: dict[str, str | None] = page.evaluate(
        "Object.fromEntries(Object.entries(answered)"
        ".map(([slot, { variant }]) => [slot, variant?.name ?? null]))"
    )
    return found


def test_a_reminder_that_was_seen_does_not_come_again(stack: Stack, page: Page) -> None:
    page.add_init_script(
        "document.addEventListener('hemline:shown',"
        " ({ detail }) => (window.answered = detail.fragments ?? {}));"
    )
    opened(page, stack.url + "/item/orla-mug-sage")
    assert answers(page)["leaving"] is None, "there is nothing in the basket"
    page.click("[data-cart-add]")
    opened(page, stack.url + "/item/orla-teapot-sage")
    assert answers(page)["leaving"] == "basket-kept"
    reminder = page.locator("hem-slot[name=leaving] .hem-alert")

    def leaves() -> bool:
        page.evaluate("document.dispatchEvent(new MouseEvent('mouseout', { clientY: -1 }))")
        return reminder.is_visible()

    eventually(page, leaves)
    with page.expect_response("**/v1/events") as told:
        page.wait_for_timeout(1_100)  # what is in view for a second counts as seen
    assert told.value.status == 202
    opened(page, stack.url + "/cart")
    assert answers(page)["leaving"] is None, "the very next page knows that it was shown"
