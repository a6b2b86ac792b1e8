"""Facts: what is read is traced, and scope and digest follow from the trace."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemline.decide.facts.facts import Fact, Facts, FactSource, MissingFact, scope_of
from hemline.decide.rules.conditions import all_hold, holds
from hemline.model.decision import Scope
from hemline.model.site.rule import Condition

VALUES = {
    "clock.minute": 60_000,
    "page.item": "i1",
    "trait.country": "GB",
    "visitor.recent": [1, 2],
    "page.cart": ["i9"],
}


def facts(change: Mapping[str, object] = {}, *, personal: bool = True) -> Facts:
    values = {**VALUES, **change}
    makers = {name: (lambda v=value: Fact(v, repr(v).encode())) for name, value in values.items()}
    return Facts(FactSource(makers), personal=personal)


@given(st.lists(st.sampled_from(sorted(VALUES))))
def test_the_scope_is_the_widest_scope_read(names: list[str]) -> None:
    read = facts()
    for name in names:
        read.read(name)
    assert read.scope == max(map(scope_of, names), default=Scope.EDITION)
    assert [r.name for r in read.trace] == list(dict.fromkeys(names))


@pytest.mark.parametrize("name", ["page.cart", "visitor.recent", "something.new"])
def test_what_is_personal_or_of_no_known_family_is_of_visitor_scope(name: str) -> None:
    assert scope_of(name) is Scope.VISITOR


@pytest.mark.parametrize("name", ["page.cart", "visitor.recent"])
def test_a_public_slot_cannot_read_a_visitor_fact(name: str) -> None:
    public = facts(personal=False)
    with pytest.raises(MissingFact):
        public.read(name)
    assert public.scope is Scope.EDITION


def test_a_visitor_fact_that_could_not_be_had_still_makes_the_answer_personal() -> None:
    def broken() -> Fact:
        raise TimeoutError

    read = Facts(FactSource({"visitor.view": broken}), personal=True)
    with pytest.raises(TimeoutError):
        read.read("visitor.view")
    assert read.scope is Scope.VISITOR


def test_a_missing_visitor_fact_makes_the_answer_personal_too() -> None:
    read = facts()
    assert read.read_or("visitor.name", None) is None
    assert read.scope is Scope.VISITOR


def test_absorbing_a_trace_takes_over_its_scope_and_its_digest() -> None:
    first, second = facts(), facts()
    first.read("visitor.recent")
    before = second.digest()
    second.absorb(first.trace)
    assert second.scope is Scope.VISITOR
    assert second.digest() != before


@given(st.sampled_from(sorted(VALUES)), st.text(max_size=5))
def test_the_digest_changes_with_every_value_read_and_with_no_other(name: str, value: str) -> None:
    same, other = facts(), facts({name: value})
    assert same.digest() == other.digest()
    same.read(name)
    other.read(name)
    assert (same.digest() == other.digest()) == (VALUES[name] == value)


def test_the_digest_keeps_parts_apart() -> None:
    assert facts().digest(b"ab", b"c") != facts().digest(b"a", b"bc")


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (Condition("trait.country", "eq", "GB"), True),
        (Condition("trait.country", "ne", "GB"), False),
        (Condition("trait.country", "in", ["DE", "GB"]), True),
        (Condition("visitor.recent", "contains", 2), True),
        (Condition("clock.minute", "gt", 59_999), True),
        (Condition("clock.minute", "ge", 60_000), True),
        (Condition("clock.minute", "lt", 60_000), False),
        (Condition("clock.minute", "le", 60_000), True),
        (Condition("trait.country", "exists", value=False), False),
        (Condition("page.item", "exists"), True),
        (Condition("visitor.nothing", "exists"), False),
        (Condition("visitor.nothing", "exists", value=False), True),
        (Condition("visitor.nothing", "ne", "x"), False),
    ],
)
def test_conditions_hold_as_their_operators_say(condition: Condition, expected: bool) -> None:
    assert holds(condition, facts()) is expected


def test_no_conditions_hold_always_and_reading_stops_at_the_first_that_fails() -> None:
    read = facts()
    assert all_hold((), read)
    no = Condition("trait.country", "eq", "FR")
    assert not all_hold((no, Condition("visitor.recent", "exists")), read)
    assert read.scope is Scope.TRAIT
