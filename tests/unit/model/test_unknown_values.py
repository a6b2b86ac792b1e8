"""What is unknown is stored as no value that something known can have: stock, price, age, time."""

import numpy as np
import pytest

from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.ranking.features.inputs import UNKNOWN_GAP
from hemline.decide.ranking.features.matrix import FEATURES, matrix
from hemline.decide.ranking.visitor import VisitorView, view
from hemline.learn.profile.fold import Profile
from hemline.learn.statistics.arrays import Statistics, sections
from hemline.model.edition import SCHEMA, Header, pack, unpack
from hemline.model.item import Item
from hemline.model.site.slot import Slot
from tests.builders.editions import NOW, build, catalogue, with_fields
from tests.harness.deciding import ask, decide_for

YEAR = 365 * 86_400_000


def snapshot(*items: Item) -> Snapshot:
    header = Header(SCHEMA, "demo", NOW, (), (), FEATURES, {})
    return Snapshot(unpack(pack(header, sections(Statistics(), items, NOW)), site="demo"))


def column(found: Snapshot, name: str, visitor: VisitorView | None = None) -> list[float]:
    everything = np.arange(len(found.item_ids), dtype=np.int32)
    seen = visitor or view(Profile(), found)
    rows = matrix(found, seen, everything, now=NOW, page_item=0)
    values: list[float] = rows[:, FEATURES.index(name)].tolist()
    return values


@pytest.mark.parametrize("stock", [-1, -3, -(2**40), 0])
def test_an_item_of_which_nothing_is_left_is_never_offered(stock: int) -> None:
    items = [with_fields(i, stock=stock) if i.id == "i1" else i for i in catalogue(4)]
    slot = Slot("top", personal=False, sources=("new", "popular"))
    decided = decide_for(None, ask("top"), build(items, [slot]), None)
    shown = decided.fragments["top"].items
    assert shown == ("i0", "i2", "i3")
    assert "i1" not in shown


def test_an_unknown_stock_is_offered_and_lies_apart_from_every_stock() -> None:
    found = snapshot(Item("a", stock=-1), Item("b", stock=0), Item("c", stock=2**40), Item("d"))
    assert found.stock.tolist() == [0, 0, 2**31 - 1, -1]


def test_the_first_instant_of_1970_is_a_time_and_not_an_unknown_one() -> None:
    found = snapshot(Item("a", published_at=0), Item("b", published_at=-YEAR), Item("c"))
    assert found.published.tolist() == [1, -YEAR, 0]
    assert np.isnan(found.born).tolist() == [False, False, True]


def test_a_price_that_is_free_or_very_low_is_a_price_to_the_ranker() -> None:
    found = snapshot(
        Item("free", price=0.0), Item("cent", price=0.01), Item("low", price=0.3678), Item("none")
    )
    *known, unknown = column(found, "price")
    assert unknown not in known
    assert all(price > unknown for price in known)
    assert np.isfinite(found.log_price).tolist() == [True, True, True, False]


def test_a_gap_of_any_size_is_no_unknown_gap() -> None:
    film = Item("old", published_at=NOW - 60 * YEAR, price=1e12)
    found = snapshot(Item("page", price=0.01, published_at=NOW), film, Item("none"))
    *known, unknown = column(found, "page_price_gap")
    assert min(known) > unknown
    # Nine years younger than what somebody likes was the same as an age that nobody knows.
    born = float(found.born[0] + np.float32(9 * 365))
    visitor = view(Profile(), found)._replace(born=born)
    *known, unknown = column(found, "age_gap", visitor)
    assert min(known) > unknown
    assert unknown == UNKNOWN_GAP
