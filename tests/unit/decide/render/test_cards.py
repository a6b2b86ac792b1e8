"""Cards are rendered once, at publish; nothing that a catalogue says can break out of them."""

import json
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemline.decide.render import cards
from hemline.model.edition import pieces
from hemline.model.item import Item

TEXT = st.text(alphabet=st.characters(codec="utf-8"), max_size=60)
ITEMS = st.builds(
    Item, id=st.text("abc<>\"'&-", min_size=1, max_size=9), title=TEXT, url=TEXT, image=TEXT,
    price=st.none() | st.floats(), currency=st.sampled_from(["", "EUR", "CHF", "JPY"]),
)  # fmt: skip


class Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def parse(card: bytes) -> Elements:
    elements = Elements()
    elements.feed(card.decode())
    return elements


@given(ITEMS)
def test_no_catalogue_text_can_add_an_element_or_an_attribute(item: Item) -> None:
    found = parse(cards.html_card(item)).found
    allowed = {
        "li": {"class", "data-item"},
        "a": {"class", "href"},
        "img": {"class", "src", "alt", "loading"},
        "span": {"class"},
        "data": {"class", "value"},
    }
    assert [tag for tag, _ in found].count("a") == 1
    for tag, attributes in found:
        assert set(attributes) <= allowed[tag]
    assert dict(found[0][1])["data-item"] == item.id


@given(ITEMS)
def test_the_json_members_say_what_the_item_says(item: Item) -> None:
    members = cards.json_members(item)
    assert b"<" not in members
    read = json.loads(b"{" + members + b"}")
    assert (read["id"], read["title"]) == (item.id, item.title)


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "JAVASCRIPT:x", "java\tscript:x", " data:text/html,x", "vbscript:x",
     "\\\\evil", "x:y", "\\/evil", "\x01javascript:x"],
)  # fmt: skip
def test_a_script_url_is_left_out_of_both_forms(url: str) -> None:
    item = Item("a", title="A", url=url, image=url)
    assert "href" not in parse(cards.html_card(item)).found[1][1]
    assert b"img" not in cards.html_card(item)
    assert json.loads(b"{" + cards.json_members(item) + b"}")["url"] == ""


@pytest.mark.parametrize(
    "url", ["/a b", "https://x.y/z?q=a:b", "a/b:c", "#top", "//cdn.x/y.svg", ""]
)
def test_addresses_and_paths_are_kept(url: str) -> None:
    assert json.loads(b"{" + cards.json_members(Item("a", url=url)) + b"}")["url"] == url.replace(
        " ", "%20"
    )


def test_prices_read_as_people_write_them() -> None:
    assert cards.price_text(1234.5, "EUR") == "€1,234.50"
    assert cards.price_text(1200, "JPY") == "¥1,200"
    assert cards.price_text(12.5, "CHF") == "12.50 CHF"
    assert cards.price_text(12.5, "") == "12.50"


def test_the_offsets_cut_every_item_out_again() -> None:
    items = [Item("a", title="é"), Item("b", price=2.0), Item("c", currency="USD", price=1.0)]
    made = cards.sections(items, currency="EUR")
    for name in ("cards_json", "cards_html", "catalogue"):
        _, _, blob = made[name]
        at = made[f"{name}_at"][2]
        assert b"".join(pieces(memoryview(blob), memoryview(at))) == blob
    blob, at = made["cards_json"][2], made["cards_json_at"][2]
    read = [json.loads(b"{" + part + b"}") for part in pieces(memoryview(blob), memoryview(at))]
    assert [r["id"] for r in read] == ["a", "b", "c"]
    assert [r["currency"] for r in read] == ["EUR", "EUR", "USD"]
