"""A text that is too much work for a rule's pattern: no match, told, and no visitor waits for it."""

from typing import Any

import pytest

from hemline.adapters.memory import MemoryTable
from hemline.decide.rules import operators
from hemline.decide.rules.masks import misfits
from hemline.model.site.rule import Condition, Not, Rule
from hemline.model.site.slot import Slot, Variant
from hemline.sitefile.review.items import members
from tests.builders.editions import build, catalogue, with_fields
from tests.harness.deciding import ask, decide_for

PATTERN = "(.?){200}z"
LONG = "".join(chr(0x4E00 + n) for n in range(2048))
SPRING = Condition("page.url", "matches", PATTERN)
HERO = Slot(
    "hero",
    kind="content",
    personal=False,
    variants=(Variant("spring", when=(SPRING,)), Variant("any")),
    fallback=("any",),
)
LIST = Slot("row", personal=False, sources=("popular",))


def decided(url: str, *rules: Rule) -> Any:
    edition = build(catalogue(8), [HERO, LIST], site_rules=rules)
    return decide_for(None, ask("hero", "row", url=url), edition, MemoryTable())


def told(found: Any) -> list[str]:
    return [fault for fault in found.faults if "matches" in fault]


def test_a_search_that_is_given_up_is_no_match_and_is_told() -> None:
    found = decided(LONG)
    assert b'"name":"any"' in found.fragments["hero"].body
    assert found.fragments["hero"].unfinished == 1
    (fault,) = told(found)
    assert "hero: page.url matches" in fault
    assert "gave up on a text of 2048 characters, taken as no match" in fault


def test_the_same_pattern_on_an_address_as_they_are_is_searched_to_its_end() -> None:
    found = decided("/az")
    assert b'"name":"spring"' in found.fragments["hero"].body
    assert (told(found), found.fragments["hero"].unfinished) == ([], 0)


def test_it_is_no_fault_of_the_rule_and_takes_no_slot_a_rung_down() -> None:
    for_all = Rule("for-all", "exclude", ("row",), (SPRING,), value="c1")
    found, without = decided(LONG, for_all), decided(LONG)
    assert found.fragments["row"].items == without.fragments["row"].items
    assert found.fragments["row"].rung == without.fragments["row"].rung
    assert found.fragments["row"].unfinished == 1


def test_no_match_is_no_match_below_a_not_too() -> None:
    unless = Rule("unless", "suppress", ("row",), (Not(SPRING),))
    assert not decided(LONG, unless).fragments["row"].items
    assert not decided("/", unless).fragments["row"].items
    assert decided("/az", unless).fragments["row"].items


def test_the_slots_of_a_page_search_a_text_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    operators._matches.cache_clear()
    search = operators._search

    def watched(meets: Any, text: str) -> Any:
        asked.append(text)
        return search(meets, text)

    monkeypatch.setattr(operators, "_search", watched)
    slots = [Slot(f"s{n}", personal=False, sources=("popular",)) for n in range(20)]
    rule = Rule("all", "exclude", (), (SPRING,), value="c1")
    edition = build(catalogue(8), slots, site_rules=[rule])
    page = ask(*(slot.name for slot in slots), url=LONG)
    found = decide_for(None, page, edition, MemoryTable())
    assert all(fragment.unfinished == 1 for fragment in found.fragments.values())
    assert asked.count(LONG) == 1


ITEMS = [
    with_fields(item, attributes={"title": LONG if n == 3 else "az"[n % 2 :]})
    for n, item in enumerate(catalogue(8))
]


@pytest.mark.parametrize(
    ("action", "doubtful_in"), [("exclude", True), ("include", False), ("boost", False)]
)
def test_of_an_items_text_less_is_shown_in_doubt_and_publishing_says_so(
    action: Any, doubtful_in: bool
) -> None:
    rule = Rule("titles", action, attribute="title", op="matches", value=PATTERN)
    assert bool(members(rule, ITEMS)[3]) is doubtful_in
    assert members(rule, ITEMS)[[0, 1]].tolist() == [True, True]
    (line,) = misfits([rule], ITEMS)
    assert line.startswith("rule titles compares 1 items")
    assert "too long for its pattern" in line
