"""Your data, on the whole running stack: what a person sees there, and what each choice does to the rows."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.harness.browsing import PATIENT, RECORD, eventually, settled
from tests.harness.stack import READY, Stack
from workbench.demo.catalogue import by_id

pytestmark = [pytest.mark.browser, pytest.mark.cloud, pytest.mark.xdist_group("browser")]

VASES = ("reed-tall-vase-mustard", "heron-bottle-vase-oat", "marl-gourd-vase-moss")
SWITCH = "[data-purpose='personalisation']"

Device = Callable[..., Page]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Stack]:
    """A stocked shop of its own; the browser comes first, since it may be missing."""
    assert browser.is_connected()
    running = Stack(tmp_path_factory.mktemp("your-data"))
    try:
        running.wait_for(READY)
        yield running
    finally:
        running.stop()


@pytest.fixture
def device(browser: Browser) -> Iterator[Device]:
    """Opens a page on a device of its own; the context's options are arguments."""
    contexts: list[BrowserContext] = []

    def one(*, prepare: str = "", **options: Any) -> Page:
        contexts.append(
            browser.new_context(**{"viewport": {"width": 1440, "height": 1000}} | options)
        )
        contexts[-1].add_init_script(RECORD + PATIENT + prepare)
        return contexts[-1].new_page()

    yield one
    for context in contexts:
        context.close()


def looked_at_vases(page: Page, stack: Stack) -> None:
    for vase in VASES:
        # Who leaves before the first answer has no id yet, and is somebody else on the next page.
        with page.expect_response("**/v1/events"):
            page.goto(f"{stack.url}/item/{vase}")
        settled(page)
    eventually(page, lambda: looks(opened(page, stack)) == len(VASES), tries=60)


def opened(page: Page, stack: Stack) -> Page:
    page.goto(stack.url + "/your-data")
    return drawn(page)


def drawn(page: Page) -> Page:
    settled(page)
    eventually(page, lambda: "moment" not in page.inner_text("[data-who]"))
    return page


def looks(page: Page) -> int:
    return int(page.text_content("[data-kind='engaged'] [data-count]") or 0)


def kept(page: Page) -> list[str]:
    """Everything that is listed as looked at or bought."""
    found: list[str] = page.eval_on_selector_all(
        "[data-kind]:not([data-kind='shown']) .act__what", "els => els.map(e => e.textContent)"
    )
    return found


def row(page: Page) -> list[str]:
    found: list[str] = page.eval_on_selector_all(
        "#for-you .hem-card", "els => els.map(e => e.dataset.item)"
    )
    return found


def personal(page: Page) -> list[str]:
    """The row of a page that says it is theirs; a busy machine may first answer from a lower rung."""

    def made() -> bool:
        if "Chosen for you" in page.inner_text("[data-now]"):
            return True
        page.reload()
        drawn(page)
        return False

    eventually(page, made, tries=40)
    return row(page)


def common(page: Page) -> list[str]:
    """The row of a page, once it says that it is not made from what they did."""
    eventually(page, lambda: "Not made from" in page.inner_text("[data-now]"))
    return row(page)


def home(page: Page, stack: Stack) -> str:
    """What the front page's own row says."""
    page.goto(stack.url + "/")
    settled(page)
    return page.inner_text("#for-you")


def is_theirs(page: Page, stack: Stack) -> None:
    eventually(page, lambda: "Because you looked at" in home(page, stack), tries=40)


def becomes(page: Page, place: str, text: str) -> None:
    eventually(page, lambda: text in page.inner_text(place))


def cookies(page: Page) -> list[str]:
    return [cookie["name"] for cookie in page.context.cookies()]


def test_what_is_known_is_told_in_words_with_items_and_times(stack: Stack, device: Device) -> None:
    page = device()
    looked_at_vases(page, stack)
    page.click("[data-kind='engaged'] summary")
    assert set(kept(page)) == {by_id()[vase].title for vase in VASES}
    when = page.inner_text("[data-kind='engaged'] .act__when >> nth=0")
    assert re.fullmatch(r"Looked at, \d+ \w{3} \d{4}, \d\d:\d\d", when)
    assert "without a name" in page.inner_text("[data-who]")
    assert "The site's default" in page.inner_text(f".purpose:has({SWITCH})")
    with page.expect_download() as download:
        page.click("[data-download]")
    assert VASES[0] in Path(download.value.path()).read_text(encoding="utf-8")


def test_a_no_by_keyboard_is_felt_in_every_row_and_a_yes_brings_all_back(
    stack: Stack, device: Device
) -> None:
    page = device()
    looked_at_vases(page, stack)
    mine = personal(page)
    is_theirs(page, stack)

    opened(page, stack).focus(SWITCH)
    page.keyboard.press("Space")
    assert common(page) != mine
    assert eventually(page, lambda: "you, or somebody" in page.inner_text(".purposes").lower())
    assert page.inner_text("[data-said]") == "Personal rows: off."
    assert page.evaluate("document.activeElement.dataset.purpose") == "personalisation"
    assert "Because you looked at" not in home(page, stack)

    assert not opened(page, stack).is_checked(SWITCH)
    page.click(SWITCH)
    becomes(page, "[data-said]", "Personal rows: on.")
    assert personal(page) == mine
    is_theirs(page, stack)


def test_history_comes_along_to_another_device_and_goes_from_both_when_forgotten(
    stack: Stack, device: Device
) -> None:
    first, second = device(), device(viewport={"width": 390, "height": 844}, color_scheme="dark")
    looked_at_vases(first, stack)
    first.click("[data-sign-in='ada']")
    becomes(first, "[data-who]", "Ada, signed in")
    assert eventually(first, lambda: first.evaluate("'signOut' in document.activeElement.dataset"))

    assert not kept(opened(second, stack))
    before = common(second)
    second.click("[data-sign-in='ada']")
    becomes(second, "[data-who]", "Ada, signed in")
    assert personal(second) != before
    assert "2 devices" in second.inner_text("[data-who]")
    assert len(kept(second)) == len(VASES)
    is_theirs(second, stack)

    opened(second, stack).click("[data-forget]")
    assert "Ada, on every device" in second.inner_text("[data-ask]")
    second.keyboard.press("Escape")
    assert len(kept(opened(second, stack))) == len(VASES), "asked is not done"

    second.click("[data-forget]")
    second.click("[data-ask-yes]")
    becomes(second, "[data-said]", "You are forgotten.")
    assert common(second)
    told = second.inner_text("[data-after]")
    for words in ("Profile", "Links", "2 devices and your account", "next sweeps", "next edition"):
        assert words in told
    assert second.evaluate("'after' in document.activeElement.dataset")
    assert "tt_session" not in cookies(second)
    assert not kept(opened(second, stack))
    assert "Because you looked at" not in home(second, stack)

    assert not kept(opened(first, stack))
    assert common(first)


def test_signing_out_leaves_the_device_what_it_knew_and_the_next_person_does_not_get_it(
    stack: Stack, device: Device
) -> None:
    page = device()
    looked_at_vases(page, stack)
    page.click("[data-sign-in='jun']")
    becomes(page, "[data-who]", "Jun")
    page.click("[data-sign-out]")
    becomes(page, "[data-who]", "without a name")
    assert looks(page) == len(VASES)
    page.click("[data-sign-in='mira']")
    becomes(page, "[data-who]", "Mira")
    assert common(page)
    assert not kept(page)


def test_a_browser_that_opts_out_is_told_so_and_every_switch_is_off(
    stack: Stack, device: Device
) -> None:
    opts_out = "Object.defineProperty(navigator, 'globalPrivacyControl', { value: true });"
    page = device(prepare=opts_out, extra_http_headers={"Sec-GPC": "1"})
    page.goto(f"{stack.url}/item/{VASES[0]}")
    settled(page)
    opened(page, stack)
    assert "Global Privacy Control" in page.inner_text("[data-signal]")
    assert common(page)
    page.click("[data-sign-in='mira']")
    becomes(page, "[data-who]", "Mira")
    assert "Your browser opts out of it" in page.inner_text(".purposes")
    assert page.locator("[data-purpose]:checked, [data-purpose]:enabled").count() == 0
    assert not kept(page)


def test_where_silence_is_a_no_a_first_yes_is_where_it_begins(
    tmp_path: Path, device: Device
) -> None:
    page, shop = device(), Stack(tmp_path, "--ask-first")
    try:
        shop.wait_for(READY)
        for vase in VASES:
            page.goto(f"{shop.url}/item/{vase}")
            settled(page)
        assert common(opened(page, shop))
        assert not cookies(page)
        eventually(page, lambda: page.is_enabled(SWITCH))
        page.click(SWITCH)
        becomes(page, "[data-who]", "without a name")
        assert page.is_checked(SWITCH)
        assert not kept(page), "what came before the yes was never kept"
        looked_at_vases(page, shop)
        assert personal(page)
    finally:
        shop.stop()
