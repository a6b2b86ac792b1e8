"""What a rule forbids is shown on no rung, whoever asks and whatever fails: held against a plain reading."""

from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hemline.decide import rule_plan
from hemline.decide.rules import Rules
from hemline.model.decision import Rung, Scope
from hemline.model.item import Item
from hemline.model.rule import Condition, Every, Not, Rule, Segment, Some, When
from hemline.model.slot import Slot, Variant
from tests.support.deciding import Broken, acts, ask, decide_for, table_with
from tests.support.editions import NOW, ScoreByPrice, build, catalogue, with_fields

ITEMS = [
    with_fields(item, tags=("even",) if n % 2 == 0 else ()) for n, item in enumerate(catalogue(16))
]
BY_ID = {item.id: item for item in ITEMS}
PEOPLE = {"v:ann": ["i1", "i5", "i9"], "v:ben": ["i2"]}
HISTORIES = {who: acts(who, items) for who, items in PEOPLE.items()}
TABLE = table_with(*HISTORIES.values())
SEGMENTS = (Segment("keen", (Condition("visitor.count.click", "ge", 2),)),)

LEAVES = st.sampled_from(
    [
        Condition("trait.country", "eq", "GB"),
        Condition("trait.country", "in", ["FR", "DE"]),
        Condition("trait.country", "starts_with", "G"),
        Condition("page.item", "eq", "i3"),
        Condition("page.item", "exists", value=False),
        Condition("visitor.count.click", "ge", 2),
        Condition("visitor.count.click", "lt", 2),
        Condition("segment.keen", "eq", value=True),
        Condition("trait.country", "gt", 3),
        Condition("nothing.known", "exists", value=False),
    ]
)
TREES: st.SearchStrategy[When] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: Every(tuple(parts))),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: Some(tuple(parts))),
        inner.map(Not),
    ),
    max_leaves=5,
)
SETS = st.sampled_from(
    [
        {"item": "i1"},
        {"value": "c1"},
        {"op": "ne", "value": "c1"},
        {"attribute": "price", "op": "gt", "value": 8},
        {"where": (Condition("item.tag", "eq", "even"),)},
        {"item": "i4", "where": (Not(Condition("item.price", "lt", 3)),)},
    ]
)
SCHEDULES = st.sampled_from(
    [{}, {}, {"since": NOW - 600_000}, {"since": NOW + 600_000}, {"until": NOW - 600_000}]
)


@st.composite
def rules(draw: st.DrawFn) -> tuple[Rule, ...]:
    def one(n: int) -> Rule:
        action = draw(
            st.sampled_from(["exclude", "include", "block", "cap", "pin", "boost", "share"])
        )
        chosen = {"item": "i2"} if action in {"block", "pin"} else draw(SETS)
        chosen = {} if action == "cap" else chosen
        when = tuple(draw(st.lists(TREES, max_size=2)))
        segments = draw(st.sampled_from([(), (), ("keen",)]))
        more = {"share": 0.5, "times": 3.0, "count": 2, "priority": draw(st.integers(-1, 1))}
        return Rule(
            f"r{n}", action, when=when, segments=segments, **chosen, **draw(SCHEDULES), **more
        )

    return tuple(one(n) for n in range(draw(st.integers(1, 5))))


class Case(NamedTuple):
    """One request."""

    rules: tuple[Rule, ...]
    who: str | None = "v:ann"
    country: str = "GB"
    item: str | None = None
    broken: bool = False
    ranker: bool = True


CASES = st.builds(
    Case,
    rules(),
    st.sampled_from([None, *PEOPLE]),
    st.sampled_from(["GB", "FR", ""]),
    st.sampled_from([None, "i3"]),
    st.booleans(),
    st.booleans(),
)
SLOTS = (
    Slot("row", limit=8, fallback=("i1", "i2", "i3")),
    Slot("second", limit=8, sources=("popular", "new"), fallback=("i1", "i4")),
)


class Doubt(Exception):  # noqa: N818 - nobody can tell
    """The fact cannot be had, or does not compare so."""


def value_of(fact: str, case: Case) -> object:
    """None when it is not there."""
    if fact == "visitor.count.click":
        if case.who is None:
            return None
        if case.broken:
            raise Doubt
        return len(PEOPLE[case.who])
    return {"trait.country": case.country, "page.item": case.item}.get(fact)


def compares(op: str, found: Any, value: Any) -> bool:
    if op == "exists":
        return (found not in {None, ""}) is (value is not False)
    if found is None:
        return False
    if op in {"gt", "ge", "lt"} and isinstance(found, str):
        raise Doubt
    plain = {"eq": found == value, "ne": found != value, "in": op == "in" and found in value}
    if op in plain:
        return bool(plain[op])
    if op == "starts_with":
        return str(found).startswith(value)
    return bool({"gt": found > value, "ge": found >= value, "lt": found < value}[op])


def holds(one: When, case: Case) -> bool:
    """The plain reading of a condition."""
    if isinstance(one, Every):
        return all(holds(part, case) for part in one.of)
    if isinstance(one, Some):
        return any(holds(part, case) for part in one.of)
    if isinstance(one, Not):
        return not holds(one.of, case)
    if one.fact == "segment.keen":
        return holds(SEGMENTS[0].when[0], case) is bool(one.value)
    return compares(one.op, value_of(one.fact, case), one.value)


def in_force(rule: Rule, case: Case) -> bool:
    """Rules that take away are in force in doubt."""
    if (rule.since or 0) > NOW or (rule.until or NOW + 1) <= NOW:
        return False
    try:
        mine = not rule.segments or holds(SEGMENTS[0].when[0], case)
        return mine and all(holds(one, case) for one in rule.when)
    except Doubt:
        return True


def selected(rule: Rule, item: Item) -> bool:
    """The plain reading of a set of items."""

    def about(one: When) -> bool:
        if isinstance(one, Not):
            return not about(one.of)
        assert isinstance(one, Condition)
        values = {"item.tag": item.tags, "item.price": (item.price,)}[one.fact]
        return any(compares(one.op, value, one.value) for value in values)

    values = item.categories if rule.attribute == "category" else (item.price,)
    hits = [compares(rule.op, value, rule.value) for value in values]
    named = rule.item is None or rule.item == item.id
    return named and (not rule.compares or any(hits)) and all(about(one) for one in rule.where)


def forbidden(rule: Rule, shown: list[Item]) -> bool:
    """Whether a list breaks a rule that is in force."""
    if rule.action in {"block", "exclude"}:
        return any(selected(rule, item) for item in shown)
    if rule.action == "include":
        return not all(selected(rule, item) for item in shown)
    if rule.action == "cap":
        first = [item.categories[0] for item in shown]
        return any(first.count(category) > rule.count for category in first)
    return False


def broken_rules(case: Case) -> list[str]:
    """Names of rules that some list of the page breaks."""
    edition = build(
        ITEMS,
        SLOTS,
        history=[record for history in HISTORIES.values() for record in history],
        site_rules=case.rules,
        segments=SEGMENTS,
    )
    question = ask("row", "second", country=case.country, item=case.item)
    table = Broken() if case.broken else TABLE
    ranker = ScoreByPrice() if case.ranker else None
    fragments = decide_for(case.who, question, edition, table, ranker).fragments
    lists = [[BY_ID[name] for name in fragment.items] for fragment in fragments.values()]
    due = [rule for rule in case.rules if in_force(rule, case)]
    return [rule.name for rule in due if any(forbidden(rule, shown) for shown in lists)]


UNREADABLE = Case(
    (Rule("keen-only", "exclude", when=(Condition("visitor.count.click", "ge", 2),), value="c1"),),
    broken=True,
)
PLAIN = Case((Rule("none-of-these", "exclude", value="c1"),))


@given(CASES)
@example(UNREADABLE)
@example(PLAIN)
def test_what_a_rule_forbids_is_shown_on_no_rung(case: Case) -> None:
    assert broken_rules(case) == []


def test_it_turns_red_when_a_failed_rule_is_taken_for_no_match(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rule_plan.Plan, "_doubt", lambda *_: None)
    assert broken_rules(UNREADABLE) == ["keen-only"]


def test_it_turns_red_when_the_sets_of_rules_are_not_taken_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Rules, "_restrict", lambda *_: None)
    assert broken_rules(PLAIN) == ["none-of-these"]


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
