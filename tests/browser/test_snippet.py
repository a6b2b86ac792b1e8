"""The snippet in a real browser: the page's own markup first, fragments when they come, nothing run."""

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import FloatRect, Page

from hemline.runtime.fragments.request import page_request_of
from tests.harness.browsing import Answer, Shop, eventually, settled
from tests.harness.shop_fragments import row, variant
from tests.unit.runtime.fragments.test_fragments_http import asked as posted
from workbench.demo import pages
from workbench.demo.catalogue import by_id

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

Open = Callable[..., Page]

VASES = [item.id for item in by_id().values() if item.categories[0] == "vases"][:8]
MUGS = [item.id for item in by_id().values() if item.categories[0] == "cups"][:8]
TITLES = "els => els.map(e => e.textContent)"


def titles(page: Page, slot: str) -> list[str]:
    found: list[str] = page.eval_on_selector_all(f"#{slot} .hem-card__title", TITLES)
    return found


def defaults() -> list[str]:
    return [item.title for item in pages.shelves()]


def test_without_javascript_every_slot_shows_its_default_content(
    shop: Shop, open_page: Open
) -> None:
    page = open_page("/", java_script_enabled=False)
    assert page.inner_text(".hem-headline") == "Small comforts, made slowly"
    assert page.locator(".hem-card").count() == 16
    assert page.locator(".panel-toggle").count() == 0
    assert not shop.asked


BAD: dict[str, Answer] = {
    "not found": (404, "application/problem+json", '{"title": "no such slot"}'),
    "broken": (500, "text/html", "<h1>oops</h1>"),
    "not JSON": (200, "application/json", "<h1>a proxy's page</h1>"),
    "half of it": (200, "application/json", '{"edition": "e", "fragments": {"for-you": {"ht'),
    "a list": (200, "application/json", "[]"),
    "null": (200, "application/json", "null"),
    "no fragments": (200, "application/json", '{"fragments": null}'),
    "numbers": (200, "application/json", '{"fragments": {"for-you": {"html": 42, "token": 1}}}'),
    "empty": (200, "application/json", '{"fragments": {}}'),
    "nothing to show": (200, "application/json", '{"fragments": {"for-you": {"html": ""}}}'),
    "no answer at all": None,
}


@pytest.mark.parametrize("name", BAD)
def test_whatever_the_api_does_the_default_content_stays(
    name: str, shop: Shop, open_page: Open
) -> None:
    shop.answer = BAD[name]
    page = open_page("/", patient=shop.answer is not None)
    settled(page)
    assert titles(page, "for-you") == defaults()
    assert page.inner_text(".hem-headline") == "Small comforts, made slowly"
    assert page.evaluate("recorded.shift") == 0


def test_an_api_that_is_down_leaves_the_page_as_it_is(shop: Shop, open_page: Open) -> None:
    page = open_page("/", prepare="window.fetch = () => Promise.reject(new TypeError('down'));")
    assert "down" in settled(page)[0]
    assert titles(page, "for-you") == defaults()


def test_an_answer_that_comes_too_late_is_not_waited_for(shop: Shop, open_page: Open) -> None:
    shop.answer = None
    page = open_page("/", patient=False)
    assert "TimeoutError" in settled(page)[0]


def test_one_request_fills_all_slots_of_the_page(shop: Shop, open_page: Open) -> None:
    shop.says({"for-you": row(VASES), "hero": variant("hero", "vases")})
    page = open_page("/")
    assert settled(page) == [""]
    assert titles(page, "for-you") == [by_id()[name].title for name in VASES]
    assert page.inner_text(".hem-headline") == "One branch is enough"
    (asked,) = shop.asked
    assert asked["format"] == "html"
    assert asked["page"] == {"type": "home", "url": "/", "cart": []}
    assert [slot["name"] for slot in asked["slots"]] == [
        "hero",
        "for-you",
        "bestsellers",
        "welcome-back",
    ]
    assert [slot.get("limit") for slot in asked["slots"]] == [None, 8, 8, None]


def test_nothing_is_sent_that_the_api_refuses(shop: Shop, open_page: Open) -> None:
    # Of a cart out of a session, and of a template with more slots than a call takes and one too long.
    shop.says({"for-you": row(VASES)})
    page = open_page("/", prepare=CART)
    settled(page)
    assert shop.asked[0]["page"]["cart"] == ["7", "orla-mug-sage", "a b"]
    page.evaluate(MANY)
    eventually(page, lambda: sum(len(asked["slots"]) for asked in shop.asked[1:]) == 45)
    more = shop.asked[1:]
    assert sorted(len(asked["slots"]) for asked in more) == [5, 20, 20]
    assert {"name": "many-0", "limit": 50} in [slot for asked in more for slot in asked["slots"]]
    for asked in shop.asked:
        found = page_request_of(posted("POST", json.dumps(asked)))
        assert {error.field for error in found.left_out} <= {"page.cart"}


CART = """
const kept = { get cart() { return [7, "orla-mug-sage", "a b"]; }, set cart(_) {} };
Object.defineProperty(window, "hemline", { get: () => kept, set: () => {} });
"""
"""The shop's own script would put its own there."""
MANY = """() => {
    for (let n = -1; n < 45; n++) {
        const slot = document.createElement("hem-slot");
        if (n >= 0) slot.setAttribute("name", "many-" + n);
        if (!n) slot.innerHTML = "<p data-item=a></p>".repeat(60);
        document.querySelector("main").append(slot);
    }
}"""
TWINS = """() => {
    for (const _ of [1, 2]) {
        const slot = document.createElement("hem-slot");
        slot.setAttribute("name", "twin");
        document.body.append(slot);
    }
}"""


def test_a_slot_that_stands_twice_is_asked_for_once_and_filled_twice(
    shop: Shop, open_page: Open
) -> None:
    page = open_page("/")
    settled(page)
    shop.says({"twin": row(VASES)})
    page.evaluate(TWINS)
    eventually(page, lambda: page.locator("[name=twin] .hem-card").count() == 2 * len(VASES))
    assert [slot["name"] for slot in shop.asked[-1]["slots"]] == ["twin"]


def place(page: Page, selector: str) -> FloatRect | None:
    return page.locator(selector).bounding_box()


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("shown", [VASES, VASES[:2]], ids=["full row", "short row"])
def test_nothing_moves_when_fragments_come(
    width: int, shown: list[str], shop: Shop, open_page: Open
) -> None:
    viewport = {"width": width, "height": 1600}
    before = place(open_page("/", viewport=viewport, java_script_enabled=False), "#departments")
    shop.says({"for-you": row(shown), "hero": variant("hero", "candles")})
    page = open_page("/", viewport=viewport)
    assert settled(page) == [""]
    assert place(page, "#departments") == before
    assert page.evaluate("recorded.shift") == 0


def test_the_test_above_would_see_it_if_something_moved(shop: Shop, open_page: Open) -> None:
    shop.says({"for-you": row(VASES[:2])})
    blind = "Element.prototype.getBoundingClientRect = () => ({ height: 0 });"
    page = open_page("/", viewport={"width": 1440, "height": 1600}, prepare=blind)
    assert settled(page) == [""]
    assert eventually(page, lambda: page.evaluate("recorded.shift") > 0)


def test_a_slot_in_use_is_left_alone(shop: Shop, open_page: Open) -> None:
    shop.says({"for-you": row(VASES)})
    focus = (
        "addEventListener('DOMContentLoaded', () => document.querySelector('#for-you a').focus());"
    )
    page = open_page("/", prepare=focus)
    assert settled(page) == [""]
    assert titles(page, "for-you") == defaults()


HOSTILE = """<h2 onclick="pwned=1">Title</h2><script>window.pwned = 1</script>
<img src="x" onerror="window.pwned = 1"><svg onload="window.pwned = 1"><script>pwned=1</script></svg>
<iframe srcdoc="<script>parent.pwned = 1</script>"></iframe><style>body { display: none }</style>
<a href="javascript:window.pwned = 1">run</a><a href="  JaVa\tScript:pwned=1">run</a>
<form action="/v1/events"><input name="x"></form><object data="/x"></object><math><mi>x</mi></math>
<ul class="hem-list"><li class="hem-card" data-item="a"><span class="hem-card__title">{title}</span>
</li></ul>"""
AS_TEXT = "<img src=x onerror='window.pwned=1'><script>window.pwned=1</script>"


def hostile() -> dict[str, object]:
    escaped = AS_TEXT.replace("<", "&lt;").replace(">", "&gt;")
    return row(VASES) | {"html": HOSTILE.replace("{title}", escaped)}


@pytest.mark.parametrize("csp", [True, False], ids=["strict CSP", "no CSP"])
def test_nothing_in_a_fragment_ever_runs(*, csp: bool, shop: Shop, open_page: Open) -> None:
    shop.csp = csp
    shop.says({"for-you": hostile()})
    page = open_page("/")
    assert settled(page) == [""]
    assert page.inner_text("#for-you .hem-card__title") == AS_TEXT
    page.click("#for-you a >> nth=0")
    done = "[...document.querySelectorAll('#for-you img')].every(i => i.complete)"
    eventually(page, lambda: page.evaluate(done))
    assert page.evaluate("window.pwned") is None
    left = page.eval_on_selector_all("#for-you *", "els => els.map(e => e.localName)")
    assert set(left) <= {"h2", "img", "a", "ul", "li", "span"}
    names = page.eval_on_selector_all(
        "#for-you *", "els => els.flatMap(e => [...e.attributes].map(a => a.name))"
    )
    assert not [name for name in names if name.startswith("on")]
    assert page.locator("#for-you a[href]").count() == 0
    assert page.is_visible("body")


def test_the_test_above_would_see_it_if_something_ran(shop: Shop, open_page: Open) -> None:
    shop.csp = False
    page = open_page("/")
    settled(page)
    page.evaluate("html => { document.querySelector('#for-you').innerHTML = html; }", HOSTILE)
    assert eventually(page, lambda: page.evaluate("window.pwned"))


def test_a_visitor_with_global_privacy_control_is_not_observed(shop: Shop, open_page: Open) -> None:
    shop.says({"goes-well-with": row(MUGS[:4])})
    signal = (
        "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', { get: () => true });"
    )
    page = open_page("/item/orla-teapot-sage", prepare=signal)
    page.context.add_cookies([{"name": "hem_v", "value": "someone", "url": shop.url}])
    page.reload()
    assert settled(page) == [""]
    assert titles(page, "goes-well-with") == [by_id()[name].title for name in MUGS[:4]]
    page.click("[data-cart-add]")
    page.click("#goes-well-with .hem-card a")
    page.wait_for_url("**/item/" + MUGS[0])
    settled(page)
    assert not shop.events
    assert len(shop.cookies) >= 3
    assert not any(shop.cookies)


def test_fragments_are_asked_for_with_the_visitors_cookie(shop: Shop, open_page: Open) -> None:
    page = open_page("/")
    page.context.add_cookies([{"name": "hem_v", "value": "someone", "url": shop.url}])
    page.reload()
    settled(page)
    assert shop.cookies[-1] == {"hem_v": "someone"}
