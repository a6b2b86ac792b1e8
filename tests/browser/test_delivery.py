"""How events reach the API when they are large, refused, or the line is down: none blocks the others."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route

from tests.harness.browsing import Shop, eventually, settled
from tests.harness.shop_fragments import row
from workbench.demo.catalogue import by_id

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

Open = Callable[..., Page]
KEPT_ALIVE = 64 * 1024
"""Bytes that all requests of a page which outlive it may have together."""
LARGE = """length => hemline.send("purchase", { currency: "GBP", value: 500,
    lines: Array.from({ length }, (_, n) => ({ item: n + "x".repeat(110), quantity: 1, price: 1 })) })"""
EXPOSURES = """count => { for (let n = 0; n < count; n++)
    hemline.send("exposure", { slot: "for-you", token: "t".repeat(900), properties: { position: 1, n } }) }"""
# What the snippet says that it gave up; how long it waits before it tries again, each wait cut short.
DROPPED = """window.dropped = [];
document.addEventListener("hemline:dropped", ({ detail }) => dropped.push(detail));"""
QUICK = """{ const real = setTimeout; window.waits = [];
window.setTimeout = (run, wait, ...more) => {
    if (run.name !== "flush" || wait <= 300) return real(run, wait, ...more);
    waits.push(wait);
    return waits.length < (window.enough ?? 12) ? real(run, 1, ...more) : 1;
}; }"""
HIDE = """away => { Object.defineProperty(document, "hidden", { get: () => away, configurable: true });
    document.dispatchEvent(new Event("visibilitychange")); }"""


def types(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in events]


@pytest.fixture
def page(shop: Shop, open_page: Open) -> Page:
    found = open_page("/", prepare=DROPPED + QUICK)
    settled(found)
    return found


def held(page: Page) -> list[Route]:
    """The next call with events, once it was made; it gets no answer by itself."""
    found: list[Route] = []

    def hold(route: Route) -> None:
        found.append(route)

    page.route("**/v1/events", hold, times=1)
    return found


def dropped(page: Page) -> list[tuple[Any, list[str]]]:
    told = page.evaluate("dropped")
    return [(one["reason"], types(one["events"])) for one in told]


def test_an_event_above_64_kib_arrives_and_holds_up_nothing_behind_it(
    shop: Shop, page: Page
) -> None:
    page.evaluate(LARGE, 500)
    page.evaluate("hemline.send('view', { item: 'birch-mug-rose' })")
    eventually(page, lambda: len(shop.events) == 2)
    assert types(shop.events) == ["purchase", "view"]
    assert shop.sizes[0] > KEPT_ALIVE


def test_what_gathered_while_the_line_was_down_goes_in_parts_that_fit(
    shop: Shop, page: Page
) -> None:
    page.context.set_offline(True)
    page.evaluate(EXPOSURES, 90)
    eventually(page, lambda: page.evaluate("waits.length"))
    page.context.set_offline(False)
    eventually(page, lambda: len(shop.events) == 90)
    assert [event["properties"]["n"] for event in shop.events] == list(range(90))
    assert len(shop.sizes) > 1
    assert max(shop.sizes) <= KEPT_ALIVE // 2, "one may wait for its answer while another leaves"


def test_the_line_is_tried_at_once_when_it_is_back(shop: Shop, page: Page) -> None:
    page.evaluate("window.enough = 0")  # no wait ever ends
    page.context.set_offline(True)
    page.evaluate("hemline.send('app_open')")
    eventually(page, lambda: page.evaluate("waits.length"))
    page.context.set_offline(False)
    assert types(eventually(page, lambda: shop.events)) == ["app_open"]


def test_503_without_end_is_asked_ever_less_often_and_fills_no_memory(
    shop: Shop, page: Page
) -> None:
    shop.judge = lambda _: 503
    page.evaluate("hemline.send('purchase', { item: 'a' })")
    page.evaluate(EXPOSURES, 150)
    waits = eventually(page, lambda: (found := page.evaluate("waits"))[11:] and found)
    caps = [min(2 ** (n + 1), 64) * 1000 for n in range(12)]
    assert all(cap / 2 <= wait <= cap for wait, cap in zip(waits, caps, strict=True)), waits
    page.evaluate("for (let n = 0; n < 30; n++) hemline.send('custom', {})")
    asked = len(shop.sizes)
    told = dropped(page)
    assert {reason for reason, _ in told} == {"queue"}
    assert {kind for _, kinds in told for kind in kinds} == {"exposure"}, "what is worth least goes"
    shop.judge = lambda _: 0
    page.evaluate("dispatchEvent(new Event('online'))")
    eventually(page, lambda: len(shop.events) == 99)
    assert sum(len(kinds) for _, kinds in dropped(page)) == 1 + 150 + 30 - 99
    assert types(shop.events).count("custom") == 30
    assert "purchase" in types(shop.events)
    assert asked == 12, "events that come while one waits are no reason to ask"


@pytest.mark.parametrize("status", [400, 413])
def test_one_event_that_a_call_is_refused_for_costs_itself_alone(
    status: int, shop: Shop, page: Page
) -> None:
    shop.judge = lambda events: status if any(event.get("item") == "bad" for event in events) else 0
    page.context.set_offline(True)
    for item in ("a", "b", "bad", "c", "d", "e"):
        page.evaluate("item => hemline.send('view', { item })", item)
    page.context.set_offline(False)
    eventually(page, lambda: len(shop.events) == 5)
    assert [event["item"] for event in shop.events] == ["a", "b", "c", "d", "e"]
    assert dropped(page) == [(status, ["view"])]


def test_a_refusal_that_accounts_for_every_event_is_not_asked_again(shop: Shop, page: Page) -> None:
    told = '{"status": 400, "accepted": 0, "rejected": [{"index": 0}, {"index": 1}]}'

    def refuse(route: Route) -> None:
        asked.append(1)
        route.fulfill(status=400, body=told, content_type="application/problem+json")

    asked: list[int] = []
    page.route("**/v1/events", refuse)
    page.evaluate(EXPOSURES, 2)
    eventually(page, lambda: dropped(page))
    page.unroute("**/v1/events")
    page.evaluate("hemline.send('app_open')")
    eventually(page, lambda: shop.of("app_open"))
    assert (len(asked), dropped(page)) == (1, [(400, ["exposure", "exposure"])])


def test_an_event_that_is_no_json_is_its_callers_mistake_alone(shop: Shop, page: Page) -> None:
    page.context.set_offline(True)
    page.evaluate("hemline.send('view', { item: 'a' })")
    thrown = "try { hemline.send('custom', { value: 1n }) } catch (error) { error.name }"
    assert page.evaluate(thrown) == "TypeError"
    page.context.set_offline(False)
    eventually(page, lambda: shop.of("view"))


def test_an_answer_that_never_comes_holds_up_nothing(shop: Shop, open_page: Open) -> None:
    soon = "{ const real = AbortSignal.timeout; AbortSignal.timeout = ms => real.call(AbortSignal, ms / 50) }"
    page = open_page("/", prepare=QUICK + soon, patient=False)
    settled(page)
    hung = held(page)
    page.evaluate("hemline.send('view', { item: 'a' })")
    page.evaluate("hemline.send('view', { item: 'b' })")
    eventually(page, lambda: len(shop.events) == 2)
    assert len(hung) == 1
    assert [event["item"] for event in shop.events] == ["a", "b"]


def test_what_a_hidden_tab_sends_is_sent_until_it_is_stored(shop: Shop, page: Page) -> None:
    page.evaluate(HIDE, arg=True)
    shop.refuses = [503]
    page.evaluate("hemline.send('purchase', { item: 'a' })")
    (bought,) = eventually(page, lambda: shop.of("purchase"))
    assert shop.refused == [bought]


def test_a_tab_that_is_hidden_while_nothing_is_stored_loses_nothing(shop: Shop, page: Page) -> None:
    page.evaluate("window.enough = 0")
    shop.refuses = [503, 503]
    page.evaluate("hemline.send('purchase', { item: 'a' })")
    eventually(page, lambda: page.evaluate("waits.length"))
    page.evaluate(HIDE, arg=True)  # a beacon, which nobody hears the answer of
    eventually(page, lambda: len(shop.refused) == 2)
    page.evaluate("dispatchEvent(new Event('online'))")
    (bought,) = eventually(page, lambda: shop.of("purchase"))
    assert [event["id"] for event in shop.refused] == [bought["id"]] * 2


def test_what_is_too_large_for_a_beacon_is_sent_while_the_hidden_page_lives(
    shop: Shop, page: Page
) -> None:
    hold = held(page)
    page.evaluate("hemline.send('app_open')")  # and what comes behind waits
    eventually(page, lambda: hold)
    page.evaluate(LARGE, 500)
    page.evaluate("hemline.send('view', { item: 'a' })")
    page.evaluate(HIDE, arg=True)
    hold[0].continue_()
    eventually(page, lambda: len(shop.events) == 3)
    assert sorted(types(shop.events)) == ["app_open", "purchase", "view"]


def test_a_clock_that_is_set_back_puts_no_click_before_its_exposure(shop: Shop, page: Page) -> None:
    page.evaluate("hemline.send('custom', { properties: { n: 1 } })")
    page.evaluate("{ const then = Date.now() - 36e5; Date.now = () => then; }")
    page.evaluate("hemline.send('custom', { properties: { n: 2 } })")
    eventually(page, lambda: len(shop.events) == 2)
    first, second = (event["time"] for event in shop.events)
    assert first <= second


NO_STORAGE = {
    "forbidden": "for (const name of ['localStorage', 'sessionStorage']) Object.defineProperty(window, name,"
    " { get() { throw new DOMException('denied', 'SecurityError') } });",
    "full": "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError') };",
}


@pytest.mark.parametrize("name", NO_STORAGE)
def test_storage_that_is_full_or_forbidden_costs_nothing(
    name: str, shop: Shop, open_page: Open
) -> None:
    names = [item.id for item in by_id().values()][:8]
    shop.says({"for-you": row(names)})
    page = open_page("/", prepare=NO_STORAGE[name])
    failed: list[str] = []
    page.on("pageerror", lambda error: failed.append(str(error)))
    assert settled(page) == [""]
    assert page.locator("#for-you .hem-card").count() == 8
    page.goto(shop.url + "/item/orla-mug-sage")
    page.click("[data-cart-add]")
    eventually(page, lambda: shop.of("add_to_cart"))
    assert not failed
