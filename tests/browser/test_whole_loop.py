"""The shop on the whole running stack: look at things of one department, come home, see it change."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.support.browsing import RECORD, eventually, settled
from tests.support.stack import READY, Stack
from workbench.demo.catalogue import by_id, in_category

pytestmark = [pytest.mark.browser, pytest.mark.cloud, pytest.mark.xdist_group("browser")]


@pytest.fixture
def stack(tmp_path: Path, browser: Browser) -> Iterator[Stack]:
    """A stocked shop on a state folder of its own; the browser comes first, since it may be missing."""
    running = Stack(tmp_path)
    try:
        running.wait_for(READY)
        yield running
    finally:
        running.stop()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    # A busy machine may be slow: here the page waits for as long as it takes.
    context.add_init_script(RECORD + "AbortSignal.timeout = () => new AbortController().signal;")
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

    eventually(page, home_again)
    after = row(page)
    assert after != before
    assert of_vases(after) > of_vases(before)
    assert "Because you looked at" in page.inner_text(".panel")
    assert page.locator(".hem-content[data-variant='vases']").count() == 1

    page.click(".panel__close")
    opened(page, stack.url + "/")
    assert row(page)
    assert page.evaluate("recorded.shift") == 0
