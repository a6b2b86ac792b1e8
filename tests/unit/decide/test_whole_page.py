"""A whole page: one read, no item twice, caps over all slots, and "more" that never repeats itself."""

import json
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemline.decide import cursor as cursors
from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.ranking.diversify import diversify
from hemline.decide.ranking.rerank import rerank
from hemline.decide.rules.eligibility import Cap, Eligibility
from hemline.model.decision import Fragment, Scope, SlotRequest, Visit
from hemline.model.edition import Edition
from hemline.model.errors import BadInput
from hemline.model.site.rule import Rule
from hemline.model.site.slot import Slot
from hemline.usecases.ports import ServingRead
from hemline.usecases.serving.decide_page import Deps, decide
from tests.builders.editions import KEYS, NOW, SITE, ScoreByPrice, build, catalogue
from tests.builders.whole_pages import HISTORY, ITEMS, OTHER, ROW, SHELF, TABLE, page
from tests.harness.deciding import acts, ask, decide_for, live, table_with


def cursor(fragment: Fragment) -> str:
    return str(json.loads(fragment.body).get("cursor", ""))


class Counting:
    """A table that counts its reads."""

    asked = 0

    def read_for_serving(
        self, site: str, subject: str | None, *, pointer: bool, timeout: float
    ) -> ServingRead:
        self.asked += 1
        return TABLE.read_for_serving(site, subject, pointer=pointer, timeout=timeout)


def test_twenty_slots_are_one_pass_with_one_read_and_no_item_twice() -> None:
    slots = [Slot(f"s{n}", limit=2, sources=("new",)) for n in range(20)]
    table = Counting()
    deps = Deps(SITE, table, live(build(ITEMS, slots, history=HISTORY)), KEYS, 0.05)
    found = decide(ask(*(s.name for s in slots)), Visit("v:ann", consent=True), deps, NOW)
    shown = [item for fragment in found.fragments.values() for item in fragment.items]
    assert table.asked == 1
    assert len(shown) == len(set(shown)) == 40


def test_the_slot_of_higher_priority_has_first_choice_and_public_slots_have_it_before_all() -> None:
    eager = Slot("other", limit=6, sources=("new",), priority=5)
    plain, first = page([ROW, OTHER]), page([ROW, eager])
    assert plain["row"].items == first["other"].items
    assert list(first) == ["row", "other"], "in the order asked, whoever chose first"
    with_shelf = page([eager, SHELF])
    assert with_shelf["shelf"].items == page([SHELF])["shelf"].items


def test_what_is_owned_or_seen_is_left_out_and_a_public_slot_does_not_look() -> None:
    owned, seen = ("i1", "i2"), ("i3",)
    found = page([SHELF, ROW], owned=owned, seen=seen)
    assert not {*owned, *seen} & set(found["row"].items)
    assert found["row"].scope is Scope.VISITOR
    assert found["shelf"].body == page([SHELF, ROW])["shelf"].body
    department = Slot("department", limit=20, sources=("category",))
    shown = page([department], category="c1", owned=("i1",), seen=("i5",))["department"].items
    assert "i1" in shown, "a department shows all of itself"
    assert "i5" not in shown, "what was seen is to be shown no more"


def test_without_consent_nothing_is_known_of_what_is_owned() -> None:
    edition = build(ITEMS, [ROW], history=HISTORY)
    shown = decide_for(None, ask("row", owned=("i0",)), edition, TABLE, consent=False).fragments
    assert "i0" in shown["row"].items


# ---- more ----


def test_more_goes_on_where_the_list_ended_and_ends_with_it() -> None:
    shown: list[str] = []
    after = ""
    for _ in range(20):
        fragment = page([ROW], SlotRequest("row", after=after))["row"]
        if not fragment.items:
            break
        shown += fragment.items
        after = cursor(fragment)
    assert shown == [f"i{n}" for n in range(40)] or sorted(shown) == sorted(i.id for i in ITEMS)
    assert cursor(fragment) == ""


def test_what_stood_elsewhere_on_the_page_does_not_come_with_more() -> None:
    first = page([ROW, OTHER])
    more = page([OTHER], SlotRequest("other", after=cursor(first["other"])))["other"]
    assert not {*first["row"].items, *first["other"].items} & set(more.items)


def test_more_of_a_public_list_stays_public() -> None:
    first = page([SHELF])["shelf"]
    more = [
        page([SHELF], SlotRequest("shelf", after=cursor(first)), subject=subject)["shelf"]
        for subject in (None, "v:ann")
    ]
    assert more[0].body == more[1].body
    assert more[0].scope < Scope.VISITOR


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[:-1],
        lambda text: "A" + text[1:],
        lambda text: text.swapcase(),
        lambda _: "x",
        lambda _: "\0",
    ],
)
def test_a_cursor_that_is_not_ours_is_refused_with_the_way_out(spoil: Any) -> None:
    text = cursor(page([ROW])["row"])
    with pytest.raises(BadInput, match="leave it out") as caught:
        page([ROW], SlotRequest("row", after=spoil(text)))
    assert caught.value.field == "after"


def test_a_cursor_of_another_list_is_refused() -> None:
    text = cursor(page([ROW])["row"])
    with pytest.raises(BadInput, match="another list"):
        page([ROW, OTHER], SlotRequest("other", after=text))


def test_any_flipped_bit_of_a_cursor_is_refused() -> None:
    text = cursor(page([ROW])["row"])
    for at in range(len(text)):
        for bit in range(8):
            flipped = text[:at] + chr(ord(text[at]) ^ 1 << bit) + text[at + 1 :]
            with pytest.raises(BadInput):
                cursors.decode(flipped, SITE, "row", KEYS)


def test_a_list_ends_before_its_cursor_grows_without_end() -> None:
    items = catalogue(cursors.MOST_SHOWN + 60, categories=1)
    edition = build(items, [Slot("row", limit=50, sources=("category",))])
    after, shown, longest = "", 0, 0
    while True:
        want = SlotRequest("row", after=after)
        fragment = decide_for(None, ask(want, category="c0"), edition, TABLE).fragments["row"]
        shown, after = shown + len(fragment.items), cursor(fragment)
        longest = max(longest, len(after))
        if not after:
            break
    assert cursors.MOST_SHOWN <= shown <= cursors.MOST_SHOWN + 50
    assert longest <= cursors.MOST_CHARACTERS


@st.composite
def turns(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Pages of one list, with all that may change between two of them."""
    return draw(
        st.lists(
            st.fixed_dictionaries(
                {
                    "items": st.permutations([f"i{n}" for n in range(24)]),
                    "gone": st.integers(0, 10),
                    "liked": st.lists(st.integers(0, 23), max_size=6),
                    "column": st.integers(0, 5),
                    "limit": st.integers(1, 7),
                    "pin": st.integers(0, 23),
                    "explore": st.sampled_from([0.0, 0.5]),
                    "broken": st.booleans(),
                }
            ),
            min_size=2,
            max_size=6,
        )
    )


def repeats(script: Sequence[dict[str, Any]]) -> list[str]:
    """Items that "more" showed again though the list had shown them before."""
    after = ""
    shown: list[str] = []
    for turn in script:
        edition, table = _scene(turn)
        want = SlotRequest("row", limit=turn["limit"], after=after)
        ranker = None if turn["broken"] else ScoreByPrice(turn["column"])
        fragment = decide_for("v:ann", ask(want), edition, table, ranker).fragments["row"]
        shown += fragment.items
        after = cursor(fragment)
        if not after:
            break
    return [item for item, count in Counter(shown).items() if count > 1]


def _scene(turn: dict[str, Any]) -> tuple[Edition, Any]:
    by_id = {item.id: item for item in catalogue(24)}
    items = [by_id[name] for name in turn["items"][turn["gone"] :]]
    history = acts("v:ann", [f"i{n}" for n in turn["liked"]] or ["i0"])
    slot = Slot(
        "row", sources=("own", "popular", "new"), explore=turn["explore"], fallback=("i1", "i2")
    )
    pin = Rule("pin", "pin", item=f"i{turn['pin']}")
    return build(items, [slot], history=history, site_rules=[pin]), table_with(history)


@given(turns())
def test_more_never_repeats_an_item_whatever_changes_in_between(
    script: list[dict[str, Any]],
) -> None:
    assert not repeats(script)


def test_the_property_above_turns_red_when_a_cursor_holds_positions_instead_of_items(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import numpy as np  # noqa: PLC0415 - of this test alone

    positions = property(lambda self: np.arange(len(self.item_ids), dtype=np.uint32))
    monkeypatch.setattr(Snapshot, "id_marks", positions)
    names = [f"i{n}" for n in range(24)]
    turn = {"gone": 0, "liked": [], "column": 0, "limit": 7, "pin": 3, "explore": 0.0}
    script = [
        {**turn, "items": names, "broken": True},
        {**turn, "items": names[::-1], "broken": True},
    ]
    assert repeats(script)


# ---- constraints hold after diversity ----


@given(
    st.permutations(list(range(24))),
    st.floats(0, 1),
    st.integers(1, 12),
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 23)), max_size=3),
    st.lists(st.tuples(st.integers(2, 5), st.integers(1, 3)), max_size=3),
    st.lists(st.integers(0, 23), max_size=8, unique=True),
)
def test_pins_and_caps_hold_after_diversity(
    ranked: list[int],
    strength: float,
    limit: int,
    pins: list[tuple[int, int]],
    caps: list[tuple[int, int]],
    taken: list[int],
) -> None:
    import numpy as np  # noqa: PLC0415 - of this test alone

    groups = [(np.arange(24) % modulo).astype(np.int32) for modulo, _ in caps]
    free = [item for item in ranked if item not in taken]
    allowed = np.isin(np.arange(24), free)
    found = tuple(
        Cap(group, most, Counter(group[taken].tolist()))
        for group, (_, most) in zip(groups, caps, strict=True)
    )
    kept = tuple(sorted({at: item for at, item in pins if allowed[item]}.items()))
    eligible = Eligibility(allowed, kept, found)
    varied = diversify(free, [item % 4 for item in free], limit, strength)
    assert sorted(varied) == sorted(free), "diversity loses and invents nothing"
    shown = rerank(varied, eligible, limit)
    assert len(shown) == len(set(shown)) <= limit
    for cap in found:
        count = Counter(cap.group[shown].tolist())
        for group, n in count.items():
            assert n == 0 or n + cap.used.get(group, 0) <= max(cap.most, cap.used.get(group, 0) + 0)


def test_more_variety_never_shows_a_category_before_its_turn() -> None:
    ranked = list(range(12))
    shown = diversify(ranked, [item // 6 for item in ranked], 4, 1.0)[:4]
    assert all(one // 6 != other // 6 for one, other in pairwise(shown))
