"""Conditions of a site file: what can never hold as it is written is told, with what to write instead."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from hemline.decide.facts.clock import epoch_ms
from hemline.decide.facts.facts import Fact, Facts, FactSource
from hemline.decide.rules import semver
from hemline.decide.rules.conditions import all_hold
from hemline.model.site.rule import Condition, Operator
from hemline.sitefile import times
from hemline.sitefile.conditions import Comparison
from hemline.sitefile.reader import check
from hemline.sitefile.review.logic import cases, possible
from hemline.sitefile.rules import AnyRule

DEC = ["2026-12-01", "2026-12-24"]
rule = TypeAdapter(AnyRule)


@pytest.mark.parametrize(
    ("fact", "op", "value", "said"),
    [
        ("clock.date", "eq", "24.12.2026", "a date such as '2026-12-24'"),
        ("trait.date", "between", ["2026-12-01", "2026-12-32"], "2 numbers or 2 dates"),
        ("trait.date", "between", ["2026-12-24", "2026-12-01"], "earlier one first"),
        ("trait.date", "between", [1, "2026-12-01"], "2 numbers or 2 dates"),
        ("trait.date", "ge", 20261224, "a date such as '2026-12-24'"),
        ("trait.date", "ge", "2026-12-24T10:00Z", "a date such as '2026-12-24'"),
        ("clock.minute", "ge", "2026-12-24 18:00", "2026-12-24T18:00+01:00"),
        ("cart.value", "ge", "2026-12-24", "a number"),
        ("item.price", "ge", "2026-12-24", "a number"),
        ("visitor.days_since_last", "within_days", 3, "visitor.days_since_last is a number"),
        ("cart.value", "within_days", 3, "cart.value is a number"),
        ("page.type", "within_days", 3, "page.type is a text"),
        ("item.price", "within_days", 3, "item.price is a number"),
        ("trait.place", "distance_km", [200, 500, 5], "latitude (-90 to 90)"),
        ("trait.place", "distance_km", [51, 0, -5], "km (from 0)"),
        ("cart.value", "eq", float("nan"), ".nan"),
        ("cart.value", "gt", float("inf"), "needs a number"),
        ("item.price", "in", [1, float("nan")], ".nan"),
        ("trait.language", "eq", "en-GB", "write en"),
        ("trait.language", "in", ["de", "EN"], "write en"),
        ("trait.country", "eq", "gb", "write GB"),
        ("trait.country", "eq", "Germany", "two capital letters"),
        ("trait.device", "eq", "phone", "one of mobile, tablet, desktop"),
        ("clock.weekday", "eq", "Friday", "write friday"),
        ("page.app_version", "semver", ">=3 <2", "no version meets"),
    ],
)
def test_what_never_compares_so_is_told_with_the_way_out(
    fact: str, op: str, value: object, said: str
) -> None:
    with pytest.raises(ValidationError) as wrong:
        Comparison.model_validate({"fact": fact, "op": op, "value": value})
    assert said in str(wrong.value)


@pytest.mark.parametrize(
    ("fact", "op", "value"),
    [
        ("trait.date", "between", DEC),
        ("clock.date", "ge", "2026-12-24"),
        ("clock.minute", "ge", "2026-12-24T18:00+01:00"),
        ("visitor.last.purchase", "gt", "2026-01-01"),
        ("item.recalled", "le", "2026-12-24"),
        ("item.published_at", "between", DEC),
        ("trait.date", "starts_with", "2026-12"),
        ("trait.country", "eq", ""),
        ("trait.language", "in", ["en", "yue"]),
    ],
)
def test_what_compares_so_is_taken(fact: str, op: str, value: object) -> None:
    Comparison.model_validate({"fact": fact, "op": op, "value": value})


@pytest.mark.parametrize("text", ["published_at", "price"])
def test_a_rules_own_comparison_is_held_against_the_same_kinds(text: str) -> None:
    plain = {"name": "r", "action": "exclude", "attribute": text, "op": "within_days", "value": 3}
    if text == "published_at":
        rule.validate_python(plain)
    else:
        with pytest.raises(ValidationError, match="price is a number"):
            rule.validate_python(plain)


@pytest.mark.parametrize(
    ("conditions", "holds"),
    [
        ([("trait.date", "ge", "2026-12-24"), ("trait.date", "lt", "2026-12-24")], False),
        ([("trait.date", "gt", "2026-12-24"), ("trait.date", "lt", "2026-12-25")], False),
        ([("trait.date", "gt", "2026-12-24"), ("trait.date", "lt", "2026-12-26")], True),
        ([("clock.date", "between", DEC), ("clock.date", "eq", "2027-01-01")], False),
        ([("clock.date", "between", DEC), ("clock.date", "starts_with", "2026-12-1")], True),
        ([("item.launch", "gt", "2026-12-24"), ("item.launch", "starts_with", "2027-02")], True),
        ([("item.launch", "gt", "2026-12-24"), ("item.launch", "le", "2026-12-24")], False),
        (
            [("visitor.last.purchase", "ge", "2026-12-24"), ("visitor.last.purchase", "lt", 5)],
            False,
        ),
        ([("visitor.affinity.mugs", "ge", 50)], False),
        ([("visitor.affinity.mugs", "ge", 0.5)], True),
        ([("visitor.count.purchase", "lt", 0)], False),
        ([("visitor.count.purchase.30d", "lt", 1)], True),
        ([("clock.hour", "ge", 24)], False),
    ],
)
def test_the_review_knows_dates_and_what_a_number_can_be(
    conditions: list[tuple[str, Operator, Any]], holds: bool
) -> None:
    assert possible(cases([Condition(*one) for one in conditions])) is holds


SITE = """title: T
currency: EUR
consent_default: true
time_zone: Europe/London
slots: [{name: row}]
rules:
  - {name: r, slots: [row], %s}
"""


@pytest.mark.parametrize(
    ("fields", "field", "said"),
    [
        (
            "action: block, item: a, from: '2027-03-28 01:50', until: '2027-03-28 02:10'",
            "rules[0].from",
            "put forward from 2027-03-28 00:59 to 2027-03-28 02:00",
        ),
        (
            "action: block, item: a, when: [{fact: page.type, any: [{fact: page.type, value: a}]}]",
            "rules[0].when[0].fact",
            "does not stand beside `any`. Make it a condition of its own",
        ),
        (
            "action: block, item: a, when: [{fact: visitor.count.purchase.0d, op: ge, value: 1}]",
            "rules[0].when[0].fact",
            "Write visitor.count.DEED or DEED.30d, 30d any number of days from 1; DEED is one of",
        ),
        (
            "action: block, item: a, when: [{fact: trait.contry, value: GB}]",
            "rules[0].when[0].fact",
            "Did you mean `trait.country`?",
        ),
        (
            "action: block, item: a, when: [{fact: page.url, op: matches, value: '(?i)sale'}]",
            "rules[0].when[0]",
            "there is no `(?`",
        ),
        ("action: boost, item: a", "rules[0]", "give `times`"),
        ("action: bury, item: a, times: 1", "rules[0]", "give `times`"),
        ("action: block, item: a, times: 2", "rules[0].times", "`times` belongs elsewhere"),
    ],
)
def test_a_mistake_is_told_once_in_the_words_of_the_file(
    fields: str, field: str, said: str
) -> None:
    (found,) = check(SITE % fields).findings
    assert found.field == field
    assert said in f"{found.problem} {found.way_out}"
    assert "?." not in f"{found.problem} {found.way_out}"


@pytest.mark.parametrize(
    ("moment", "zone", "found"),
    [
        ("2027-03-28 01:50", "Europe/London", ("2027-03-28 00:59", "2027-03-28 02:00")),
        ("2027-03-28 02:00", "Europe/London", None),
        ("2027-10-31 01:30", "Europe/London", None),
        ("2027-10-03 02:10", "Australia/Lord_Howe", ("2027-10-03 01:59", "2027-10-03 02:30")),
        ("2011-12-30", "Pacific/Apia", ("2011-12-29 23:59", "2011-12-31 00:00")),
    ],
)
def test_times_that_clocks_leave_out_are_known(
    moment: str, zone: str, found: tuple[str, str] | None
) -> None:
    assert times.gap(moment, zone) == found
    if found:
        assert times.epoch_ms(moment, zone) == times.epoch_ms(found[1], zone)


def test_of_an_hour_that_stands_twice_the_first_is_meant() -> None:
    utc = int(datetime(2027, 10, 31, 0, 30, tzinfo=UTC).timestamp()) * 1000
    assert times.epoch_ms("2027-10-31 01:30", "Europe/London") == utc


days = st.dates().map(lambda day: day.isoformat())
dated = st.one_of(
    st.builds(
        Condition, st.just("clock.date"), st.sampled_from(["gt", "ge", "lt", "le", "eq"]), days
    ),
    st.builds(
        Condition,
        st.just("clock.date"),
        st.just("between"),
        st.tuples(days, days).map(sorted).map(list),
    ),
    st.builds(Condition, st.just("clock.date"), st.just("starts_with"), days.map(lambda d: d[:7])),
)


@given(days, st.lists(dated, min_size=1, max_size=4))
def test_a_day_on_which_conditions_hold_was_never_said_to_be_none(
    day: str, conditions: list[Condition]
) -> None:
    source = FactSource({"clock.date": lambda: Fact(day, b"")})
    if all_hold(conditions, Facts(source, personal=False)):
        assert possible(cases(conditions))


offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1), timezones=offsets))  # noqa: DTZ001 - hypothesis adds the zone
def test_an_offset_says_the_same_moment(when: datetime) -> None:
    whole = when.replace(microsecond=0)
    assert epoch_ms(whole.isoformat()) == int(whole.timestamp()) * 1000


@given(st.lists(st.sampled_from([">", ">=", "<", "<=", "="]).flatmap(
    lambda sign: st.sampled_from(["1", "1.0.1", "1.0.1-a", "1.0.1-a.0", "2"]).map(sign.__add__)
), min_size=1, max_size=3), st.sampled_from(
    ["0.9", "1", "1.0.1-0", "1.0.1-a", "1.0.1-a.0", "1.0.1-b", "1.0.1", "1.0.2", "2", "3"]
))  # fmt: skip
def test_a_requirement_that_some_version_meets_is_never_said_to_be_none(
    parts: list[str], one: str
) -> None:
    found = semver.version(one)
    assert found is not None
    if semver.requirement(" ".join(parts))(found):
        assert semver.meetable(" ".join(parts))
