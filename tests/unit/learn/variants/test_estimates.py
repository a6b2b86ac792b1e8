"""Estimates of variants: corrected for how each came to be shown, decayed, shrunk, and found again."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemline.decide.facts.snapshot import Snapshot
from hemline.learn.variants import estimates as choice_estimates
from hemline.learn.variants.estimates import CLIP, ENOUGH, LIFT, PRIOR, estimates
from hemline.model.choice import Evidence, Match
from hemline.model.events.event import Record
from hemline.model.site.site import Site
from tests.builders.choosing import DAY, HERO, counted, crowd, did, seen, token
from tests.builders.editions import NOW
from tests.builders.publishing import HISTORY, SITE, live, places, publish

TODAY = NOW // DAY


def known(records: list[Record], as_of: int = TODAY) -> Evidence:
    return estimates(counted(records), as_of)["hero"]


def shrunk(goals: float, exposures: float, rate: float) -> float:
    return (goals + PRIOR) / (exposures + PRIOR / rate)


def test_rates_are_drawn_to_the_slots_own_by_a_prior_of_five_goals() -> None:
    found = known([*crowd("a", 200, 4), *crowd("b", 100, 8)])
    mean = 12 / 300
    assert found.mean == pytest.approx(mean)
    assert found.variants["a"].rate == pytest.approx(shrunk(4, 200, mean), rel=1e-5)
    assert found.variants["b"].rate == pytest.approx(shrunk(8, 100, mean), rel=1e-5)
    assert [found.variants[name].exposures for name in "ab"] == [200, 100]


def test_too_few_goals_say_nothing() -> None:
    few = [*crowd("a", 500, int(ENOUGH) - 5), *crowd("b", 500, 4)]
    assert estimates(counted(few), TODAY) == {}
    assert "hero" in estimates(counted([*few, *crowd("b", 500, 1, name="x")]), TODAY)


def test_it_is_corrected_for_whom_it_was_shown_to() -> None:
    # Half of the visitors click twice as much, and b was mostly shown to them.
    keen = [*crowd("a", 200, 40, (0, 0.2), name="k"), *crowd("b", 800, 160, (0, 0.8), name="k")]
    calm = [*crowd("a", 800, 80, (0, 0.8), name="c"), *crowd("b", 200, 20, (0, 0.2), name="c")]
    found = known(keen + calm).variants
    assert found["a"].rate == pytest.approx(0.15, abs=0.002)
    assert found["a"].rate == pytest.approx(found["b"].rate, rel=1e-4), "raw they are .12 and .18"


def test_no_exposure_weighs_more_than_the_clip() -> None:
    rare = [*crowd("a", 100, 10, (0, 0.001), name="r"), *crowd("a", 100, 90, (0, 0.9))]
    weight = CLIP * 100 + 100 / 0.9
    rate = (CLIP * 10 + 90 / 0.9) / weight
    exposures = weight**2 / (CLIP**2 * 100 + 100 / 0.9**2)
    found = known(rare).variants["a"]
    assert found.exposures == pytest.approx(exposures, rel=1e-4)
    assert found.rate == pytest.approx(shrunk(exposures * rate, exposures, rate), rel=1e-4)


def test_what_a_rule_chose_teaches_nothing_about_the_choice() -> None:
    open_choice = [*crowd("a", 200, 10), *crowd("b", 200, 10)]
    forced = token("b", None)
    ruled = [seen(f"v:r{n}", forced) for n in range(50)]
    ruled += [did(f"v:r{n}", "click", forced) for n in range(50)]
    assert known([*open_choice, *ruled]) == known(open_choice)


def test_the_past_fades_by_half_in_two_weeks() -> None:
    old = [*crowd("a", 200, 20), *crowd("b", 200, 20)]
    assert known(old, TODAY + 14).variants["a"].exposures == pytest.approx(100)
    assert estimates(counted(old), TODAY + 29) == {}, "less than ten goals are left"


def test_the_own_category_starts_with_its_lift_and_learns() -> None:
    plain = [*crowd("a", 500, 15), *crowd("b", 500, 15)]
    unknown = known(plain).variants["a"]
    assert unknown.own == pytest.approx(LIFT * unknown.rate, rel=1e-4)
    own = crowd("a", 2000, 60, (Match.OWN, 0.5), name="own")
    other = crowd("b", 2000, 60, (Match.OTHER, 0.5), name="other")
    found = known(plain + own + other)
    assert found.variants["a"].own == pytest.approx(found.variants["a"].rate, rel=0.12)
    assert found.own < 1.2 * found.mean, (
        "it is no better for those whose it is: so for all variants"
    )


def test_who_clicks_everything_more_often_is_no_sign_of_the_own_category() -> None:
    plain = [*crowd("a", 3000, 90), *crowd("b", 3000, 90)]
    keen = [
        *crowd("a", 2000, 180, (Match.OWN, 0.5), name="own"),
        *crowd("b", 2000, 180, (Match.OTHER, 0.5), name="other"),
    ]
    found = known(plain + keen)
    assert found.variants["a"].rate == pytest.approx(found.variants["b"].rate, rel=0.1)
    assert found.own < 1.2 * found.mean


def test_devices_are_told_apart_once_there_is_enough_of_them() -> None:
    def both(most: int) -> Evidence:
        return known(
            [
                *crowd("a", most * 10, most, name="m"),
                *crowd("b", most * 10, most * 3, name="m"),
                *crowd("a", most * 10, most * 3, device="desktop", name="d"),
                *crowd("b", most * 10, most, device="desktop", name="d"),
            ]
        )

    assert both(5).devices == {}
    found = both(100).devices
    for worse, better in (("mobile", "desktop"), ("desktop", "mobile")):
        name = "a" if worse == "mobile" else "b"
        assert found[worse][name] < 0.7
        assert found[better][name] > 1.3


@given(
    st.permutations(
        [
            *crowd("a", 20, 12, (0, 0.3)),
            *crowd("b", 7, 5, (2, 0.07)),
            *crowd("b", 5, 2, (1, 0.9), NOW - 3 * DAY, "tablet"),
        ]
    )
)
def test_the_same_events_in_any_order_give_the_same_bytes(records: list[Record]) -> None:
    made = choice_estimates.sections(counted(records), NOW, NOW)
    assert made == choice_estimates.sections(counted(sorted(records, key=str)), NOW, NOW)
    assert made


def test_a_publish_brings_them_into_the_edition_and_an_edition_without_loads() -> None:
    site = Site("Shop", "EUR", slots=(HERO,))
    told = [*crowd("a", 200, 6), *crowd("b", 200, 14)]
    told = [msgspec.structs.replace(one, site=SITE) for one in told]
    place = places([*HISTORY, *told], site)
    publish(place)
    found = Snapshot(live(place)).choices["hero"]
    assert found.variants["b"].rate > found.variants["a"].rate
    without = places(HISTORY, site)
    publish(without)
    edition = live(without)
    assert "choices" not in edition.header.sections
    assert Snapshot(edition).choices == {}
