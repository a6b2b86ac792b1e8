"""Pages that nobody looks at yet, or looks at again: drawn ahead, hidden, kept by the back button.

Chromium draws ahead, and keeps pages for the back button, only while nobody drives it. So these pages
run scripts of their own, in a browser that is only started.
"""

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.browser.test_events import CROSSED, exposures, scroll
from tests.harness.browsing import Shop, eventually, patiently, plain, settled
from tests.harness.shop_fragments import row, variant
from workbench.demo.catalogue import by_id

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

Open = Callable[..., Page]
Surf = Callable[[str], None]
ITEMS = [item.id for item in by_id().values()][40:44]
SLOTS = """<style>img { width: 20px; height: 20px }</style>
<hem-slot name="for-you"></hem-slot><hem-slot name="leaving" hidden></hem-slot>"""
SAY = """<script>const say = (body) => fetch("/said", { method: "POST", body, keepalive: true });
const heard = async (text) => (await (await fetch("/said")).json()).includes(text);</script>"""
ALERT = """<script>new MutationObserver(([one]) => one.target.hidden || say("alert is open"))
.observe(document.querySelector("[name=leaving]"), { attributeFilter: ["hidden"] })</script>"""
AHEAD = json.dumps(
    {"prerender": [{"source": "list", "urls": ["/plain/item"], "eagerness": "immediate"}]}
)
# A page that is drawn ahead says so after its own timers had their time; then it is gone to.
HOME = f"""{SAY}<script type="speculationrules">{AHEAD}</script>
<script>setInterval(async () => await heard("go") && location.assign("/plain/item"), 100);</script>"""
DRAWN = """<script>if (document.prerendering) setTimeout(say, 3000, "drawn ahead");
document.addEventListener("prerenderingchange", () => say("visited"));
addEventListener("load", () => hemline.send("page"));</script>"""


@pytest.fixture
def filled(shop: Shop) -> Shop:
    alert = variant("leaving", "basket-kept", token="t-leaving")
    opens = alert | {"opens": {"at": "load", "seconds": 0}}
    shop.says({"for-you": row(ITEMS, token="t-for-you"), "leaving": opens})
    return shop


def purpose(shop: Shop, path: str) -> list[str]:
    return [head.get("sec-purpose", "") for called, head in shop.heads if called == path]


def test_a_page_that_is_drawn_ahead_counts_when_it_is_visited_and_once(
    filled: Shop, surf: Surf
) -> None:
    filled.pages["/plain/home"] = plain(HOME)
    filled.pages["/plain/item"] = plain(SAY + SLOTS + ALERT + DRAWN, item=ITEMS[0])
    surf("/plain/home")
    patiently(lambda: "drawn ahead" in filled.said)
    assert not filled.events, "nobody was there"
    assert "alert is open" not in filled.said
    assert "prerender" in purpose(filled, "/v1/fragments")[-1], "its fragments are there already"
    filled.said.append("go")
    patiently(lambda: "visited" in filled.said)
    patiently(lambda: len(filled.of("exposure")) == 2 and filled.of("page"))
    assert [event["item"] for event in filled.of("view")] == [ITEMS[0]]
    assert {event["token"] for event in filled.of("exposure")} == {"t-for-you", "t-leaving"}
    assert "alert is open" in filled.said
    assert not any(purpose(filled, "/v1/events"))


def test_the_test_above_would_see_it_if_such_a_page_counted(filled: Shop, surf: Surf) -> None:
    blind = "<script>for (const name of ['prerendering', 'hidden'])"
    blind += " Object.defineProperty(document, name, { get: () => false })</script>"
    filled.pages["/plain/home"] = plain(HOME)
    filled.pages["/plain/item"] = plain(SAY + SLOTS + ALERT, item=ITEMS[0]).replace(
        "<body>", "<body>" + blind
    )
    surf("/plain/home")
    patiently(lambda: filled.of("view"))
    assert "prerender" in purpose(filled, "/v1/events")[0]


# There and back again; a page that comes back was not made anew.
THERE = """<script>let seen = 0;
addEventListener("pageshow", ({ persisted }) => {
    say(persisted ? "back" : "made");
    if (persisted) setTimeout(say, 3000, "rested");
});
document.addEventListener("hemline:sent", ({ detail }) => {
    if (detail.type === "exposure" && ++seen === 2) setTimeout(() => location.assign("/plain/other"), 200);
});</script>"""
OTHER = "<title>other</title><script>setTimeout(() => history.back(), 500)</script>"


def test_a_page_that_the_back_button_brings_back_is_viewed_again_and_seen_once(
    filled: Shop, surf: Surf
) -> None:
    filled.pages["/plain/other"] = OTHER
    filled.pages["/plain/item"] = plain(SAY + SLOTS + ALERT + THERE, item=ITEMS[0])
    surf("/plain/item")
    patiently(lambda: "rested" in filled.said)
    assert [said for said in filled.said if said in {"made", "back"}] == ["made", "back"]
    patiently(lambda: len(filled.of("view")) == 2)
    first, second = filled.of("view")
    assert first["item"] == second["item"]
    assert first["id"] != second["id"]
    assert len(filled.of("exposure")) == 2, "one decision was seen, however often one comes back"
    assert filled.said.count("alert is open") == 1
    assert len(filled.asked) == 1


HIDE = """away => { Object.defineProperty(document, "hidden", { get: () => away, configurable: true });
    document.dispatchEvent(new Event("visibilitychange")); }"""


def test_a_second_in_view_is_one_without_a_break(filled: Shop, open_page: Open) -> None:
    filled.says({"bestsellers": row(ITEMS, token="t-best")})
    page = open_page("/", clock=True)
    assert settled(page) == [""]
    page.clock.pause_at(page.evaluate("Date.now()") + 60_000)
    scroll(page, "#bestsellers .hem-card")
    page.evaluate(CROSSED, arg=True)
    page.clock.run_for(700)
    page.evaluate(HIDE, arg=True)
    page.evaluate(HIDE, arg=False)
    page.evaluate(CROSSED, arg=True)
    page.clock.run_for(700)
    page.evaluate("hemline.send('custom', { properties: { mark: 1 } })")
    eventually(page, lambda: filled.of("custom"))
    assert not exposures(filled, "bestsellers")
    page.clock.run_for(1_000)
    assert eventually(page, lambda: exposures(filled, "bestsellers"))


@pytest.mark.parametrize("at", ["load", "idle"])
def test_an_alert_does_not_open_where_nobody_looks(at: str, shop: Shop, open_page: Open) -> None:
    alert = variant("leaving", "basket-kept", token="t-leaving")
    shop.says({"leaving": alert | {"opens": {"at": at, "seconds": 5}}})
    hide = "Object.defineProperty(document, 'hidden', { get: () => true, configurable: true });"
    page = open_page("/item/orla-mug-sage", clock=True, prepare=hide)
    settled(page)
    opened = "hem-slot[name=leaving] .hem-alert"
    page.clock.pause_at(page.evaluate("Date.now()") + 60_000)
    page.clock.run_for(60_000)
    assert not page.is_visible(opened)
    page.evaluate(HIDE, arg=False)
    page.clock.run_for(4_000)
    assert not page.is_visible(opened), "its seconds begin when somebody looks"
    page.clock.run_for(2_000)
    assert page.is_visible(opened)


def test_what_was_seen_last_leaves_with_the_page(filled: Shop, open_page: Open) -> None:
    page = open_page("/", clock=True)
    settled(page)
    page.clock.pause_at(page.evaluate("Date.now()") + 60_000)
    scroll(page, "#for-you .hem-card")
    page.evaluate(CROSSED.replace("#bestsellers", "#for-you"), arg=True)
    page.clock.run_for(1_010)  # seen, and neither reported nor sent
    assert not exposures(filled, "for-you")
    page.evaluate(HIDE, arg=True)
    assert eventually(page, lambda: exposures(filled, "for-you"))
