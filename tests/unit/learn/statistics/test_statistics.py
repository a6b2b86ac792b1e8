"""Statistics: counted as they happened, in any order, and laid out as an edition names it."""

import numpy as np
import pytest

from hemline.learn.statistics.arrays import LIST, STATS, Statistics, sections
from hemline.learn.statistics.cooccurrence import Cooccurrence
from hemline.learn.statistics.sums import Sums
from hemline.model.edition import Payload
from hemline.model.events.event import Event, OrderLine, Record
from hemline.model.item import Item

DAY = 86_400_000
NOW = 1_700_000_000_000
ITEMS = [
    Item("a", categories=("tea", "cups"), price=3.0, published_at=5, stock=2),
    Item("b", categories=("tea",), published_at=9),
    Item("c", price=1.5),
]


def record(
    event_id: str, kind: str, days_ago: float, *items: str, who: str = "v:1", country: str = "GB"
) -> Record:
    event = Event(event_id, kind, NOW - int(days_ago * DAY), lines=tuple(map(OrderLine, items)))
    return Record("demo", who, NOW, event, country, "mobile")


def made(records: list[Record], built: int = NOW) -> dict[str, Payload]:
    statistics = Statistics()
    for one in records:
        statistics.add(one)
    return sections(statistics, ITEMS, built)


def array(payload: Payload) -> np.ndarray:
    dtype, shape, data = payload
    return np.frombuffer(data, dtype).reshape(shape)


HISTORY = [
    record("1", "exposure", 0.5, "a", "b"),
    record("2", "click", 0.5, "a"),
    record("3", "click", 3, "a", who="v:2"),
    record("4", "purchase", 20, "b", "c", who="v:3", country="FR"),
    record("5", "purchase", 200, "b", "c", who="v:3", country="FR"),
    record("6", "search", 0.1),
    record("7", "click", 0.2, "unknown"),
]


def test_counts_stand_under_their_deed_and_window() -> None:
    stats = dict(zip(STATS, array(made(HISTORY)["item_stats"]).T, strict=True))
    assert stats["engaged_1d"].tolist() == pytest.approx([np.log(2), 0, 0])
    assert stats["engaged_7d"].tolist() == pytest.approx([np.log(3), 0, 0])
    assert stats["bought_30d"].tolist() == pytest.approx([0, np.log(2), np.log(2)])
    assert stats["bought_90d"].tolist() == pytest.approx([0, np.log(2), np.log(2)])
    assert stats["bought_ever"].tolist() == pytest.approx([0, np.log(3), np.log(3)])
    assert stats["rate_ever"][0] > stats["rate_ever"][1]


def test_lists_are_ranked_and_hold_only_what_happened() -> None:
    found = made(HISTORY)
    # Two clicks of this week weigh less than a purchase of three weeks ago at 6 to 1.
    assert array(found["popular"]).tolist() == [1, 2, 0]
    assert array(found["fresh"]).tolist() == [1, 0]
    assert array(found["trending"]).tolist()[0] == 0
    assert array(made([])["popular"]).tolist() == []


def test_catalogue_sections_have_the_shapes_that_the_edition_names() -> None:
    found = made(HISTORY)
    assert found["item_ids"][2] == b'["a", "b", "c"]'
    assert found["categories"][2] == b'["cups", "tea"]'
    assert array(found["item_categories"]).tolist() == [1, 0, 1]
    assert array(found["item_categories_at"]).tolist() == [0, 2, 3, 3]
    assert np.isnan(array(found["price"])[1])
    assert array(found["stock"]).tolist() == [2, -1, -1]
    assert array(found["published"]).tolist() == [5, 9, 0]
    assert array(found["category_popular"]).tolist() == [[0, -1], [1, 0]]
    assert array(found["neighbours"]).shape == array(found["neighbour_weight"]).shape


def test_a_segment_has_its_own_order_and_the_whole_site_is_one() -> None:
    found = made(HISTORY)
    assert found["segments"][2] == b'["FR|", "FR|mobile", "GB|", "GB|mobile", "|"]'
    best = array(found["segment_popular"])
    assert best[2].tolist()[0] == 0
    assert best[0].tolist()[0] in (1, 2)


def test_what_was_bought_together_are_neighbours_and_what_was_only_shown_are_not() -> None:
    near = array(made(HISTORY)["neighbours"])
    assert near[1].tolist()[0] == 2
    assert near[2].tolist()[0] == 1
    assert near[0].tolist()[0] == -1


def test_the_same_events_in_another_order_give_the_same_arrays() -> None:
    # Of one visitor each, since only what goes together follows a visitor's order.
    records = [record(f"e{n}", "click", n % 9, "abc"[n % 3], who=f"v:{n}") for n in range(50)]
    assert made(records) == made(records[::-1])


def test_a_history_that_ended_keeps_its_popular_items() -> None:
    assert array(made(HISTORY, NOW + 3000 * DAY)["popular"]).tolist() == [1, 2, 0]


def test_an_edition_with_no_items_and_no_events_can_be_made() -> None:
    found = sections(Statistics(), [], NOW)
    assert array(found["item_stats"]).shape == (0, len(STATS))


def test_lists_are_cut_to_their_length() -> None:
    items = [Item(f"i{n}", published_at=n + 1) for n in range(LIST + 50)]
    statistics = Statistics()
    for n, item in enumerate(items):
        statistics.add(record(f"e{n}", "click", 0, item.id, who=f"v:{n}"))
    found = sections(statistics, items, NOW)
    assert array(found["popular"]).shape == (LIST,)
    assert array(found["fresh"]).tolist()[0] == LIST + 49


def test_sums_fold_to_the_same_table_however_they_came() -> None:
    rng = np.random.default_rng(1)
    keys = rng.integers(0, 40, 5000)
    sums = Sums(buffer=97)
    for key in keys[:2000].tolist():
        sums.add(key, 2)
    for part in np.split(keys[2000:], 30):
        sums.extend(part, np.full(len(part), 2))
    found, values = sums.table()
    assert dict(zip(found.tolist(), values.tolist(), strict=True)) == {
        int(key): 2 * int((keys == key).sum()) for key in np.unique(keys)
    }
    sums.keep(found < 10)
    sums.add(3, 1)
    assert sums.table()[0].max() == 9


def test_a_pair_weighs_less_with_every_step_between() -> None:
    pairs = Cooccurrence()
    for time, item in enumerate((0, 1, 2, 3)):
        pairs.add("v:1", time, [item])
    near, weight = pairs.neighbours(np.arange(4, dtype=np.int32), 4, 3)
    assert near[0].tolist() == [1, 2, 3]
    assert (np.diff(weight[0]) < 0).all()
    assert 0 < weight[0].max() <= 1
