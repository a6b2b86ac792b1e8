"""Diversity over what a slot names: an attribute, all categories, tags, all that items say of themselves."""

import json
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemline.decide.ranking.diversify import spread
from hemline.decide.ranking.features.matrix import FEATURES
from hemline.learn.statistics.arrays import Statistics
from hemline.model.decision import SlotRequest
from hemline.model.edition import Edition, pack, unpack
from hemline.model.item import Item
from hemline.model.site.site import Site
from hemline.model.site.slot import Slot, diverse_attributes
from hemline.sitefile import reader
from hemline.sitefile.review.site import Against, review
from hemline.usecases.publishing.build import ArchiveCounts, Made, edition_parts
from tests.builders.editions import NOW, SITE, ScoreByPrice
from tests.harness.deciding import acts, ask, decide_for, table_with

BRANDS = ("ada", "ada", "ada", "bo", "ada", "ada", "cy", "ada", "ada", "bo", "ada", "ada")
ITEMS = [
    Item(
        id=f"i{n:02}",
        title=f"Fine {'lamp' if n % 2 else 'teapot'}",
        price=1.0 + n,
        categories=("home",),
        tags=("oak",) if n < 6 else ("tin",),
        attributes={"brand": BRANDS[n]},
    )
    for n in range(12)
]


def edition(*slots: Slot) -> Edition:
    history = acts("v:ann", ["i00", "i01"])
    statistics = Statistics()
    for record in history:
        statistics.add(record)
    counted = ArchiveCounts(ITEMS, statistics, len(history), ())
    return unpack(
        pack(*edition_parts(SITE, Site(slots=slots), counted, None, Made(NOW, {}))), site=SITE
    )


def shown(over: str, strength: float, limit: int = 3) -> list[int]:
    slot = Slot("row", limit=limit, sources=("popular",), diversity=strength, diverse_over=over)
    table = table_with(acts("v:ann", ["i00", "i01"]))
    names = tuple(item.id for item in ITEMS)
    page = ask(SlotRequest("row", candidates=names))
    ranker = ScoreByPrice(FEATURES.index("price"))
    found = decide_for("v:ann", page, edition(slot), table, ranker).fragments["row"]
    assert found.rung == "model"
    return [int(item[1:]) for item in found.items]


@pytest.mark.parametrize(
    ("over", "different"),
    [
        ("brand", lambda n: BRANDS[n]),
        ("tags", lambda n: n < 6),
        ("content", lambda n: (n % 2, n < 6)),
    ],
)
def test_what_is_alike_makes_room_for_what_is_not(
    over: str, different: Callable[[int], object]
) -> None:
    plain, varied = shown(over, 0.0), shown(over, 0.6)
    assert plain == [11, 10, 9], "the dearest first"
    assert varied[0] == 11
    assert len({different(n) for n in varied}) >= len({different(n) for n in plain})
    assert varied != plain


def test_an_edition_holds_only_what_a_slot_asks_for() -> None:
    sections = edition(Slot("row", diversity=0.5)).header.sections
    assert not [name for name in sections if name.startswith("diverse_")]
    both = edition(
        Slot("a", diversity=0.5, diverse_over="brand"),
        Slot("b", diversity=0.5, diverse_over="content"),
        Slot("c", diverse_over="tags"),
    )
    found = {name: s.shape for name, s in both.header.sections.items() if "diverse_" in name}
    assert found == {"diverse_group": (1, 12), "diverse_content": (12, 128)}
    assert diverse_attributes(both.header.slots) == ("brand",)


vectors = st.lists(
    st.lists(st.integers(-127, 127), min_size=4, max_size=4), min_size=1, max_size=40
)


@given(vectors, st.integers(1, 12), st.floats(0, 1))
def test_spreading_only_reorders_and_keeps_the_first(
    rows: list[list[int]], limit: int, strength: float
) -> None:
    ranked = list(range(100, 100 + len(rows) + 5))
    found = spread(ranked, np.array(rows, np.int8), limit, strength)
    assert sorted(found) == ranked
    assert found[0] == ranked[0]


def test_full_strength_takes_what_is_least_like_the_chosen() -> None:
    rows = np.array([[127, 0], [127, 0], [0, 127], [-127, 0]], np.int8)
    assert spread([5, 6, 7, 8], rows, 3, 1.0) == [5, 8, 6, 7]
    assert spread([5, 6, 7, 8], rows, 3, 0.0) == [5, 6, 7, 8]


TEXT = "title: Shop\ncurrency: EUR\nconsent_default: true\nslots: [{{name: row, diversity: {}}}]\n"


def test_the_site_file_takes_a_number_or_says_over_what() -> None:
    for text, found in (
        ("0.4", (0.4, "category")),
        ("{strength: 0.4}", (0.4, "category")),
        ("{strength: 1.0, over: brand}", (1.0, "brand")),
    ):
        site, findings = reader.check(TEXT.format(text))
        assert not findings
        assert site is not None
        assert (site.slots[0].diversity, site.slots[0].diverse_over) == found
    for text in ("2.0", "{strength: 2.0}", "{over: brand}", "{strength: 0.5, ower: brand}"):
        assert reader.check(TEXT.format(text))[1], text


def test_an_attribute_that_no_item_has_is_told() -> None:
    site = Site(slots=(Slot("a", diversity=0.3, diverse_over="brnad"), Slot("b", diversity=0.3)))
    (remark,) = review(site, Against(NOW, ITEMS))
    assert remark.path == ("slots", 0, "diversity", "over")
    assert "brand" in json.dumps(remark)
