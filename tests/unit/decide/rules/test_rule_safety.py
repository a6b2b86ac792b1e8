"""Rules that fail or cannot be told: named, one rung down, and letting nothing through."""

from typing import Any

import numpy as np
import pytest

from hemline.decide.rules.eligibility import Rules
from hemline.model.decision import Rung, Scope
from hemline.model.site.rule import Condition, Rule, Segment
from hemline.model.site.slot import Slot, Variant
from tests.builders.editions import ScoreByPrice, build, catalogue, with_fields
from tests.harness.deciding import acts, ask, decide_for, table_with

ITEMS = [
    with_fields(item, tags=("even",) if n % 2 == 0 else ()) for n, item in enumerate(catalogue(16))
]
BY_ID = {item.id: item for item in ITEMS}
PEOPLE = {"v:ann": ["i1", "i5", "i9"], "v:ben": ["i2"]}
HISTORIES = {who: acts(who, items) for who, items in PEOPLE.items()}
TABLE = table_with(*HISTORIES.values())
SEGMENTS = (Segment("keen", (Condition("visitor.count.click", "ge", 2),)),)

SLOTS = (
    Slot("row", limit=8, fallback=("i1", "i2", "i3")),
    Slot("second", limit=8, sources=("popular", "new"), fallback=("i1", "i4")),
)


def answer(rule: Rule, who: str | None = "v:ann", **more: Any) -> Any:
    edition = build(ITEMS, SLOTS, history=HISTORIES["v:ann"], site_rules=[rule], segments=SEGMENTS)
    decided = decide_for(who, ask("row"), edition, TABLE, ScoreByPrice(), **more)
    return decided.fragments["row"], decided.faults


def test_a_failed_rule_is_reported_by_name_and_takes_the_slot_one_rung_down() -> None:
    fine, _ = answer(Rule("fine", "boost", item="i1", times=2.0))
    wrong = Rule("wrong", "boost", item="i1", when=(Condition("trait.country", "gt", 3),))
    fragment, faults = answer(wrong)
    assert (fine.rung, fragment.rung) == (Rung.MODEL, Rung.SEGMENT)
    assert any("rule wrong: Misfit" in fault for fault in faults)
    assert fragment.items


def test_a_rule_of_an_unknown_segment_fails_and_is_not_lost() -> None:
    fragment, faults = answer(Rule("lost", "exclude", segments=("nobody",), value="c1"))
    assert not [name for name in fragment.items if BY_ID[name].categories == ("c1",)]
    assert any("rule lost" in fault and "no segment nobody" in fault for fault in faults)


HERO = Slot(
    "hero",
    kind="content",
    personal=False,
    variants=(Variant("abroad", when=(Condition("trait.country", "ne", "GB"),)), Variant("any")),
    fallback=("abroad",),
)


def hero(*site_rules: Rule, country: str = "GB") -> Any:
    edition = build(ITEMS, [HERO], site_rules=site_rules)
    return decide_for(None, ask("hero", country=country), edition, TABLE).fragments["hero"]


def test_a_fallback_is_not_shown_where_its_own_conditions_do_not_hold() -> None:
    wrong = Rule(
        "wrong", "variant", ("hero",), (Condition("trait.country", "gt", 3),), variant="any"
    )
    assert b'"variant":null' in hero(wrong).body
    assert b'"name":"abroad"' in hero(wrong, country="FR").body
    assert hero(wrong).rung is Rung.STATIC


def test_a_rule_that_fails_suppresses_rather_than_shows() -> None:
    unsure = Rule("unsure", "suppress", when=(Condition("trait.country", "gt", 3),))
    assert b'"variant":null' in hero(unsure).body
    assert hero(unsure).reasons


def test_a_rule_for_lists_leaves_a_headline_public() -> None:
    theirs = Rule("theirs", "exclude", when=(Condition("visitor.known", "exists"),), value="c1")
    assert hero(theirs).scope is Scope.TRAIT


def test_nothing_is_shown_when_it_cannot_be_told_what_may_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def lost(*_: object) -> None:
        raise IndexError

    monkeypatch.setattr(Rules, "_restrict", lost)
    fragment, faults = answer(Rule("any", "block", item="i1"))
    assert (fragment.items, fragment.rung) == ((), Rung.STATIC)
    assert faults


def test_many_rules_that_fail_alike_make_one_line() -> None:
    same = (Condition("trait.country", "gt", 3),)
    edition = build(ITEMS, SLOTS, site_rules=[Rule(f"r{n}", "cap", when=same) for n in range(9)])
    faults = decide_for(None, ask("row"), edition, TABLE).faults
    assert len([fault for fault in faults if "r0, r1, r2 and 6 more" in fault]) == 1


def test_sets_of_items_are_kept_once_and_as_bits() -> None:
    site = [Rule(f"r{n}", "exclude", value="c1") for n in range(50)]
    section = build(ITEMS, SLOTS, site_rules=site).header.sections["rule_mask"]
    assert (section.dtype, section.shape) == ("|u1", (1, len(ITEMS) // 8))
    assert np.dtype(section.dtype).itemsize * len(ITEMS) // 8 == section.size
