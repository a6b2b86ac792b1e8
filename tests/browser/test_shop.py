"""The shop as people meet it: the panel, the keyboard, contrast in both themes, the returning visitor."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.harness.browsing import Shop, eventually, settled
from tests.harness.shop_fragments import row, variant
from workbench.demo.catalogue import by_id
from workbench.demo.pages import site

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

Open = Callable[..., Page]

VASES = [item.id for item in by_id().values() if item.categories[0] == "vases"][:8]
PATHS = ("/", "/category/teapots", "/item/orla-teapot-sage", "/cart", "/your-data", "/item/nothing")

# [[selector, contrast ratio], …] of every text that can be seen, against the nearest painted ground.
CONTRAST = """
() => {
  const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgb = (colour) => {
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data];
  };
  const light = (colour) => rgb(colour).slice(0, 3)
    .map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
  const ground = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const { backgroundColor } = getComputedStyle(at);
      if (rgb(backgroundColor)[3] > 200) return backgroundColor;
    }
    return "#fff";
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !node.checkVisibility({ visibilityProperty: true })) continue;
    if (node.closest("noscript, svg")) continue;
    const [one, two] = [light(getComputedStyle(node).color), light(ground(node))].sort((a, b) => b - a);
    found.push([node.className || node.localName, (one + 0.05) / (two + 0.05)]);
  }
  return found;
}
"""


# The lowest contrast of these texts against the part of the picture that lies under words; in dark
# mode pictures are dimmed.
WORST = """
async ([texts, dim]) => {
  const image = document.querySelector(".hem-image");
  await image.decode();
  const canvas = Object.assign(document.createElement("canvas"), { width: 150, height: 64 });
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0, 150, 64);
  const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  let worst = 99;
  for (const text of texts) {
    const { color } = getComputedStyle(document.querySelector(text));
    const word = light(color.match(/\\d+/g).map((c) => c / 255));
    for (let x = 6; x < 50; x += 2) for (let y = 12; y < 46; y += 2) {
      const wall = light([...context.getImageData(x, y, 1, 1).data].map((c) => (c / 255) * dim));
      worst = Math.min(worst, (Math.max(word, wall) + 0.05) / (Math.min(word, wall) + 0.05));
    }
  }
  return worst;
}
"""


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_its_ground(
    path: str, scheme: str, shop: Shop, open_page: Open
) -> None:
    shop.says({"for-you": row(VASES), "bestsellers": row(VASES)})
    page = open_page(path, color_scheme=scheme)
    found = page.evaluate(CONTRAST)
    assert len(found) > 20
    assert not [(name, round(ratio, 2)) for name, ratio in found if ratio < 4.5]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_every_opening_picture(
    scheme: str, shop: Shop, open_page: Open
) -> None:
    page = open_page("/", color_scheme=scheme)
    settled(page)
    texts, dim = [".hem-headline", ".hem-text"], 0.9 if scheme == "dark" else 1
    for name in [v.name for v in site().slots[0].variants]:
        put = "html => { document.querySelector('.hero').innerHTML = html; }"
        page.evaluate(put, variant("hero", name)["html"])
        assert page.evaluate(WORST, [texts, dim]) >= 4.5, name


@pytest.mark.parametrize("path", PATHS)
def test_no_page_scrolls_sideways(path: str, shop: Shop, open_page: Open) -> None:
    page = open_page(path)
    for width in (320, 390, 768, 1440):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_pages_ask_nobody_else_and_break_no_policy_of_their_own(
    shop: Shop, open_page: Open
) -> None:
    shop.says({"for-you": row(VASES), "hero": variant("hero", "lamps")})
    page = open_page("/")
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    for path in PATHS[:-1]:
        page.goto(shop.url + path)
        settled(page)
    assert not said
    assert asked
    assert all(url.startswith(shop.url) for url in asked)


def focused(page: Page) -> str:
    found: str = page.evaluate(
        "document.activeElement.className || document.activeElement.localName"
    )
    return found


def test_the_keyboard_comes_first_to_the_way_past_the_menu(shop: Shop, open_page: Open) -> None:
    page = open_page("/")
    settled(page)
    page.keyboard.press("Tab")
    assert focused(page) == "skip"
    box = page.locator(".skip").bounding_box()
    assert box
    assert box["y"] >= 0
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("!!document.activeElement.closest('main')")


def tab_stops(page: Page) -> list[str]:
    page.evaluate("document.querySelector('.foot a').focus()")
    stops = []
    for _ in range(30):
        page.keyboard.press("Tab")
        if focused(page) in ("body", "skip"):
            break
        stops.append(focused(page))
    return stops


def test_the_panel_is_off_the_tab_order_while_it_is_closed(shop: Shop, open_page: Open) -> None:
    page = open_page("/cart")
    settled(page)
    assert not page.is_visible(".panel")
    assert "panel__close" not in tab_stops(page)
    page.click(".panel-toggle")
    assert page.is_visible(".panel")
    assert "panel__close" in tab_stops(page)


def test_the_panel_tells_the_rung_the_scope_and_the_reasons(shop: Shop, open_page: Open) -> None:
    shop.says({"for-you": row(VASES[:3]), "hero": variant("hero", "vases")})
    page = open_page("/")
    settled(page)
    page.click(".panel-toggle")
    said = page.inner_text(".panel")
    for word in ("for-you", "model", "visitor", "hero", "Variant vases", "segment"):
        assert word in said
    assert "Because you looked at <b>vases</b>" in said  # text, never markup
    page.keyboard.press("Escape")
    assert focused(page) == "panel-toggle"
    assert eventually(page, lambda: not page.is_visible(".panel"))  # it slides out


def test_the_panel_stays_as_it_was_left(shop: Shop, open_page: Open) -> None:
    page = open_page("/")
    settled(page)
    page.click(".panel-toggle")
    page.goto(shop.url + "/cart")
    settled(page)
    assert page.is_visible(".panel")
    assert "HTTP" in page.inner_text(".panel") or "404" in page.inner_text(".panel")


def test_who_comes_back_is_greeted_until_the_greeting_is_sent_away(
    shop: Shop, open_page: Open
) -> None:
    shop.says({"welcome-back": variant("welcome-back", "hello-again")})
    page = open_page("/")
    settled(page)
    assert "Good to see you again" in page.inner_text(".notice")
    assert page.evaluate("recorded.shift") == 0
    page.click(".notice__close")
    page.reload()
    settled(page)
    assert not page.is_visible(".notice")


def test_the_basket_lives_in_this_browser_and_can_be_emptied(shop: Shop, open_page: Open) -> None:
    page = open_page("/item/orla-mug-sage")
    page.click("[data-cart-add]")
    page.click("[data-cart-add]")
    assert page.inner_text("[data-cart-count]") == "2"
    page.goto(shop.url + "/cart")
    assert page.inner_text("[data-cart-total]") == "£32.00"
    page.click("text=Remove")
    assert eventually(page, lambda: page.is_visible("[data-cart-empty]"))
    assert not page.is_visible("[data-cart-count]")


def test_a_broken_basket_breaks_nothing_else(shop: Shop, open_page: Open) -> None:
    broken = "try { localStorage.setItem('tt-basket', '{broken'); } catch {}"
    page = open_page("/item/orla-mug-sage", prepare=broken)
    settled(page)
    page.click("[data-cart-add]")
    assert page.inner_text("[data-cart-count]") == "1"
