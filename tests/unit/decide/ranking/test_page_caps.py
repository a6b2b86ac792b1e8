"""Caps over a whole page: all slots together, but for departments; the same for everybody where public."""

from collections import Counter

from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.ranking.page_caps import caps_left
from hemline.model.decision import Scope, SlotRequest
from hemline.model.site.rule import Rule
from hemline.model.site.slot import PageCap, Slot
from tests.builders.editions import build
from tests.builders.whole_pages import ITEMS, OTHER, ROW, SHELF, page


def test_a_page_shows_no_more_of_a_category_than_its_cap_whatever_the_slots() -> None:
    found = page([SHELF, ROW, OTHER], caps=[PageCap("category", 3)])
    shown = [item for fragment in found.values() for item in fragment.items]
    count = Counter(int(item[1:]) % 4 for item in shown)
    assert max(count.values()) == 3
    assert len(shown) == 12, "four categories, three of each: the page is as full as it may be"


def test_a_department_is_free_of_the_cap_and_takes_no_room_from_others() -> None:
    department = Slot("department", limit=3, sources=("category",), priority=9)
    wants = SlotRequest("department"), SlotRequest("row", limit=8)
    found = page([department, ROW], *wants, caps=[PageCap("category", 2)], category="c1")
    assert len(found["department"].items) == 3
    assert sum(int(item[1:]) % 4 == 1 for item in found["row"].items) == 2


def test_caps_of_several_attributes_hold_together() -> None:
    found = page([ROW, OTHER], caps=[PageCap("category", 3), PageCap("kind", 5)])
    assert sum(len(fragment.items) for fragment in found.values()) == 5


def test_a_public_slot_counts_public_ones_alone() -> None:
    slots, caps = [SHELF, ROW], [PageCap("category", 1)]
    both = page(slots, caps=caps)
    alone = page(slots, SlotRequest("shelf"), caps=caps, subject=None)
    assert both["shelf"].body == alone["shelf"].body
    assert both["shelf"].scope < Scope.VISITOR


def test_an_edition_without_page_caps_has_none() -> None:
    assert caps_left(Snapshot(build(ITEMS, [ROW])), ROW, [1, 2]) == ()


def test_a_department_whose_sources_a_rule_switches_is_none_any_more_and_counts() -> None:
    department = Slot("department", limit=6, sources=("category",), priority=9)
    switched = Rule("season", "source", ("department",), sources=("new",))
    found = page([department, ROW], caps=[PageCap("category", 1)], rules=[switched])
    shown = [item for fragment in found.values() for item in fragment.items]
    assert max(Counter(int(item[1:]) % 4 for item in shown).values()) == 1
