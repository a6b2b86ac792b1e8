"""A number that is no time in epoch milliseconds is refused with what it looks like, and never is 1970."""

import json
from typing import Any

import pytest

from hemline.model.errors import BadInput
from hemline.model.events.event import Event
from hemline.model.events.schema import check_item, item_of, parse_event
from hemline.model.input.times import implausible
from hemline.sitefile.reader import check
from tests.builders.events import VIEW
from tests.harness.collecting import NOW, SERVER, collect

SITE = """
title: Case
currency: EUR
consent_default: true
slots: [{{name: top, personal: false, sources: [popular, new]}}]
rules: [{{name: one, action: exclude, {0}}}]
"""
ODD = [
    (1_772_360_100, "looks like seconds"),
    (1_772_360_100_000_000, "looks like microseconds"),
    (1_772_360_100_000_000_000, "looks like nanoseconds"),
    (20_260_301, "looks like a date without dashes"),
    (2026, "looks like a year"),
    (46_082, "looks like no time of a shop"),
    (0, "looks like no time of a shop"),
]


@pytest.mark.parametrize(("number", "words"), ODD)
def test_a_number_says_what_it_looks_like(number: int, words: str) -> None:
    assert implausible(number) == words


@pytest.mark.parametrize("moment", [1_772_360_100_000, 978_307_200_000, -300_000_000_000])
def test_milliseconds_are_a_time_also_before_1970(moment: int) -> None:
    assert implausible(moment) == ""


def published(value: object) -> Any:
    event = {"id": "i1", "type": "item", "item": "p1", "properties": {"published_at": value}}
    return parse_event(json.dumps(event).encode())


@pytest.mark.parametrize(("number", "words"), [*ODD, (-5, "looks like no time of a shop")])
def test_an_item_is_not_published_at_such_a_time(number: int, words: str) -> None:
    with pytest.raises(BadInput, match=words) as caught:
        check_item(published(number))
    assert caught.value.field == "properties.published_at"
    assert "RFC 3339" in caught.value.way_out


def test_an_item_may_be_published_at_a_time_in_words_of_any_year() -> None:
    assert check_item(published("2026-03-01T10:00:00+02:00")).published_at == 1_772_352_000_000
    assert check_item(published("1970-01-05T00:00:00Z")).published_at == 345_600_000


@pytest.mark.parametrize("text", ["soon", "2026-03-01T10:00:00", ""])
def test_a_text_that_is_no_time_is_told_so(text: str) -> None:
    with pytest.raises(BadInput, match="published_at"):
        check_item(published(text))


def test_the_archive_keeps_an_item_that_came_in_before_the_check() -> None:
    old = Event("i1", "item", 1, item="p1", properties={"published_at": 1_772_360_100})
    assert item_of(old).published_at == 1_772_360_100


@pytest.mark.parametrize(("number", "words"), ODD)
def test_a_signed_event_did_not_happen_then(number: int, words: str) -> None:
    found, records = collect({**VIEW, "visitor": "bob", "time": number}, caller=SERVER)
    assert not records
    assert words in found.rejected[0].reason


@pytest.mark.parametrize("unit", [1000, 1 / 1000, 1 / 1_000_000])
def test_a_browsers_time_in_another_unit_is_told_and_not_replaced(unit: float) -> None:
    found, records = collect({**VIEW, "time": int(NOW / unit)})
    assert not records
    assert "time: looks like" in found.rejected[0].reason


def test_a_device_whose_clock_stands_at_1970_is_still_heard() -> None:
    found, (record,) = collect({**VIEW, "time": 86_400_000})
    assert not found.rejected
    assert (record.event.time, record.stated) == (NOW, 86_400_000)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("attribute: published_at, op: ge, value: 1772360100", "looks like seconds"),
        ("attribute: published_at, op: between, value: [20260101, 20260301]", "without dashes"),
        ("item: a, when: [{fact: clock.minute, op: lt, value: 1772360100}]", "looks like seconds"),
        ("item: a, when: [{fact: visitor.last.view, op: gt, value: 2026}]", "looks like a year"),
        ("item: a, from: '0026-12-24'", "the year 26"),
        ("item: a, until: '1970-01-21'", "the year 1970"),
        ("attribute: published_at, op: ge, value: '0026-01-01'", "needs a number"),
    ],
)
def test_a_rule_is_not_held_against_such_a_time(rule: str, words: str) -> None:
    found = check(SITE.format(rule))
    assert any(words in finding.problem for finding in found.findings), found


@pytest.mark.parametrize(
    "rule",
    [
        "attribute: published_at, op: ge, value: 1772360100000",
        "attribute: published_at, op: within_days, value: 30",
        "item: a, from: '2026-12-24', until: '2026-12-27 10:00'",
    ],
)
def test_a_rule_with_a_time_is_taken(rule: str) -> None:
    assert check(SITE.format(rule)).site
