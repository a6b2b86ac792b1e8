"""Markup: whatever a catalogue, a site file or a reason says, it stays text and safe links."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.render import web
from hemline.model.item import Item
from hemline.model.site.slot import Slot, Variant
from tests.builders.editions import build

EXPECTED = {
    "h2": {"class"},
    "ul": {"class"},
    "ol": {"class"},
    "li": {"class", "data-item", "data-section"},
    "a": {"class", "href"},
    "img": {"class", "src", "alt", "loading"},
    "span": {"class"},
    "data": {"class", "value"},
    "div": {"class", "data-variant"},
    "p": {"class"},
}
NASTY = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "java\tscript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "\x01javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "//evil.example/x",
    "\\\\evil.example",
    "vbscript:x",
    "&#106;avascript:alert(1)",
    "</a></li></ul><svg onload=alert(1)>",
]
texts = st.one_of(st.sampled_from(NASTY), st.text(max_size=40))


class Reader(HTMLParser):
    """Collects elements, attributes and link targets as a browser would see them."""

    def __init__(self, markup: bytes) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, str]] = []
        self.links: list[str] = []
        self.feed(markup.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, ""))
        for name, value in attrs:
            self.found.append((tag, name))
            if name in {"href", "src"}:
                self.links.append(value or "")


def check(markup: bytes) -> Reader:
    reader = Reader(markup)
    for tag, attribute in reader.found:
        assert tag in EXPECTED
        assert not attribute or attribute in EXPECTED[tag]
    for link in reader.links:
        head = link.strip().lower().partition("/")[0]
        assert (
            ":" not in head
            or head in {"http:", "https:", "mailto:", "tel:"}
            or head.startswith("mailto:")
        )
    return reader


@given(texts, texts, texts, texts)
def test_a_row_of_items_holds_no_element_or_attribute_but_its_own(
    title: str, url: str, image: str, reason: str
) -> None:
    item = Item(id="i", title=title, url=url, image=image, price=1.0)
    snapshot = Snapshot(build([item], []))
    slot = Slot("row", title=title)
    reader = check(web.items_html(snapshot, slot, [0], [reason]))
    assert reader.found.count(("li", "")) == 1


@given(texts, texts, texts, texts)
def test_a_content_block_holds_no_element_or_attribute_but_its_own(
    text: str, url: str, image: str, name: str
) -> None:
    fields = {
        "headline": text,
        "text": text,
        "cta": text or "go",
        "url": url,
        "image": image,
        "alt": text,
    }
    check(web.variant_html(Slot("hero", kind="content"), Variant(name, fields)))


@given(st.lists(texts, max_size=5))
def test_sections_are_attributes_and_nothing_else(names: list[str]) -> None:
    reader = check(web.sections_html(names))
    assert reader.found.count(("li", "")) == len(names)


@pytest.mark.parametrize(
    "url", ["/a?b=c", "https://x.example/", "a/b", "#top", "mailto:a@b.example"]
)
def test_an_honest_url_stays(url: str) -> None:
    assert web.safe_url(url) == url


@pytest.mark.parametrize(
    "url", [n for n in NASTY if "script" in n.lower() and "<" not in n] + ["data:x"]
)
def test_a_url_that_could_run_code_goes(url: str) -> None:
    assert web.safe_url(url) == "#"


def test_the_check_above_turns_red_when_a_title_is_not_escaped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(web, "escape", lambda text: text)
    markup = web.variant_html(Slot("hero", kind="content"), Variant("v", {"headline": NASTY[0]}))
    with pytest.raises(AssertionError):
        check(markup)
