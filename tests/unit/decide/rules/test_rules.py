"""Rules: compiled at publish, and what they forbid is never shown, whatever the list."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemline.decide.facts.facts import Fact, Facts, FactSource
from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.ranking.rerank import rerank
from hemline.decide.rules.eligibility import Cap, Eligibility, Rules, sections
from hemline.model.item import Item
from hemline.model.site.rule import Condition, Rule
from tests.builders.editions import NOW, build, catalogue, with_fields


def facts(country: str = "GB", now: int = NOW) -> Facts:
    values = {"clock.minute": now, "trait.country": country}
    makers = {name: (lambda v=value: Fact(v, b"")) for name, value in values.items()}
    return Facts(FactSource(makers), personal=True)


def in_force(
    rules: list[Rule], items: list[Item] | None = None, **kwargs: Any
) -> tuple[Snapshot, Eligibility]:
    snapshot = Snapshot(build(items or catalogue(8), [], site_rules=rules))
    nothing = np.empty(0, np.int32)
    return snapshot, Rules(snapshot).in_force("row", facts(**kwargs), nothing)


def allowed(snapshot: Snapshot, eligible: Eligibility) -> set[str]:
    return {snapshot.item_ids[i] for i in np.flatnonzero(eligible.allowed)}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Rule("r", "block", item="i3"), "i0 i1 i2 i4 i5 i6 i7"),
        (Rule("r", "block", item="i3", slots=("other",)), "i0 i1 i2 i3 i4 i5 i6 i7"),
        (Rule("r", "block", item="nowhere"), "i0 i1 i2 i3 i4 i5 i6 i7"),
        (Rule("r", "filter", attribute="category", value="c1"), "i1 i5"),
        (Rule("r", "filter", attribute="category", op="ne", value="c1"), "i0 i2 i3 i4 i6 i7"),
        (Rule("r", "filter", attribute="category", op="in", value=["c1", "c2"]), "i1 i2 i5 i6"),
        (Rule("r", "filter", attribute="price", op="le", value=3.0), "i0 i1 i2"),
        (Rule("r", "filter", attribute="kind", value="product"), "i0 i1 i2 i3 i4 i5 i6 i7"),
        (Rule("r", "filter", attribute="colour", op="exists"), ""),
        (
            Rule("r", "filter", attribute="colour", op="exists", value=False),
            "i0 i1 i2 i3 i4 i5 i6 i7",
        ),
        (
            Rule("r", "block", item="i3", when=(Condition("trait.country", "eq", "DE"),)),
            "i0 i1 i2 i3 i4 i5 i6 i7",
        ),
    ],
)
def test_a_rule_allows_exactly_what_it_says(rule: Rule, expected: str) -> None:
    assert allowed(*in_force([rule])) == set(expected.split())


def test_what_is_sold_out_or_not_published_yet_is_never_allowed() -> None:
    items = catalogue(4)
    items[1] = with_fields(items[1], stock=0)
    items[2] = with_fields(items[2], published_at=NOW + 120_000)
    assert allowed(*in_force([], items)) == {"i0", "i3"}
    assert allowed(*in_force([], items, now=NOW + 120_000)) == {"i0", "i2", "i3"}


def test_a_pin_of_a_blocked_item_is_no_pin() -> None:
    rules = [Rule("p", "pin", item="i3"), Rule("b", "block", item="i3")]
    assert in_force(rules)[1].pins == ()


def test_pins_stand_at_their_positions() -> None:
    rules = [Rule("a", "pin", item="i3", position=2), Rule("b", "pin", item="i5", position=1)]
    _, eligible = in_force(rules)
    assert rerank([0, 1, 2, 3, 4, 5], eligible, 4) == [5, 3, 0, 1]


def test_a_cap_counts_pins_too() -> None:
    rules = [Rule("p", "pin", item="i4"), Rule("c", "cap", count=1)]
    _, eligible = in_force(rules)
    # i0, i4 share category c0; i1, i5 share c1.
    assert rerank([0, 1, 5, 2], eligible, 4) == [4, 1, 2]


def test_groups_of_a_cap_leave_items_without_the_attribute_free() -> None:
    items = catalogue(4)
    items[0] = with_fields(items[0], categories=())
    payload = sections([Rule("c", "cap")], items)["rule_group"]
    assert np.frombuffer(payload[2], "<i4").tolist() == [-1, 0, 1, 2]


@st.composite
def eligibilities(draw: st.DrawFn) -> tuple[list[int], Eligibility, int]:
    n = draw(st.integers(1, 30))
    mask = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    groups = st.lists(st.integers(-1, 4), min_size=n, max_size=n)
    caps = tuple(
        Cap(np.array(draw(groups), np.int32), draw(st.integers(1, 3)))
        for _ in range(draw(st.integers(0, 3)))
    )
    allowed_items = np.flatnonzero(mask).tolist()
    pin = (
        st.tuples(st.integers(0, 12), st.sampled_from(allowed_items))
        if allowed_items
        else st.nothing()
    )
    pins = dict(draw(st.lists(pin, max_size=4)) if allowed_items else [])
    order = draw(st.permutations(allowed_items))
    return order, Eligibility(mask, tuple(sorted(pins.items())), caps), draw(st.integers(1, 12))


@given(eligibilities())
def test_nothing_forbidden_nothing_twice_no_cap_exceeded(
    case: tuple[list[int], Eligibility, int],
) -> None:
    order, eligible, limit = case
    shown = rerank(order, eligible, limit)
    assert len(shown) == len(set(shown)) <= limit
    assert all(eligible.allowed[item] for item in shown)
    for cap in eligible.caps:
        groups = [g for g in cap.group[shown].tolist() if g >= 0]
        assert all(groups.count(g) <= cap.most for g in groups)


@given(eligibilities())
def test_without_caps_and_pins_it_is_the_head_of_the_list(
    case: tuple[list[int], Eligibility, int],
) -> None:
    order, eligible, limit = case
    assert rerank(order, eligible._replace(caps=(), pins=()), limit) == order[:limit]
