"""New items until they have statistics: beside their like, reckoned like them, less with all that happens."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.ranking.features.matrix import FEATURES
from hemline.learn.statistics import cold_items, content
from hemline.learn.statistics.arrays import STATS, Statistics
from hemline.model.events.event import Record
from hemline.model.item import Item
from hemline.model.site.slot import Slot
from tests.builders.editions import ScoreByPrice, build, with_fields
from tests.harness.deciding import acts, ask, decide_for, table_with

ITEMS = [
    Item(
        id=f"{kind}{n}",
        title=f"{colour} {kind}",
        categories=(kind,),
        tags=(colour,),
        price=10.0 + 3 * n,
    )
    for kind in ("lamp", "teapot", "chair")
    for n, colour in enumerate(("red", "blue", "green", "red", "grey"))
]
NEW = "lamp0"


def met(*names: str, times: int = 12) -> list[Record]:
    """So often engaged with by different visitors, all of the names one after another."""
    return [one for n in range(times) for one in acts(f"v:{n}", names)]


KNOWN = met(*(item.id for item in ITEMS if item.id != NEW))


def snapshot(history: list[Record]) -> Snapshot:
    return Snapshot(build(ITEMS, [], history=history))


def names_near(found: Snapshot, name: str) -> list[str]:
    row = found.neighbours[0][found.index[name]]
    return [found.item_ids[i] for i in row if i >= 0]


def test_what_says_the_same_is_alike_and_what_shares_nothing_is_not() -> None:
    rows = content.vectors([*ITEMS, Item(id="other", title="Zebra")])
    alike = rows @ rows.T
    assert np.all(np.linalg.norm(rows, axis=1) < 1.2)
    assert alike[0, 3] > alike[0, 1] > alike[0, 6], "kind and colour, kind alone, neither"
    assert not rows[-1].any()


@given(st.permutations(ITEMS))
def test_vectors_do_not_depend_on_the_order_of_items(items: list[Item]) -> None:
    place = {item.id: row for item, row in zip(items, content.vectors(items), strict=True)}
    for item, row in zip(ITEMS, content.vectors(ITEMS), strict=True):
        assert np.allclose(place[item.id], row, atol=1e-6)


def test_a_new_item_stands_beside_its_like_and_they_beside_it() -> None:
    found = snapshot(KNOWN)
    near = names_near(found, NEW)
    assert near[0] == "lamp3", "the other red lamp"
    assert NEW in names_near(found, "lamp3")
    assert found.ints("newcomers").tolist() == [found.index[NEW]]
    _, weight = found.neighbours
    assert ((weight >= 0) & (weight <= 1)).all()


def test_what_happens_to_it_takes_its_place() -> None:
    weights = []
    for times in (0, 3, 6):
        found = snapshot(KNOWN + acts("v:y", [NEW] * times))
        at = names_near(found, "lamp3").index(NEW)
        weights.append(float(found.neighbours[1][found.index["lamp3"], at]))
    assert weights == sorted(weights, reverse=True)
    grown = snapshot(KNOWN + acts("v:y", [NEW] * 10))
    assert not grown.ints("newcomers").size
    assert NEW not in names_near(grown, "lamp3")


def test_its_statistics_are_reckoned_from_its_like_until_it_has_its_own() -> None:
    column = STATS.index("engaged_ever")
    found = snapshot(KNOWN)
    assert found.item_stats[found.index[NEW], column] == pytest.approx(np.log1p(12), rel=0.01)
    grown = snapshot(KNOWN + acts("v:y", [NEW]))
    assert grown.item_stats[grown.index[NEW], column] == pytest.approx(np.log1p(1))


def test_a_site_where_nothing_is_known_likens_nothing() -> None:
    found = snapshot(acts("v:y", ["lamp1"]))
    assert not found.ints("newcomers").size
    assert not (found.neighbours[0] >= 0).any()


def test_no_row_has_more_than_a_few_guests_or_one_twice() -> None:
    many = [*ITEMS, *(with_fields(ITEMS[0], id=f"fresh{n}") for n in range(12))]
    found = Snapshot(build(many, [], history=KNOWN))
    fresh = set(found.ints("newcomers").tolist())
    assert len(fresh) == 13
    guests = {}
    for item in ITEMS[1:]:
        row = [i for i in found.neighbours[0][found.index[item.id]].tolist() if i >= 0]
        assert len(row) == len(set(row))
        guests[item.id] = len(fresh.intersection(row))
    assert guests["lamp3"] == max(guests.values()) == 4


def test_a_visitor_who_likes_its_like_is_shown_it_with_the_reason() -> None:
    slot = Slot("row", limit=4, sources=("similar_new",))
    ranker = ScoreByPrice(FEATURES.index("together"))
    edition = build(ITEMS, [slot], history=KNOWN)
    lamps = decide_for("v:x", ask("row"), edition, table_with(acts("v:x", ["lamp3"])), ranker)
    found = lamps.fragments["row"]
    assert (found.rung, found.items) == ("model", (NEW,))
    assert b"New, and like what you were interested in" in found.body
    chairs = decide_for("v:x", ask("row"), edition, table_with(acts("v:x", ["chair4"])), ranker)
    assert NEW not in chairs.fragments["row"].items or chairs.fragments["row"].rung != "model"


def test_without_a_likeness_nothing_is_changed() -> None:
    none = cold_items.item_similarity(Statistics(), ITEMS, content.vectors(ITEMS))
    near, weight = np.full((3, 2), -1, np.int32), np.zeros((3, 2), np.float32)
    assert cold_items.with_cold_neighbours(near, weight, none)[0] is near
    block = np.ones((3, 4), np.float32)
    assert cold_items.with_borrowed_statistics(block, none) is block
