"""Property: what a review calls dead or shadowed is never missed: without it every answer is the same."""

from typing import TypeVar

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hemline.decide import content
from hemline.decide.facts.facts import Fact, Facts, FactSource
from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.ranking.rerank import rerank
from hemline.decide.rules.eligibility import Rules
from hemline.model.item import Item
from hemline.model.site.rule import Condition, Rule
from hemline.model.site.site import Site
from hemline.model.site.slot import Slot, Variant
from hemline.sitefile.review import effects
from hemline.sitefile.review.scope import Scoped
from hemline.sitefile.review.site import Against, review
from tests.builders.editions import NOW, build, catalogue, with_fields

GB = (Condition("trait.country", "eq", "GB"),)
BRITISH_ISLES = (Condition("trait.country", "in", ["GB", "IE"]),)
DE = (Condition("trait.country", "eq", "DE"),)
ROW, TOP, HERO = Slot("row"), Slot("top", limit=3), Slot("hero", kind="content")

whens = st.sampled_from([(), GB, BRITISH_ISLES, DE, GB + BRITISH_ISLES, GB + DE])
wheres = st.sampled_from([(), ("row",), ("top",), ("row", "top")])
ids = st.sampled_from(["i0", "i1", "i2"])
scope = {"slots": wheres, "when": whens, "priority": st.integers(0, 1)}
rules = st.one_of(
    st.builds(Rule, st.just(""), st.just("pin"), item=ids, position=st.integers(1, 2), **scope),
    st.builds(Rule, st.just(""), st.sampled_from(["block", "exclude"]), item=ids, **scope),
    st.builds(Rule, st.just(""), st.just("cap"), count=st.integers(1, 2), **scope),
    st.builds(
        Rule, st.just(""), st.sampled_from(["filter", "include"]), attribute=st.just("price"),
        op=st.sampled_from(["lt", "gt"]), value=st.sampled_from([2.0, 3.0]), **scope,
    ),
)  # fmt: skip


def shown(rules: tuple[Rule, ...], slot: str, country: str, items: list[Item]) -> list[int]:
    snapshot = Snapshot(build(items, [ROW, TOP], site_rules=rules))
    values = {"clock.minute": NOW, "trait.country": country}
    makers = {name: (lambda v=value: Fact(v, b"")) for name, value in values.items()}
    facts = Facts(FactSource(makers), personal=True)
    eligible = Rules(snapshot).in_force(slot, facts, np.empty(0, np.int32))
    return rerank([i for i in (3, 1, 0, 2, 4) if eligible.allowed[i]], eligible, 3)


VOID = frozenset({"dead", "shadowed"})


def is_void(code: str, severity: str, action: str) -> bool:
    return code in VOID or (code == "contradiction" and severity == "error" and action == "pin")


@given(
    st.lists(rules, min_size=1, max_size=5),
    st.sampled_from(["row", "top"]),
    st.sampled_from(["GB", "IE", "DE", ""]),
    st.sets(st.integers(0, 4), max_size=2),
)
def test_a_rule_that_is_called_void_changes_no_answer(
    drawn: list[Rule], slot: str, country: str, sold_out: set[int]
) -> None:
    named = tuple(with_fields(rule, name=f"r{n}") for n, rule in enumerate(drawn))
    site = Site(slots=(ROW, TOP), rules=named)
    found = review(site, Against(NOW))
    void = {
        int(r.path[1]) for r in found if is_void(r.code, r.severity, named[int(r.path[1])].action)
    }
    assume(void)
    items = [with_fields(i, stock=0) if n in sold_out else i for n, i in enumerate(catalogue(5, 2))]
    whole = shown(named, slot, country, items)
    for one in void:
        assert shown(named[:one] + named[one + 1 :], slot, country, items) == whole


def test_the_property_would_see_a_wrong_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    """A review that forgot the slots would call this rule void, and it is not."""
    pair = (Rule("a", "block", ("row",), item="i3"), Rule("b", "block", ("top",), item="i3"))
    site = Site(slots=(ROW, TOP), rules=pair)
    assert {r.code for r in review(site, Against(NOW))} == {"no-end"}

    def forgetful(one: Scoped, other: Scoped) -> bool:
        return True

    monkeypatch.setattr(effects, "within", forgetful)
    assert "shadowed" in {r.code for r in review(site, Against(NOW))}
    items = catalogue(5, 2)
    assert shown(pair, "top", "GB", items) != shown(pair[:1], "top", "GB", items)


variants = st.lists(
    st.builds(
        Variant,
        st.just(""),
        when=whens,
        category=st.sampled_from([None, "c0"]),
        item=st.sampled_from([None, "i0", "i1"]),
    ),
    min_size=1,
    max_size=4,
)
choosing = st.one_of(
    st.builds(Rule, st.just(""), st.just("suppress"), when=whens, slots=st.just(("hero",))),
    st.builds(Rule, st.just(""), st.just("block"), when=whens, item=st.sampled_from(["i0", "i1"])),
    st.builds(
        Rule,
        st.just(""),
        st.just("variant"),
        st.just(("hero",)),
        whens,
        variant=st.sampled_from(["v0", "v1"]),
    ),
)


def chosen(hero: Slot, rules: tuple[Rule, ...], country: str) -> str | None:
    snapshot = Snapshot(build(catalogue(5, 2), [hero], site_rules=rules))
    values = {"clock.minute": NOW, "trait.country": country}
    makers = {name: (lambda v=value: Fact(v, b"")) for name, value in values.items()}
    facts = Facts(FactSource(makers), personal=True)
    variant = content.choose(hero, Rules(snapshot), snapshot, facts).variant
    return variant.name if variant else None


T = TypeVar("T")


def without(parts: tuple[T, ...], at: int) -> tuple[T, ...]:
    return parts[:at] + parts[at + 1 :]


@given(variants, st.lists(choosing, max_size=4), st.sampled_from(["GB", "IE", "DE", ""]))
def test_a_variant_or_rule_that_is_called_void_is_never_missed(
    drawn: list[Variant], drawn_rules: list[Rule], country: str
) -> None:
    named = tuple(with_fields(v, name=f"v{n}") for n, v in enumerate(drawn))
    rules = tuple(with_fields(r, name=f"r{n}") for n, r in enumerate(drawn_rules))
    hero = Slot("hero", kind="content", variants=named)
    found = review(Site(slots=(hero,), rules=rules), Against(NOW))
    void = [r.path for r in found if r.code in VOID]
    assume(void)
    whole = chosen(hero, rules, country)
    for path in void:
        if path[0] == "rules":
            assert chosen(hero, without(rules, int(path[1])), country) == whole
        else:
            fewer = Slot("hero", kind="content", variants=without(named, int(path[-1])))
            assert chosen(fewer, rules, country) == whole
