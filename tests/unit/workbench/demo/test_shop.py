"""The demo shop: a coherent catalogue, pictures that are safe SVG, pages without anything personal."""

import gzip
import re
from collections import Counter
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest

from hemline.model.ids import is_id
from workbench.demo import pages
from workbench.demo.catalogue import CATEGORIES, TOGETHER, by_id, in_category, items
from workbench.demo.drawing.brush import PALETTE, wall
from workbench.demo.pictures import FORMS, names, picture
from workbench.laptop import ROOT

ITEMS = items()
PAGES = {
    "home": pages.home(),
    "cart": pages.cart(),
    "your-data": pages.your_data(),
    "missing": pages.missing(),
    **{key: pages.category(key) or "" for key in CATEGORIES},
    **{item.id: pages.item(item.id) or "" for item in ITEMS},
}


def test_the_catalogue_is_large_enough_and_every_item_is_whole() -> None:
    assert len(ITEMS) >= 120
    assert len(by_id()) == len(ITEMS)
    for item in ITEMS:
        assert is_id(item.id)
        assert item.title
        assert item.price
        assert item.published_at
        assert item.categories[0] in CATEGORIES
        assert {"colour", "material", "collection"} <= item.attributes.keys()


def test_every_department_is_stocked_and_a_few_items_are_not() -> None:
    for key in CATEGORIES:
        assert len(in_category(key)) >= 10
        assert set(TOGETHER[key]) <= CATEGORIES.keys()
    stock = Counter(min(item.stock or 0, 4) for item in ITEMS)
    assert stock[0] >= 1
    assert sum(stock[n] for n in (1, 2, 3)) >= 5


@pytest.mark.parametrize("name", names())
def test_every_picture_is_svg_that_runs_and_loads_nothing(name: str) -> None:
    drawn = picture(name)
    assert drawn is not None
    assert drawn == picture(name)
    tree = ET.fromstring(drawn)
    tags = {node.tag.rpartition("}")[2] for node in tree.iter()}
    assert not tags & {"script", "foreignObject", "image", "use", "a", "style"}
    links = [key for node in tree.iter() for key in node.attrib if "href" in key or key[:2] == "on"]
    assert not links


def test_clip_paths_of_one_picture_have_names_of_their_own() -> None:
    for name in names():
        found = re.findall(r' id="([^"]+)"', picture(name) or "")
        assert len(found) == len(set(found)), name


def test_no_two_items_look_the_same() -> None:
    assert len({picture(item.id) for item in ITEMS}) == len(ITEMS)


def test_every_colour_has_a_wall_and_every_form_a_drawing() -> None:
    for item in ITEMS:
        assert wall(str(item.attributes["colour"]))
        assert item.attributes["colour"] in PALETTE
    assert picture("no-such-thing") is None
    assert picture("scene-nowhere") is None
    assert len(FORMS) >= 25


class Reader(HTMLParser):
    """What a page loads, links to and names."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.handlers: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.slots: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append(tag)
        self.links += [str(found[k]) for k in ("href", "src") if k in found]
        self.handlers += [k for k in found if k.startswith("on") or k == "style"]
        self.ids += [str(found["id"])] if "id" in found else []
        if tag == "img":
            self.images.append(found)
        if tag == "hem-slot":
            self.slots.append(str(found["name"]))


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    return reader


@pytest.mark.parametrize("name", PAGES)
def test_a_page_asks_nobody_else_for_anything_and_runs_nothing_inline(name: str) -> None:
    found = read(PAGES[name])
    assert all(link[0] in "/#" and not link.startswith("//") for link in found.links), found.links
    assert not found.handlers
    assert "style" not in found.tags
    assert not re.search(r"<script(?![^>]*\bsrc=)", PAGES[name])


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_accessible_in_what_markup_can_say(name: str) -> None:
    found = read(PAGES[name])
    assert {"header", "nav", "main", "footer"} <= set(found.tags)
    assert found.tags.count("h1") == 1
    assert all("alt" in image for image in found.images)
    assert len(found.ids) == len(set(found.ids))
    assert '<html lang="en">' in PAGES[name]


def test_every_internal_link_leads_to_a_page() -> None:
    routes = {"/", "/cart", "/hemline.js", "/hemline-alerts.js", "/your-data", "/v1/me"}
    for page in PAGES.values():
        for link in read(page).links:
            path = link.partition("#")[0]
            kind, _, rest = path.lstrip("/").partition("/")
            known = {
                "category": rest in CATEGORIES,
                "item": rest in by_id(),
                "pictures": picture(rest.removesuffix(".svg")) is not None,
                "assets": (pages.FOLDER / "assets" / rest).is_file(),
            }
            assert not path or path in routes or known.get(kind), link


def test_slots_of_the_pages_are_slots_of_the_site_file() -> None:
    known = {slot.name for slot in pages.site().slots}
    used = {slot for page in PAGES.values() for slot in read(page).slots}
    assert used == known


def test_default_content_never_offers_what_a_rule_blocks_or_what_is_sold_out() -> None:
    off = {item.id for item in ITEMS if not pages.on_sale(item)}
    assert off
    for page in PAGES.values():
        shown = re.findall(r'<li class="hem-card" data-item="([^"]+)"', page)
        assert not off & set(shown)
    for key in off:
        assert "data-cart-add" not in PAGES[key]


def test_a_full_row_of_defaults_is_as_long_as_its_slot() -> None:
    limits = {slot.name: slot.limit for slot in pages.site().slots}
    assert PAGES["home"].count('<li class="hem-card"') == limits["for-you"] + limits["bestsellers"]
    for item in ITEMS:
        assert PAGES[item.id].count('<li class="hem-card"') == limits["goes-well-with"]
    for key in CATEGORIES:
        assert PAGES[key].count('<li class="hem-card"') <= limits["category"]


def test_pages_that_are_not_there_say_so() -> None:
    assert pages.item("nothing") is None
    assert pages.category("nothing") is None
    assert "not on our shelves" in pages.missing()


def test_the_snippet_is_small_and_never_makes_code_or_markup_from_text() -> None:
    text = (ROOT / "edge/hemline.js").read_bytes()
    alerts = (ROOT / "edge/hemline-alerts.js").read_bytes()
    assert len(gzip.compress(text, 9)) < 3750, "what it costs a page"
    assert len(gzip.compress(alerts, 9)) < 1400
    text += alerts
    assert not re.search(
        rb"eval|innerHTML|outerHTML|insertAdjacent|document\.write|Function\(", text
    )
    assert not re.search(rb"localStorage|sessionStorage|document\.cookie", text)
