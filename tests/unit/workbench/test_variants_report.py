"""`hemline report variants`: counts, an interval, and what decisions will make of it."""

import pytest

from hemline.model.site.slot import Slot
from tests.builders.choosing import counted, crowd, seen, token
from tests.builders.editions import NOW
from workbench.report.variants import lines, reports


def test_it_counts_each_variant_with_an_interval_and_the_share_of_chance() -> None:
    seen_all = [
        *crowd("a", 900, 27, (0, 0.95)),
        *crowd("b", 100, 5, (0, 0.05)),
        seen("v:ruled", token("b", None)),
    ]
    (found,) = reports(counted(seen_all), NOW)
    assert (found.slot, found.goal, found.exposures, found.chosen) == ("hero", "click", 1001, 1000)
    assert found.explored == 0.1
    first, second = found.variants
    assert (first.exposures, first.goals, first.rate) == (900, 27, 0.03)
    # Wilson's interval of 27 in 900, from his formula by hand.
    assert (first.low, first.high) == pytest.approx((0.0207, 0.0433), abs=1e-4)
    assert (second.exposures, second.goals) == (101, 5)
    assert first.estimate == pytest.approx(0.03, abs=0.003)
    told = lines([found])
    assert "10.0% of those against the best; goal click" in told[0]
    assert "900 exposures" in told[1]


def test_what_nobody_saw_may_be_anything_and_has_no_estimate() -> None:
    (found,) = reports(counted([]), NOW)
    assert [(one.low, one.high, one.estimate) for one in found.variants] == [(0.0, 1.0, None)] * 2
    assert "not enough to say" in lines([found])[1]
    assert lines(reports(counted([], Slot("row")), NOW)) == [
        "no content slot has two variants or more"
    ]
