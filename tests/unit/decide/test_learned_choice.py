"""What is known of variants, and chance, choose among those that may be shown; a token says how likely."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemline.decide.ranking.explore import sample_epsilon_greedy
from hemline.decide.token import Token
from hemline.model.brake import Brake, Stop
from hemline.model.choice import Estimate, Evidence, Match
from hemline.model.decision import Fragment, Rung, Scope, Visit
from hemline.model.site.rule import Condition, Rule
from hemline.model.site.slot import Slot, Variant
from hemline.usecases.receipts.explain import explain
from hemline.usecases.receipts.replay import replay
from tests.builders.braking import stop
from tests.builders.editions import NOW, SITE, catalogue
from tests.builders.receipts import World, receipt
from tests.harness.deciding import acts, ask
from workbench.receipts.tables import estimates

PLAIN, TEA, CUPS = Variant("plain"), Variant("tea", category="c1"), Variant("cups", category="c2")
HERO = Slot("hero", kind="content", variants=(PLAIN, TEA, CUPS), explore=0.3)
SURE = msgspec.structs.replace(HERO, explore=0.0)
CUPS_BEST = Evidence(
    "click",
    0.03,
    0.06,
    {"plain": Estimate(0.02, 0.04, 900.0), "cups": Estimate(0.05, 0.1, 300.0)},
)
ANN = acts("v:ann", ["i1", "i5", "i9"])
"""All of category c1."""


def world(slot: Slot, evidence: Evidence | None = None, rules: Sequence[Rule] = ()) -> World:
    known = {slot.name: evidence} if evidence else None
    here = World(catalogue(12), [slot], choices=known, site_rules=rules)
    here.arrive(ANN)
    return here


def shown(here: World, who: str | None = "v:new", now: int = NOW) -> Fragment:
    return here.decide(ask("hero"), Visit(who, consent=True), now).fragments["hero"]


def variant(fragment: Fragment) -> str:
    return str(msgspec.json.decode(fragment.body)["variant"]["name"])


def marked(fragment: Fragment) -> Token:
    return receipt(fragment)


@given(st.integers(1, 12), st.integers(0, 11), st.floats(0, 0.5), st.integers())
def test_propensities_of_all_that_may_be_shown_add_up_to_one(
    count: int, best: int, share: float, seed: int
) -> None:
    best %= count
    at, propensity = sample_epsilon_greedy(count, best, share, str(seed))
    assert 0 <= at < count
    rest = share / count
    assert propensity == pytest.approx(1 - share + rest if at == best else rest)
    assert (at, propensity) == sample_epsilon_greedy(count, best, share, str(seed))


def test_chance_has_its_share_and_is_even() -> None:
    here = world(HERO)
    found = [shown(here, f"v:{n}") for n in range(600)]
    times = Counter(map(variant, found))
    # 0.8, 0.1 and 0.1 of 600; five standard deviations of a share of 0.1 are 37.
    assert all(60 - 37 < times[name] < 60 + 37 for name in ("tea", "cups"))
    explored = {variant(one): marked(one).explored for one in found}
    expected: list[tuple[str, float]] = [("plain", 0.8), ("tea", 0.1), ("cups", 0.1)]
    assert explored.keys() == dict(expected).keys()
    for name, share in expected:
        drawn = explored[name]
        assert drawn
        assert drawn[0] == Match.NONE
        assert drawn[1] == pytest.approx(share)


def test_the_same_visitor_sees_the_same_within_a_minute_and_may_see_another_later() -> None:
    here = world(HERO)
    for who in ("v:ann", "v:1", "v:2"):
        assert shown(here, who).body == shown(here, who, NOW + 1).body
    later = {variant(shown(here, "v:1", NOW + minute * 60_000)) for minute in range(40)}
    assert later == {"plain", "tea", "cups"}


def test_the_best_estimate_is_shown_and_says_that_it_was_certain() -> None:
    fragment = shown(world(SURE, CUPS_BEST))
    assert (variant(fragment), fragment.rung) == ("cups", Rung.MODEL)
    assert marked(fragment).explored == (Match.NONE, 1.0)


def test_without_evidence_or_chance_nothing_is_new() -> None:
    plain, ann = shown(world(SURE)), shown(world(SURE), "v:ann")
    assert (variant(plain), plain.rung) == ("plain", Rung.POPULAR)
    assert (variant(ann), ann.rung) == ("tea", Rung.SEGMENT)
    assert marked(plain).explored is marked(ann).explored is None


def test_a_variant_that_nothing_is_known_of_counts_as_the_slot_does() -> None:
    known = Evidence("click", 0.03, 0.06, {"plain": Estimate(0.02, 0.04, 9.0)})
    assert variant(shown(world(SURE, known))) == "tea", "the first of two that are taken for .03"


def test_the_visitors_own_category_has_its_say_until_another_is_known_to_be_better() -> None:
    fragment = shown(world(SURE, CUPS_BEST), "v:ann")
    assert variant(fragment) == "tea", "her own, at .06, beats cups at .05"
    assert marked(fragment).explored == (Match.OWN, 1.0)
    weak = {"tea": Estimate(0.01, 0.02, 4000.0), "cups": Estimate(0.05, 0.1, 300.0)}
    better = shown(world(SURE, Evidence("click", 0.03, 0.06, weak)), "v:ann")
    assert (variant(better), marked(better).explored) == ("cups", (Match.OTHER, 1.0))


def test_a_device_class_with_evidence_of_its_own_is_read_and_becomes_part_of_the_key() -> None:
    there = {"mobile": {"plain": 3.0}}
    public = msgspec.structs.replace(SURE, personal=False)
    fragment = shown(world(public, msgspec.structs.replace(CUPS_BEST, devices=there)))
    assert (variant(fragment), fragment.traits) == ("plain", ("trait.device",))
    assert fragment.scope is Scope.TRAIT
    other = shown(world(public, msgspec.structs.replace(CUPS_BEST, devices={"tablet": {}})))
    assert variant(other) == "cups"


def test_rules_and_conditions_go_before_estimates_and_leave_no_mark() -> None:
    rule = Rule("plain-now", "variant", ("hero",), variant="plain")
    ruled = shown(world(HERO, CUPS_BEST, [rule]))
    assert (variant(ruled), ruled.rung, marked(ruled).explored) == ("plain", Rung.SEGMENT, None)
    german = (Condition("trait.country", "eq", "DE"),)
    only = [PLAIN, TEA, Variant("cups", category="c2", when=german)]
    kept = msgspec.structs.replace(HERO, variants=tuple(only))
    times = Counter(variant(shown(world(kept, CUPS_BEST), f"v:{n}")) for n in range(60))
    assert "cups" not in times
    alone = msgspec.structs.replace(kept, variants=(PLAIN, only[2]))
    assert marked(shown(world(alone, CUPS_BEST))).explored is None, "there was nothing to choose"


STOPPED: Mapping[str, tuple[Stop, str, Rung, Any]] = {
    "no-exploration": (stop("no-exploration"), "cups", Rung.MODEL, (Match.NONE, 1.0)),
    "no-ranker": (stop("no-ranker"), "plain", Rung.POPULAR, None),
    "freeze": (stop("freeze", "hero", "tea"), "tea", Rung.STATIC, None),
}


@pytest.mark.parametrize("kind", STOPPED)
def test_the_brake_takes_away_chance_estimates_or_all_choice(kind: str) -> None:
    stopped, name, rung, mark = STOPPED[kind]
    here = world(HERO, CUPS_BEST)
    here.stop(Brake(SITE, 1, (stopped,)))
    for number in range(30):
        fragment = shown(here, f"v:{number}")
        assert (variant(fragment), fragment.rung) == (name, rung)
        assert marked(fragment).explored == mark
    assert ("model: ranker stopped by the brake" in fragment.reasons) == (kind == "no-ranker")


def test_what_everybody_gets_is_drawn_once_a_minute_for_everybody() -> None:
    here = world(msgspec.structs.replace(HERO, personal=False), CUPS_BEST)
    seen = set()
    for minute in range(40):
        bodies = {shown(here, who, NOW + minute * 60_000).body for who in (None, "v:1", "v:ann")}
        assert len(bodies) == 1
        seen |= {msgspec.json.decode(body)["variant"]["name"] for body in bodies}
    assert shown(here).scope is Scope.EDITION
    assert seen == {"plain", "tea", "cups"}


def test_an_explanation_says_what_was_held_of_each_variant_and_how_likely_it_was() -> None:
    here = world(HERO, CUPS_BEST)
    fragment = shown(here, "v:ann")
    told = explain(here.scene(fragment))
    assert (told.variant, told.goal) == (variant(fragment), "click")
    assert told.likely == marked(fragment).explored[1]  # type: ignore[index] # it explores
    assert estimates(told)[0] == (
        "  plain: estimate 0.0200 of click (0.0400 own category), 900 exposures"
    )
    assert [one.exposures for one in told.known] == [900.0, 0.0, 300.0]
    plain = explain(world(SURE).scene(shown(world(SURE), "v:ann"), "v:ann"))
    assert (plain.known, plain.likely) == ((), None)


def test_the_token_of_a_choice_replays_to_the_same_bytes() -> None:
    here = world(HERO, CUPS_BEST)
    for who in ("v:ann", "v:1", "v:2", "v:3"):
        fragment = shown(here, who)
        assert replay(here.scene(fragment, who)).differences == ()
