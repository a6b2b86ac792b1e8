"""Facts that rules ask for: each is there under its name, of its kind, and no wider than its name says."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemline.decide.engine import Engine
from hemline.decide.facts import clock
from hemline.decide.facts.facts import Facts, FactSource, MissingFact, scope_of
from hemline.decide.facts.names import FACTS, kind_of
from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.page import PageRequest
from hemline.decide.rules.eligibility import Rules
from hemline.learn.profile.fold import Profile, encode, fold
from hemline.model.decision import PageContext, Scope, Traits, Visit
from hemline.model.errors import Unavailable
from hemline.model.site.rule import Condition
from hemline.model.site.slot import Slot
from hemline.runtime.traits import VARY, traits_of
from hemline.sitefile.times import epoch_ms, offsets, site_time
from hemline.usecases.ports import ServingRead, Stored
from hemline.usecases.serving.fact_providers import fact_providers
from hemline.usecases.serving.visitor_context import VisitorContext
from tests.builders.editions import NOW, build, catalogue, with_fields
from tests.harness.deciding import acts

DAY = 86_400_000
LONDON = site_time("Europe/London", "north", [Condition("trait.hour")])
ITEMS = [with_fields(item, stock=7) for item in catalogue(12)]
PAGE = PageContext(
    type="item",
    url="/items/i2?utm_campaign=spring%20sale&utm_source=letter&utm_medium=mail#top",
    item="i2",
    category="c2",
    cart=("i1", "i5", "nowhere"),
    referrer="https://www.example.com/a?b",
    app_version="2.3.0",
)
TRAITS = Traits("AU", "mobile", "en", "NSW", "Sydney", -33.87, 151.21, "Australia/Sydney")
HISTORY = [
    *acts("v:ann", ["i1", "i5"], "purchase", NOW - 40 * DAY),
    *acts("v:ann", ["i3"], "purchase", NOW - 2 * DAY),
    *acts("v:ann", ["i2", "i3", "i2"], "click", NOW - DAY),
]


def facts(history: list[Any] | None = None, *, page: PageContext = PAGE, traits: Traits = TRAITS,
          consent: bool = True, subject: str | None = "v:ann", broken: bool = False) -> Facts:  # fmt: skip
    snapshot = Snapshot(build(ITEMS, [Slot("row")]))
    snapshot.header = msgspec.structs.replace(snapshot.header, time=LONDON)
    engine = Engine(snapshot, Rules(snapshot), None)
    blob = encode(fold(Profile(), HISTORY if history is None else history))
    hot = Unavailable("dynamodb", "late") if broken else ServingRead(Stored(blob, 1), None)
    known = VisitorContext(Visit(subject, consent), hot, engine, NOW - NOW % 60_000)
    return Facts(
        FactSource(fact_providers(PageRequest(page, traits, (), "json"), known)), personal=True
    )


@pytest.mark.parametrize("name", FACTS)
def test_every_fact_that_a_file_may_name_is_one_that_decisions_have(name: str) -> None:
    kinds: dict[str, type | tuple[type, ...]] = {
        "text": str,
        "number": (int, float),
        "time": int,
        "date": str,
        "list": (list, tuple),
        "flag": bool,
        "place": tuple,
    }
    assert isinstance(facts().read(name), kinds[FACTS[name]])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("trait.region", "NSW"),
        ("trait.place", (-33.87, 151.21)),
        ("trait.season", "spring"),
        ("trait.hour", 9),
        ("trait.date", "2023-11-15"),
        ("trait.weekday", "wednesday"),
        ("clock.hour", 22),
        ("clock.date", "2023-11-14"),
        ("clock.weekday", "tuesday"),
        ("clock.season", "autumn"),
        ("page.url", "/items/i2"),
        ("page.campaign", "spring sale"),
        ("page.utm_source", "letter"),
        ("page.utm_medium", "mail"),
        ("page.referrer_host", "www.example.com"),
        ("page.item_categories", ["c2"]),
        ("page.item_price", 3.0),
        ("page.item_stock", 7),
        ("cart.count", 3),
        ("cart.value", 8.0),
        ("cart.categories", ["c1"]),
        ("visitor.count.purchase", 3),
        ("visitor.count.purchase.30d", 1),
        ("visitor.count.click", 3),
        ("visitor.count.share", 0),
        ("visitor.items.click", ["i2", "i3"]),
        ("visitor.lifetime_value", 2.0 + 6.0 + 4.0),
        ("visitor.affinity.nowhere", 0.0),
    ],
)
def test_facts_say_what_the_request_and_the_history_say(name: str, value: object) -> None:
    assert facts().read(name) == value


def test_days_are_counted_from_the_newest_and_never_is_not_there() -> None:
    read = facts()
    assert read.read("visitor.last_purchase_days") == pytest.approx(2, abs=0.01)
    assert read.read("visitor.days_since_last") == pytest.approx(1, abs=0.01)
    assert read.read("visitor.last.purchase") == NOW - 2 * DAY
    assert read.read("visitor.affinity.c1") > read.read("visitor.affinity.c0")
    assert facts([]).read("visitor.last_purchase_days") is None


@pytest.mark.parametrize("name", ["cart.count", "visitor.count.click", "visitor.lifetime_value"])
def test_without_consent_what_is_personal_is_not_there(name: str) -> None:
    with pytest.raises(MissingFact):
        facts(consent=False).read(name)


def test_a_profile_that_could_not_be_read_is_no_empty_one() -> None:
    with pytest.raises(Unavailable):
        facts(broken=True).read("visitor.count.click")


@pytest.mark.parametrize("name", ["visitor.count.dance", "visitor.other", "trait.other", "cart.x"])
def test_a_name_of_no_fact_is_missing(name: str) -> None:
    assert kind_of(name) is None
    with pytest.raises(MissingFact):
        facts().read(name)


def test_scopes_follow_from_names() -> None:
    assert scope_of("clock.season") is Scope.EDITION
    assert {scope_of(f"trait.{name}") for name in ("hour", "place")} == {Scope.TRAIT}
    assert scope_of("page.campaign") is Scope.TRAIT
    assert {scope_of(name) for name in ("cart.value", "visitor.count.click.7d")} == {Scope.VISITOR}


def test_every_trait_says_which_headers_it_came_from() -> None:
    assert {name for name in FACTS if name.startswith("trait.")} == set(VARY)


def test_traits_come_from_cloudfronts_headers_and_nonsense_is_left_out() -> None:
    headers = {
        "cloudfront-viewer-country-region": "NSW",
        "cloudfront-viewer-city": "Sydney",
        "cloudfront-viewer-latitude": "-33.87",
        "cloudfront-viewer-longitude": "999",
        "cloudfront-viewer-time-zone": "x" * 200,
    }
    found = traits_of(_request(headers))
    assert (found.region, found.city, found.latitude) == ("NSW", "Sydney", -33.87)
    assert (found.longitude, found.time_zone) == (None, "")


def _request(headers: dict[str, str]) -> Any:
    class Asked:
        def header(self, name: str) -> str:
            return headers.get(name, "")

    return Asked()


@given(st.integers(1_577_836_800, 2_500_000_000), st.sampled_from(sorted(LONDON.names)[::17]))
def test_local_times_are_those_of_the_time_zone_database(second: int, zone: str) -> None:
    minute = second // 60
    table = LONDON.of(zone)
    assert table is not None
    local = datetime.fromtimestamp(minute * 60, UTC).astimezone(ZoneInfo(zone))
    shifted = minute + table.at(minute)
    found = (clock.date(shifted, ""), clock.hour(shifted, ""), clock.weekday(shifted, ""))
    assert found == (local.date().isoformat(), local.hour, clock.WEEKDAYS[local.weekday()])


def test_a_schedule_is_in_the_sites_time_on_both_sides_of_the_change() -> None:
    assert epoch_ms("2026-07-01", "Europe/London") == clock.epoch_ms("2026-06-30T23:00")
    assert epoch_ms("2026-12-24 18:00", "Europe/London") == clock.epoch_ms("2026-12-24T18:00")
    assert offsets("Europe/London").at(clock.days_of(2026, 7, 1) * 1440) == 60


@given(st.dates())
def test_dates_are_those_of_the_calendar(day: Any) -> None:
    days = day.toordinal() - 719_163
    assert clock.civil(days) == (day.year, day.month, day.day)
    assert clock.days_of(day.year, day.month, day.day) == days
    assert clock.epoch_ms(f"{day.year:04}-{day.month:02}-{day.day:02}") == days * DAY


@pytest.mark.parametrize("text", ["", "today", "2026-02-30", "2026-13-01", "2026-01-01T25:00"])
def test_what_is_no_date_is_none(text: str) -> None:
    assert clock.epoch_ms(text) is None


def test_visitors_zones_are_only_kept_where_a_rule_asks_for_them() -> None:
    assert site_time("UTC", "north", [Condition("clock.hour")]).names == {}
    assert "Asia/Tokyo" in LONDON.names
