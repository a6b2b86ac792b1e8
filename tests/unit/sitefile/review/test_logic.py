"""What is said to be never so is never so, and what is said to follow follows: by the product's own code."""

from functools import partial

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hemline.decide.facts.facts import Fact, Facts, FactSource
from hemline.decide.rules.conditions import all_hold, holds
from hemline.model.site.rule import Condition, Every, Not, Some, When
from hemline.sitefile.review import logic
from hemline.sitefile.review import values as review_values
from hemline.sitefile.review.logic import TooMany, cases, implies, possible, together

COUNTRIES = ["GB", "DE", "NO"]
NUMBERS = [0.0, 1.0, 2.5, 60_000.0]
TEXTS = ["", "a", "ab", "abc", "b"]


def texts(fact: str, values: list[str]) -> st.SearchStrategy[Condition]:
    one = st.sampled_from(values)
    return st.one_of(
        st.builds(Condition, st.just(fact), st.sampled_from(["eq", "ne", "starts_with"]), one),
        st.builds(Condition, st.just(fact), st.just("contains"), one),
        st.builds(Condition, st.just(fact), st.just("in"), st.lists(one, min_size=1, max_size=3)),
        st.builds(Condition, st.just(fact), st.just("exists"), st.booleans()),
        st.builds(Condition, st.just(fact), st.just("matches"), st.sampled_from(["a.*", "[A-Z]+"])),
    )


def numbers(fact: str) -> st.SearchStrategy[Condition]:
    one = st.sampled_from(NUMBERS)
    ordered = ["eq", "ne", "gt", "ge", "lt", "le"]
    return st.one_of(
        st.builds(Condition, st.just(fact), st.sampled_from(ordered), one),
        st.builds(
            Condition, st.just(fact), st.just("between"), st.tuples(one, one).map(sorted).map(list)
        ),
    )


leaves = st.one_of(
    texts("trait.country", COUNTRIES),
    texts("page.url", TEXTS),
    numbers("clock.minute"),
    numbers("visitor.orders"),
    st.builds(Condition, st.just("visitor.known"), st.just("eq"), st.booleans()),
    st.builds(Condition, st.just("page.cart"), st.just("contains"), st.sampled_from(TEXTS)),
)
trees: st.SearchStrategy[When] = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda of: Every(tuple(of))),
        st.lists(inner, min_size=1, max_size=3).map(lambda of: Some(tuple(of))),
        inner.map(Not),
    ),
    max_leaves=6,
)
whens = st.lists(trees, max_size=3).map(tuple)


@st.composite
def facts(draw: st.DrawFn) -> Facts:
    values = {
        "trait.country": draw(st.sampled_from([*COUNTRIES, "", "FR"])),
        "page.url": draw(st.sampled_from([*TEXTS, "abca", "zz"])),
        "clock.minute": draw(st.sampled_from([*NUMBERS, 0.5, 1e12])),
        "visitor.orders": draw(st.sampled_from([*NUMBERS, -3.0, 2.0])),
        "visitor.known": draw(st.booleans()),
        "page.cart": draw(st.lists(st.sampled_from(TEXTS), max_size=3).map(tuple)),
    }
    there = draw(st.sets(st.sampled_from(sorted(values))))
    makers = {name: (lambda v=values[name]: Fact(v, b"")) for name in there}
    return Facts(FactSource(makers), personal=True)


@given(whens, facts())
def test_what_holds_was_never_said_to_be_impossible(
    when: tuple[When, ...], given_facts: Facts
) -> None:
    assume(all_hold(when, given_facts))
    try:
        assert possible(cases(when))
    except TooMany:
        assume(False)


@given(whens, whens, facts())
def test_what_is_implied_holds(
    one: tuple[When, ...], other: tuple[When, ...], given_facts: Facts
) -> None:
    assume(all_hold(one, given_facts))
    try:
        first, second = cases(one), cases(other)
    except TooMany:
        assume(False)
    if implies(first, second):
        assert all_hold(other, given_facts)
    if all_hold(other, given_facts):
        assert together(first, second)


@given(trees)
def test_everything_implies_itself(when: When) -> None:
    try:
        assert implies(cases([when]), cases([when]))
    except TooMany:
        assume(False)


def never(*when: When) -> bool:
    return not possible(cases(when))


def test_it_sees_what_a_reader_sees() -> None:
    country = partial(Condition, "trait.country")
    assert never(country("eq", "GB"), country("eq", "DE"))
    assert never(country("in", ["GB", "IE"]), Not(country("starts_with", "G")), country("ne", "IE"))
    assert never(country("eq", "gb"))
    assert never(country("matches", "G.*"), Not(country("matches", "G.*")))
    assert never(Condition("trait.device", "eq", "phone"))
    assert never(Condition("clock.minute", "gt", 5), Condition("clock.minute", "lt", 5))
    assert never(
        Condition("visitor.orders", "between", [1, 2]), Condition("visitor.orders", "gt", 2)
    )
    assert never(Some((country("eq", "GB"), country("eq", "IE"))), country("eq", "DE"))
    assert not never(country("matches", "G.*"), country("matches", "D.*"))
    assert not never(
        Condition("page.cart", "contains", "a"), Condition("page.cart", "contains", "b")
    )
    assert implies(cases([country("eq", "GB")]), cases([country("in", ["GB", "IE"])]))
    assert not implies(cases([country("in", ["GB", "IE"])]), cases([country("eq", "GB")]))
    assert implies(
        cases([Condition("clock.minute", "gt", 7)]), cases([Condition("clock.minute", "ge", 5)])
    )


def test_the_first_property_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the values between those that are mentioned, something possible is called never."""
    between = (Condition("visitor.orders", "gt", 1), Condition("visitor.orders", "lt", 2))
    source = FactSource({"visitor.orders": lambda: Fact(1.5, b"")})
    assert all(holds(one, Facts(source, personal=True)) for one in between)
    assert not never(*between)
    logic._any.cache_clear()
    monkeypatch.setattr(review_values, "_numbers", lambda _: ())
    assert never(*between)
    logic._any.cache_clear()
