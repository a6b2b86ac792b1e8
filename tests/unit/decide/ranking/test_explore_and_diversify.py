"""Diversity and exploration: what they may move, and how likely it was."""

import json
from collections import Counter

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemline.decide import token
from hemline.decide.ranking.diversify import diversify
from hemline.decide.ranking.explore import explore
from hemline.model.brake import Brake
from hemline.model.decision import Fragment, Rung, Scope, Visit
from hemline.model.site.rule import Rule
from hemline.model.site.slot import Slot
from hemline.usecases.serving.decide_page import Deps, decide
from tests.builders.braking import stop
from tests.builders.editions import KEYS, NOW, SITE, ScoreByPrice, build, catalogue
from tests.harness.deciding import acts, ask, decide_for, live, table_with

lists = st.lists(
    st.tuples(st.integers(0, 500), st.integers(-1, 3)), unique_by=lambda p: p[0], max_size=60
)


@given(lists, st.integers(1, 12), st.floats(0, 1))
def test_diversity_only_reorders(pairs: list[tuple[int, int]], limit: int, strength: float) -> None:
    ranked, groups = [p[0] for p in pairs], [p[1] for p in pairs]
    assert sorted(diversify(ranked, groups, limit, strength)) == sorted(ranked)


@given(lists, st.integers(1, 12))
def test_no_strength_is_the_ranking_itself(pairs: list[tuple[int, int]], limit: int) -> None:
    ranked, groups = [p[0] for p in pairs], [p[1] for p in pairs]
    assert diversify(ranked, groups, limit, 0.0) == ranked


def test_full_strength_takes_turns_between_categories() -> None:
    assert diversify([0, 1, 2, 3, 4, 5], [7, 7, 7, 8, 8, 9], 3, 1.0)[:3] == [0, 3, 5]


def test_more_strength_never_shows_fewer_categories() -> None:
    ranked, groups = list(range(40)), [0] * 10 + [1] * 10 + [2] * 10 + [3] * 10
    shown = [
        len({groups[i] for i in diversify(ranked, groups, 8, s)[:8]}) for s in (0, 0.3, 0.6, 1)
    ]
    assert shown == sorted(shown)


def test_exploration_happens_as_often_as_it_says_and_draws_evenly() -> None:
    ranked = list(range(20))
    draws = [explore(ranked, 10, 0.25, f"seed{n}") for n in range(20_000)]
    shown = Counter(d.ranked[9] for d in draws if d)
    assert abs(shown[9] / len(draws) - 0.75) < 0.01
    assert all(abs(shown[item] / len(draws) - 0.025) < 0.005 for item in range(10, 20))


@given(st.lists(st.integers(), unique=True, max_size=80), st.integers(1, 10), st.text(max_size=8))
def test_the_propensity_is_that_of_the_item_in_the_drawn_place(
    ranked: list[int], limit: int, seed: str
) -> None:
    drawn = explore(ranked, limit, 0.3, seed)
    if drawn is None:
        assert len(ranked) <= limit
        return
    assert sorted(drawn.ranked) == sorted(ranked)
    assert drawn.ranked[limit - 1] == drawn.item
    pool = min(50, len(ranked) - limit)
    assert drawn.propensity == (0.7 if drawn.item == ranked[limit - 1] else 0.3 / pool)


def test_the_same_seed_draws_the_same() -> None:
    assert explore(list(range(30)), 5, 0.5, "x") == explore(list(range(30)), 5, 0.5, "x")


def test_a_token_records_the_place_that_chance_decided_and_rules_still_hold() -> None:
    slot = Slot("for-you", limit=4, explore=0.5, diversity=0.3)
    blocked = Rule("no", "block", item="i2")
    visitors = {f"v:{n}": acts(f"v:{n}", ["i1", "i5"]) for n in range(30)}
    history = [record for records in visitors.values() for record in records]
    edition = build(catalogue(24), [slot], history=history, site_rules=[blocked])
    table = table_with(*visitors.values())
    propensities = set()
    for visitor in visitors:
        fragment = decide_for(visitor, ask("for-you"), edition, table, ScoreByPrice()).fragments[
            "for-you"
        ]
        found = token.decode(json.loads(fragment.body)["token"], KEYS)
        assert found.explored
        assert found.explored[0] in found.items
        assert "i2" not in fragment.items
        propensities.add(found.explored[1])
    assert len(propensities) == 2, "some explored, some did not"


RUNGS = {
    "nobody's, without a ranker": (None, True, None, Scope.VISITOR),
    "somebody's, without a ranker": ("v:ann", True, None, Scope.VISITOR),
    "without history": ("v:new", True, ScoreByPrice(), Scope.VISITOR),
    "public": ("v:ann", False, ScoreByPrice(), Scope.TRAIT),
}
"""Who asks, whether the slot is personal, the ranker, and how far the answer may go."""
SHELF = Slot("shelf", limit=4, sources=("popular",))
HISTORY = acts("v:bob", [f"i{n}" for n in (1, 5, 5, 9, 13, 2, 17)])


def on_rung(name: str, minute: int = 0, **changed: float) -> Fragment:
    subject, personal, ranker, _ = RUNGS[name]
    slot = msgspec.structs.replace(SHELF, personal=personal, **changed)
    edition = build(catalogue(24), [slot], history=HISTORY)
    deps = Deps(SITE, table_with(acts("v:ann", ["i1"])), live(edition, ranker), KEYS, 0.05)
    visit = Visit(subject, consent=True)
    return decide(ask("shelf"), visit, deps, NOW + minute * 60_000).fragments["shelf"]


@pytest.mark.parametrize("name", RUNGS)
def test_diversity_holds_on_every_ranked_rung(name: str) -> None:
    plain, varied = on_rung(name), on_rung(name, diversity=1.0)
    category = {item.id: item.categories[0] for item in catalogue(24)}
    assert plain.rung in {Rung.SEGMENT, Rung.POPULAR}
    assert len({category[i] for i in varied.items}) > len({category[i] for i in plain.items})


@pytest.mark.parametrize("name", RUNGS)
def test_chance_has_its_place_on_every_ranked_rung_and_the_token_says_how_likely(name: str) -> None:
    found = [on_rung(name, minute, explore=0.5) for minute in range(40)]
    marks = [token.decode(json.loads(one.body)["token"], KEYS).explored for one in found]
    assert all(one.scope <= RUNGS[name][3] for one in found)
    assert {one.items[:3] for one in found} == {found[0].items[:3]}
    pool = 24 - 4
    assert {mark[1] for mark in marks if mark} == {0.5, 0.5 / pool}
    assert all(
        mark and mark[0] == int(one.items[3][1:]) for mark, one in zip(marks, found, strict=True)
    )
    assert on_rung(name, 7, explore=0.5).items == found[7].items


def test_a_public_slot_draws_once_a_minute_for_everybody() -> None:
    edition = build(catalogue(24), [msgspec.structs.replace(SHELF, personal=False, explore=0.5)])
    bodies = {
        decide_for(who, ask("shelf"), edition, table_with(acts("v:ann", ["i1"])))
        .fragments["shelf"]
        .body
        for who in (None, "v:ann", "v:new")
    }
    assert len(bodies) == 1


def test_a_static_list_stands_as_it_is_written() -> None:
    slot = Slot(
        "shelf", limit=4, fallback=("i3", "i1", "i7", "i2", "i9"), explore=0.5, diversity=1.0
    )
    edition = build(catalogue(24), [slot])
    warm = live(edition)
    warm.follow(None, Brake(SITE, 1, (stop("freeze", "shelf"),)).signed(KEYS[0]))
    deps = Deps(SITE, table_with(), warm, KEYS, 0.05)
    for minute in range(9):
        found = decide(ask("shelf"), Visit(None, consent=True), deps, NOW + minute * 60_000)
        assert found.fragments["shelf"].items == ("i3", "i1", "i7", "i2")
