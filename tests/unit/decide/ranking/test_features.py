"""Features: what they say, that they are finite, that online and offline are the same to the last bit."""

from collections.abc import Sequence
from itertools import cycle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.ranking.features import matrix as features
from hemline.decide.ranking.features.in_list import in_list
from hemline.decide.ranking.features.matrix import FEATURES, matrix
from hemline.decide.ranking.visitor import VisitorView, view
from hemline.learn.profile.fold import TYPES, Profile, decode, encode, fold
from hemline.learn.statistics.arrays import Statistics, sections
from hemline.model.edition import SCHEMA, Header, pack, unpack
from hemline.model.events.event import Event, OrderLine, Record
from hemline.model.item import Item

DAY = 86_400_000
NOW = 1_700_000_000_000
ITEMS = [
    Item(
        f"i{n}",
        title=f"thing number {n}",
        price=None if n == 7 else 5.0 + n,
        categories=(f"c{n % 3}",) if n != 8 else (),
        tags=("even",) if n % 2 == 0 else ("odd",),
        published_at=None if n == 9 else NOW - n * DAY,
    )
    for n in range(12)
]


def record(
    event_id: str, kind: str, ago: int, *items: str, who: str = "v:1", amount: int = 1
) -> Record:
    lines = tuple(OrderLine(item, amount) for item in items)
    return Record("demo", who, NOW, Event(event_id, kind, NOW - ago, lines=lines), "GB", "mobile")


def snapshot(records: Sequence[Record], items: Sequence[Item] = ITEMS) -> Snapshot:
    statistics = Statistics()
    for one in records:
        statistics.add(one)
    header = Header(SCHEMA, "demo", NOW, (), (), FEATURES, {})
    return Snapshot(unpack(pack(header, sections(statistics, items, NOW)), site="demo"))


CROWD = [
    record(f"{who}-{n}", kind, n * DAY, f"i{who % 12}", f"i{(who + 1) % 12}", who=f"v:{who}")
    for who in range(40)
    for n, kind in enumerate(("exposure", "click", "purchase"))
]
SNAPSHOT = snapshot(CROWD)
ALL = np.arange(len(ITEMS), dtype=np.int32)


def seen(*records: Record) -> VisitorView:
    return view(decode(encode(fold(Profile(), records))), SNAPSHOT)


def column(of: VisitorView, name: str, **about: int) -> list[float]:
    values = matrix(SNAPSHOT, of, ALL, now=NOW, **about)[:, FEATURES.index(name)]
    return [float(value) for value in values]


def test_names_are_distinct_and_there_is_a_column_for_each() -> None:
    assert len(set(FEATURES)) == len(FEATURES)
    assert matrix(SNAPSHOT, seen(), ALL, now=NOW).shape == (len(ITEMS), len(FEATURES))
    assert matrix(SNAPSHOT, seen(), ALL[:0], now=NOW).shape == (0, len(FEATURES))


def test_every_value_is_finite_even_without_price_date_category_or_history() -> None:
    bare = snapshot([], [Item("a"), Item("b")])
    for of, where in ((seen(), SNAPSHOT), (view(Profile(), bare), bare)):
        candidates = np.arange(len(where.item_ids), dtype=np.int32)
        for page_item in (-1, 0):
            table = matrix(where, of, candidates, now=NOW, page_item=page_item)
            assert np.isfinite(table).all()
            assert table.dtype == np.float32


def test_what_the_visitor_did_is_in_the_row_of_the_item() -> None:
    of = seen(
        record("1", "purchase", 2 * DAY, "i1", "i2", amount=3),
        record("2", "purchase", 12 * DAY, "i1"),
        record("3", "click", DAY, "i4"),
        record("4", "exposure", DAY, "i4", "i5"),
        record("5", "add_to_cart", DAY, "i6"),
    )
    assert column(of, "own_bought")[:3] == pytest.approx([0, np.log(3), np.log(2)])
    assert column(of, "own_quantity")[1] == pytest.approx(np.log(5))
    assert column(of, "own_share")[:3] == [0, 1, 0.5]
    assert column(of, "own_engaged")[4] == pytest.approx(np.log(2))
    assert column(of, "own_shown")[4:6] == pytest.approx([np.log(2)] * 2)
    assert column(of, "own_carted")[6] == pytest.approx(np.log(2))
    assert column(of, "days_since_bought")[1] == pytest.approx(np.log(3), abs=1e-5)
    assert column(of, "days_since_bought")[0] > 9
    # Bought every ten days, two days ago; an item bought once has no rhythm.
    assert column(of, "overdue")[1:3] == pytest.approx([0.2, -1.0])


@pytest.mark.parametrize("kind", TYPES)
def test_every_kind_of_action_that_a_profile_keeps_can_be_ranked_with(kind: str) -> None:
    """A click on a message had no weight in a list beside the list: its visitors were not ranked for."""
    of = seen(record("1", kind, DAY, "i1", "i2"), record("2", "click", DAY, "i4"))
    assert np.isfinite(matrix(SNAPSHOT, of, ALL, now=NOW)).all()
    assert of.category_share.sum() > 0
    assert set(of.recent.tolist()) == ({4} if kind == "exposure" else {1, 2, 4})


def test_shown_and_not_clicked_counts_against_a_taste() -> None:
    shown = record("s", "exposure", DAY, "i0", "i1", "i2", "i3")
    even = record("c", "click", DAY - 1, "i0")
    lift = dict(zip(FEATURES, matrix(SNAPSHOT, seen(shown, even), ALL, now=NOW).T, strict=True))
    assert lift["lift_mean"][4] > 0 > lift["lift_mean"][5]
    ignored = column(seen(shown), "lift_mean")
    assert max(ignored) <= 0 or ignored == pytest.approx([0.0] * len(ITEMS))


def test_the_page_is_in_the_matrix_only_when_there_is_one() -> None:
    of = seen()
    assert set(column(of, "page_together")) == {-1.0}
    near = column(of, "page_together", page_item=1)
    assert near[2] > 0
    assert column(of, "page_category", page_item=1)[4] == 1.0
    assert column(of, "page_category", page_category=0)[:2] == [1.0, 0.0]
    assert column(of, "page_price_gap", page_item=1)[1] == 0.0


def test_what_the_edition_no_longer_has_is_left_out() -> None:
    of = seen(record("1", "purchase", DAY, "gone", "i1"), record("2", "click", 0, "gone"))
    assert of.recent.tolist() == [1]
    assert of.own.shape[0] == 2


def test_recent_items_and_categories_come_newest_and_dearest_first() -> None:
    of = seen(
        record("1", "click", 3, "i1"), record("2", "click", 2, "i4"), record("3", "click", 1, "i0")
    )
    assert [SNAPSHOT.item_ids[i] for i in of.recent] == ["i0", "i4", "i1"]
    assert [SNAPSHOT.categories[i] for i in of.categories] == ["c1", "c0"]


HISTORY = st.lists(
    st.tuples(
        st.sampled_from(("exposure", "view", "click", "add_to_cart", "purchase")),
        st.integers(0, 90 * DAY),
        st.lists(st.integers(0, 14), min_size=1, max_size=6),
    ),
    max_size=30,
).map(
    lambda bodies: [
        record(f"e{n}", kind, ago, *(f"i{item}" for item in items))
        for n, (kind, ago, items) in enumerate(bodies)
    ]
)


def both(records: list[Record], page_item: int) -> tuple[bytes, bytes]:
    """Serving folds event by event through stored bytes; a replay folds the whole log, in any order."""
    stored = encode(Profile())
    for one in records:
        stored = encode(fold(decode(stored), [one]))
    served = matrix(SNAPSHOT, view(decode(stored), SNAPSHOT), ALL, now=NOW, page_item=page_item)
    again = snapshot(CROWD)
    replayed = fold(Profile(), records[::-1] + records[:3])
    trained = matrix(again, view(replayed, again), ALL, now=NOW, page_item=page_item)
    assert np.isfinite(served).all()
    return served.tobytes(), trained.tobytes()


@settings(max_examples=60, deadline=None)
@given(HISTORY, st.integers(-1, 11))
def test_served_and_replayed_features_are_equal_to_the_last_bit(
    records: list[Record], page_item: int
) -> None:
    served, replayed = both(records, page_item)
    assert served == replayed


def test_a_feature_that_differs_in_the_last_bit_would_be_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    nudge = cycle((0.0, np.inf))

    def off_by_a_bit(block: np.ndarray, columns: np.ndarray) -> np.ndarray:
        values = in_list(block, columns)
        return np.nextafter(values, np.float32(np.inf)) if next(nudge) else values

    monkeypatch.setattr(features, "in_list", off_by_a_bit)
    served, replayed = both([record("1", "click", 1, "i1")], -1)
    assert served != replayed
