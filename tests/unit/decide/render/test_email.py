"""Emails: whatever a catalogue or a site file says, no element, attribute or scheme but our own."""

import json
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.fragment import Format
from hemline.decide.render import email
from hemline.model.item import Item
from hemline.model.site.slot import Slot, Variant
from hemline.sitefile import reader as site_yaml
from tests.builders.editions import ScoreByPrice, build, catalogue
from tests.harness.deciding import acts, ask, decide_for, table_with
from tests.unit.decide.render.test_render import NASTY

BASE = "https://shop.example"
EXPECTED = {
    "table": {"role", "width", "cellpadding", "cellspacing", "border"},
    "tr": set(),
    "td": {"style", "width", "valign", "colspan"},
    "div": {"style"},
    "a": {"href", "style"},
    "img": {"src", "alt", "width", "style"},
    "span": {"style"},
    "br": set(),
}
texts = st.one_of(st.sampled_from([*NASTY, "https://x.example/a b<c>", "\n\nBcc: x"]), st.text())


class Reader(HTMLParser):
    """Elements, attributes and link targets as a mail client would see them."""

    def __init__(self, markup: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.open: list[str] = []
        self.links: list[str] = []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in EXPECTED
        self.tags.append(tag)
        if tag not in {"img", "br"}:
            self.open.append(tag)
        for name, value in attrs:
            assert name in EXPECTED[tag]
            if name == "style":
                assert "url(" not in (value or "")
            if name in {"href", "src"}:
                self.links.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(decl)

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(data)

    def handle_pi(self, data: str) -> None:
        raise AssertionError(data)


def check(mail: email.Mail) -> Reader:
    reader = Reader(mail.html.decode())
    assert not reader.open
    for link in reader.links:
        parts = urlsplit(link)
        assert parts.scheme in {"http", "https"}
        assert parts.netloc
    said = mail.text.decode()
    assert "<" not in said
    assert ">" not in said
    assert all(c == "\n" or c.isprintable() for c in said)
    return reader


@given(texts, texts, texts, texts, st.sampled_from([BASE, ""]))
def test_a_row_of_items_holds_nothing_but_its_own(
    title: str, url: str, image: str, reason: str, base: str
) -> None:
    item = Item(id="i", title=title, url=url, image=image, price=1.0)
    snapshot = Snapshot(build([item], [], base_url=base))
    reader = check(email.items(snapshot, Slot("row", title=title), [0], [reason]))
    assert reader.tags.count("table") == 1


@given(texts, texts, texts, texts)
def test_a_content_block_holds_nothing_but_its_own(
    text: str, url: str, image: str, cta: str
) -> None:
    fields = {"headline": text, "text": text, "cta": cta, "url": url, "image": image, "alt": text}
    check(email.variant(Variant("v", fields), BASE))


@given(st.lists(texts, max_size=5))
def test_sections_are_lines_of_text(names: list[str]) -> None:
    mail = email.sections(names)
    assert mail.html == b""
    check(mail)


def test_the_check_above_turns_red_when_a_title_is_not_escaped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(email, "escape", lambda text: text)
    with pytest.raises(AssertionError):
        check(email.variant(Variant("v", {"headline": NASTY[0]}), BASE))


def test_the_check_above_turns_red_when_text_is_sent_as_it_came(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(email, "plain", lambda text: text)
    with pytest.raises(AssertionError):
        check(email.variant(Variant("v", {"headline": NASTY[0]}), BASE))


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("/items/a?b=c#d", "https://shop.example/items/a?b=c#d"),
        ("items/a", "https://shop.example/items/a"),
        ("//other.example/x", "https://other.example/x"),
        ("https://other.example/ä", "https://other.example/%C3%A4"),
        ("https://x.example/a%20b", "https://x.example/a%20b"),
        ("mailto:a@b.example", ""),
        ("javascript:alert(1)", ""),
        ("", ""),
        ("http://[", ""),
    ],
)
def test_links_are_absolute_or_not_there(url: str, found: str) -> None:
    assert email.absolute(url, BASE) == found


def test_without_a_base_address_paths_are_no_links() -> None:
    assert email.absolute("/items/a", "") == ""
    assert email.absolute("https://x.example/a", "") == "https://x.example/a"


SLOTS = [
    Slot("row", title="For <you>", limit=3),
    Slot("hero", kind="content", variants=(Variant("v", {"headline": "Hi", "cta": "Go", "url": "/x"}),)),
    Slot("order", kind="layout", sections=("c1", "c0")),
    Slot("nothing", kind="alert"),
]  # fmt: skip
HISTORY = acts("v:ann", ["i1", "i5", "i9"])


def decided(form: Format, slots: list[Slot] = SLOTS) -> dict[str, Any]:
    edition = build(catalogue(12), slots, history=HISTORY, base_url=BASE)
    question = ask(*(slot.name for slot in slots), form=form)
    found = decide_for("v:ann", question, edition, table_with(HISTORY), ScoreByPrice())
    return {name: json.loads(fragment.body) for name, fragment in found.fragments.items()}


def test_web_app_and_email_are_of_one_decision() -> None:
    app, web, mail = (decided(form) for form in ("json", "html", "email"))
    for name in app:
        same = {m: app[name].get(m) for m in ("kind", "items", "variant", "sections", "rung")}
        for other in (web, mail):
            assert {m: other[name].get(m) for m in same} == same
    assert "html" not in app["row"]
    assert "text" not in web["row"]
    assert web["row"]["html"] != mail["row"]["html"]


def test_an_email_says_each_item_with_its_price_its_reason_and_where_it_is() -> None:
    row = decided("email")["row"]
    first = row["items"][0]
    lines = row["text"].split("\n\n")
    assert lines[0] == "For \u2039you\u203a"
    assert lines[1].split("\n") == [
        f"{first['title']}, {first['price']:.2f}",
        first["reason"],
        f"{BASE}{first['url']}",
    ]
    assert f'href="{BASE}{first["url"]}"' in row["html"]
    assert "class=" not in row["html"], "mail clients know no style sheet"


def test_an_untitled_item_is_a_line_with_its_price_and_no_comma_before_it() -> None:
    item = Item("a", price=5.0, url="/a")
    snapshot = Snapshot(build([item], [Slot("row")]))
    mail = email.items(snapshot, snapshot.slots["row"], [0], [""])
    assert mail.text == b"5.00"


def test_content_and_nothing_as_email() -> None:
    found = decided("email")
    assert found["hero"]["text"] == "Hi\n\nGo: https://shop.example/x"
    assert (found["nothing"]["html"], found["nothing"]["text"]) == ("", "")
    assert found["order"]["text"] == "c1\nc0"


def test_the_site_file_says_the_base_address_and_it_must_be_one() -> None:
    head = "title: Shop\ncurrency: EUR\nconsent_default: true\nslots: [{name: row}]\n"
    site, findings = site_yaml.check(head + "base_url: https://shop.example\n")
    assert site is not None
    assert (site.base_url, findings) == (BASE, [])
    _, findings = site_yaml.check(head + "base_url: javascript:alert(1)\n")
    assert [finding.field for finding in findings] == ["base_url"]


def test_the_site_file_says_caps_over_the_page_and_priorities() -> None:
    head = "title: Shop\ncurrency: EUR\nconsent_default: true\n"
    text = head + "slots: [{name: row, priority: 7}]\npage_caps: [{attribute: brand, count: 2}]\n"
    site, findings = site_yaml.check(text)
    assert not findings
    assert site is not None
    assert site.slots[0].priority == 7
    assert list(msgspec.to_builtins(site.page_caps)) == [{"attribute": "brand", "count": 2}]
