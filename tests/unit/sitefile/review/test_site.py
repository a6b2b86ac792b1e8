"""A review of rules says what a careful reader would, and what it calls void really changes nothing."""

from typing import Any

import pytest

from hemline.model.item import Item
from hemline.model.site.rule import Condition, Rule, Segment, Some
from hemline.model.site.site import Site
from hemline.model.site.slot import PageCap, Slot, Variant
from hemline.sitefile.review.site import Against, live_rules, review
from tests.builders.editions import NOW, catalogue

DAY = 86_400_000
MINUTE = NOW - NOW % 60_000
"""What decisions read as the time."""
GB = (Condition("trait.country", "eq", "GB"),)
BRITISH_ISLES = (Condition("trait.country", "in", ["GB", "IE"]),)
DE = (Condition("trait.country", "eq", "DE"),)
ROW, TOP, HERO = Slot("row"), Slot("top", limit=3), Slot("hero", kind="content")


def said(*rules: Rule, items: list[Item] | None = None, **fields: Any) -> set[tuple[str, str]]:
    """(name of the rule, severity and code) of everything but that a rule has no end."""
    site = Site("Shop", "EUR", slots=(ROW, TOP, HERO), rules=rules, **fields)
    found = review(site, Against(NOW, items))
    return {
        (site.rules[int(r.path[1])].name, f"{r.severity} {r.code}")
        for r in found
        if r.code != "no-end" and r.path[0] == "rules"
    }


BLOCK = Rule("b", "block", item="i1")
PIN = Rule("p", "pin", item="i1")


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([PIN, Rule("b", "block", item="i2")], {}),
        ([PIN, BLOCK], {("p", "error contradiction")}),
        ([Rule("p", "pin", item="i1", when=GB), BLOCK], {("p", "error contradiction")}),
        ([PIN, Rule("b", "block", item="i1", when=GB)], {("p", "warning contradiction")}),
        ([Rule("p", "pin", item="i1", when=DE), Rule("b", "block", item="i1", when=GB)], {}),
        ([Rule("p", "pin", ("row",), item="i1"), Rule("b", "block", ("top",), item="i1")], {}),
        ([Rule("p", "pin", ("row",), item="i1"), BLOCK], {("p", "error contradiction")}),
        ([PIN, Rule("q", "pin", item="i1")], {("q", "error shadowed")}),
        ([Rule("p", "pin", item="i1", when=GB), Rule("q", "pin", item="i1", when=BRITISH_ISLES)],
         {("p", "error shadowed")}),
        ([PIN, Rule("q", "pin", item="i2")], {("q", "warning overruled")}),
        ([PIN, Rule("q", "pin", item="i2", priority=1)], {("p", "warning overruled")}),
        ([Rule("p", "pin", item="i1", when=GB), Rule("q", "pin", item="i2", when=DE)], {}),
        ([PIN, Rule("q", "pin", item="i1", position=2)], {("q", "warning overruled")}),
        ([Rule("p", "pin", item="i1", position=5)], {("p", "warning beyond")}),
        ([BLOCK, Rule("c", "exclude", item="i1", when=GB)], {("c", "error shadowed")}),
        ([Rule("c", "cap", count=2), Rule("d", "cap", count=3)], {("d", "error shadowed")}),
        ([Rule("c", "cap", count=2, when=GB), Rule("d", "cap", count=3)], {}),
        ([Rule("f", "filter", attribute="price", op="lt", value=5.0),
          Rule("g", "filter", attribute="price", op="gt", value=9.0)], {("g", "error contradiction")}),
        ([Rule("f", "filter", attribute="tag", value="a"),
          Rule("g", "filter", attribute="tag", value="b")], {}),
        ([Rule("s", "suppress", ("row",)), Rule("p", "pin", ("row",), item="i1", priority=2)],
         {("p", "error shadowed")}),
        ([Rule("p", "pin", ("hero",), item="i1")], {("p", "error wrong-kind")}),
        ([Rule("b", "block", ("hero",), item="i1")], {}),
        ([Rule("r", "reorder", section="a")], {("r", "error wrong-kind")}),
        ([Rule("s", "suppress"), BLOCK], {("b", "error shadowed")}),
        ([Rule("p", "pin", item="i1", when=GB + DE)], {("p", "error dead")}),
        ([Rule("p", "pin", item="i1", when=(Condition("trait.device", "eq", "phone"),))],
         {("p", "error dead")}),
        ([Rule("p", "pin", item="i1", until=MINUTE)], {("p", "warning over")}),
        ([Rule("u", "boost", item="i1", times=2), Rule("d", "bury", item="i1", times=0.5)],
         {("d", "warning contradiction")}),
        ([Rule("u", "boost", item="i1", times=2), Rule("d", "bury", item="i2", times=0.5)], {}),
        ([Rule("u", "boost", item="i1", times=2, when=GB),
          Rule("d", "bury", item="i1", times=0.5, when=DE)], {}),
        ([Rule("s", "share", attribute="tag", value="a", share=0.7),
          Rule("t", "share", attribute="tag", value="b", share=0.7)], {("t", "warning contradiction")}),
        ([Rule("s", "share", attribute="tag", value="a", share=0.5),
          Rule("t", "share", attribute="tag", value="b", share=0.5)], {}),
        ([Rule("s", "share", attribute="tag", value="a", share=0.7),
          Rule("t", "share", attribute="tag", value="a", share=0.6)], {("t", "error shadowed")}),
        ([Rule("p", "pin", item="i1", until=NOW + DAY, since=NOW + DAY)], {("p", "error dead")}),
        ([Rule("p", "pin", item="i1", when=(Condition("clock.minute", "lt", MINUTE),))],
         {("p", "warning over")}),
        ([Rule("p", "pin", item="i1", segments=("isles",), when=DE)], {("p", "error dead")}),
    ],
)  # fmt: skip
def test_a_review_says_what_a_careful_reader_would(
    rules: list[Rule], expected: set[tuple[str, str]]
) -> None:
    isles = Segment("isles", (Some(BRITISH_ISLES),))
    assert said(*rules, segments=(isles,)) == set(expected)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Rule("r", "pin", item="i1"), set()),
        (Rule("r", "pin", item="i99"), {"missing-item"}),
        (Rule("r", "block", attribute="category", value="c1"), set()),
        (Rule("r", "block", attribute="category", value="c11"), {"no-item"}),
        (Rule("r", "filter", attribute="colour", value="red"), {"missing-attribute"}),
        (Rule("r", "cap", attribute="colour"), {"missing-attribute"}),
        (Rule("r", "boost", where=(Condition("item.prise", "gt", 2.0),)), {"missing-attribute"}),
        (Rule("r", "boost", where=(Condition("item.price", "gt", 2000.0),)), {"no-item"}),
        (Rule("r", "pin", item="i1", when=(Condition("page.category", "in", ["c1", "cc"]),)),
         {"missing-category"}),
    ],
)  # fmt: skip
def test_references_are_held_against_the_catalogue(rule: Rule, expected: set[str]) -> None:
    codes = {code for _, what in said(rule, items=catalogue(8)) for code in what.split()[1:]}
    assert codes == expected


def test_a_pin_that_a_filter_takes_away_is_told() -> None:
    rules = (PIN, Rule("f", "filter", attribute="category", value="c2"))
    assert said(*rules, items=catalogue(8)) == {("p", "warning contradiction")}
    assert said(*rules) == set()


def test_rules_without_an_end_are_told_promotions_louder() -> None:
    rules = (
        PIN,
        Rule("b", "block", item="i2"),
        Rule("q", "pin", item="i3", position=2, until=NOW + DAY),
    )
    found = review(Site(slots=(ROW,), rules=rules), Against(NOW))
    assert [(r.path, r.severity, r.code) for r in found] == [
        (("rules", 0), "warning", "no-end"),
        (("rules", 1), "note", "no-end"),
    ]


def test_a_variant_behind_one_that_always_may_be_shown_is_told() -> None:
    variants = (
        Variant("all"),
        Variant("gb", when=GB),
        Variant("tea", category="tea"),
        Variant("last"),
    )
    slot = Slot("hero", kind="content", variants=variants, fallback=("last",))
    found = review(Site(slots=(slot,)), Against(NOW))
    assert [(r.path[-1], r.code) for r in found] == [(1, "shadowed")]


def test_a_slot_that_explores_shows_every_variant_that_may_be_shown() -> None:
    both = (Variant("a"), Variant("b"))
    plain, curious = (Slot("hero", kind="content", variants=both, explore=e) for e in (0.0, 0.1))
    codes = [{r.code for r in review(Site(slots=(one,)), Against(NOW))} for one in (plain, curious)]
    assert codes == [{"shadowed"}, set()]


def test_suppressing_leaves_layouts_alone() -> None:
    home = Slot("home", kind="layout", sections=("a", "b"))
    rules = (Rule("s", "suppress"), Rule("r", "reorder", section="b"))
    found = review(Site(slots=(ROW, home), rules=rules), Against(NOW))
    assert {r.code for r in found} == {"no-end"}


def test_what_is_live_at_a_moment() -> None:
    rules = (
        Rule("then", "pin", item="i1", since=MINUTE, until=MINUTE + DAY),
        Rule("later", "block", item="i2", since=MINUTE + DAY),
        Rule("always", "cap"),
        Rule("nights", "block", item="i3", when=(Condition("clock.hour", "ge", 22),)),
    )
    site = Site(slots=(ROW,), rules=rules)
    assert [r.name for r in live_rules(site, NOW)] == ["then", "always", "nights"]
    assert [r.name for r in live_rules(site, NOW + DAY)] == ["later", "always", "nights"]
    noon = NOW - NOW % DAY + DAY // 2
    assert "nights" not in [r.name for r in live_rules(site, noon)]


def test_a_page_cap_over_what_no_item_has_is_told() -> None:
    site = Site("Shop", "EUR", slots=(ROW,), page_caps=(PageCap("brnd"), PageCap("category")))
    found = [r for r in review(site, Against(NOW, catalogue(3))) if r.path[0] == "page_caps"]
    assert [(r.path, r.code) for r in found] == [
        (("page_caps", 0, "attribute"), "missing-attribute")
    ]


def test_a_promotion_that_asks_for_days_has_an_end_and_is_over_after_it() -> None:
    december = (Condition("trait.date", "between", ["2023-12-01", "2023-12-24"]),)
    pin = Rule("p", "pin", item="i1", when=december)
    site = Site("Shop", "EUR", slots=(ROW,), rules=(pin,))
    assert [r.code for r in review(site, Against(NOW)) if r.path[0] == "rules"] == []
    later = review(site, Against(NOW + 60 * DAY))
    assert [r.code for r in later if r.path[0] == "rules"] == ["over"]
    assert [list(live_rules(site, NOW + at * DAY)) for at in (0, 30, 60)] == [[], [pin], []]


def test_a_rule_whose_dates_never_come_is_told_by_their_names() -> None:
    rule = Rule("p", "pin", item="i1", since=MINUTE + DAY, until=MINUTE)
    site = Site("Shop", "EUR", slots=(ROW,), rules=(rule,))
    assert "`from`, `until`" in review(site, Against(NOW))[0].problem


def test_what_a_fact_can_be_is_said_with_the_way_out() -> None:
    rule = Rule("p", "block", item="i1", when=(Condition("visitor.affinity.c1", "ge", 50),))
    site = Site("Shop", "EUR", slots=(ROW,), rules=(rule,))
    assert "visitor.affinity.c1 is 0 to 1" in review(site, Against(NOW))[0].way_out
