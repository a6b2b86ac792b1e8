"""Prices are compared and added up in the site's currency; without a rate they are in doubt, and told."""

import math
from typing import Any

import msgspec
import numpy as np
import pytest

from hemline.decide.engine import Engine
from hemline.decide.facts.facts import Facts, FactSource
from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.page import PageRequest
from hemline.decide.ranking.features.matrix import FEATURES, matrix
from hemline.decide.ranking.visitor import view
from hemline.decide.rules.eligibility import Rules
from hemline.learn.profile.fold import Profile, encode, fold
from hemline.learn.statistics.arrays import Statistics, sections
from hemline.model.decision import PageContext, Traits, Visit
from hemline.model.edition import Header, pack, unpack
from hemline.model.errors import BadInput
from hemline.model.events.schema import check_item, parse_event
from hemline.model.ids import is_currency
from hemline.model.item import Item
from hemline.model.money import Money
from hemline.model.site.rule import Condition, Rule
from hemline.model.site.site import Site
from hemline.model.site.slot import Slot
from hemline.sitefile.reader import check
from hemline.sitefile.review.site import Against, review
from hemline.usecases.ports import ServingRead, Stored
from hemline.usecases.serving.fact_providers import fact_providers
from hemline.usecases.serving.visitor_context import VisitorContext
from tests.builders.publishing import NOW, item, live, places, publish
from tests.harness.deciding import acts, ask, decide_for

RATES = {"JPY": 0.0061, "KWD": 3.0}
PRICES = {"eur": (40.0, ""), "jpy": (4000.0, "JPY"), "kwd": (45.0, "KWD"), "usd": (9.0, "USD")}
ITEMS = [
    item(name, price=price, currency=currency, published_at=NOW - 3_600_000)
    for name, (price, currency) in PRICES.items()
]
SLOT = Slot("row", personal=False, sources=("new",), limit=10)


def site(*rules: Rule, rates: dict[str, float] | None = None) -> Site:
    found = RATES if rates is None else rates
    return Site("Shop", "EUR", slots=(SLOT,), rules=rules, rates=found)


def snapshot(of: Site) -> Snapshot:
    place = places(ITEMS, of)
    publish(place)
    return Snapshot(live(place))


def shown(*rules: Rule) -> set[str]:
    decided = decide_for(None, ask("row"), snapshot(site(*rules)).edition, None)
    return set(decided.fragments["row"].items)


def priced(action: Any, op: Any, value: Any) -> Rule:
    return Rule("one", action, attribute="price", op=op, value=value)


@pytest.mark.parametrize(
    ("rule", "left"),
    [
        (priced("filter", "le", 50), {"eur", "jpy"}),
        (priced("exclude", "gt", 50), {"eur", "jpy"}),
        (priced("exclude", "le", 25), {"eur", "kwd"}),
        (priced("filter", "between", [24, 25]), {"jpy"}),
        (priced("exclude", "eq", 40), {"jpy", "kwd"}),
        (priced("filter", "ne", 40), {"jpy", "kwd"}),
        (priced("filter", "exists", value=True), set(PRICES)),
        (
            Rule("one", "filter", attribute="id", op="exists", value=True,
                 where=(Condition("item.price", "lt", 50),)),
            {"eur", "jpy"},
        ),
    ],
)  # fmt: skip
def test_a_rule_compares_in_the_sites_currency_and_shows_less_in_doubt(
    rule: Rule, left: set[str]
) -> None:
    assert shown(rule) == left


def test_what_is_shown_keeps_the_price_that_the_catalogue_states() -> None:
    found = snapshot(site())
    cards = bytes(found.edition.raw("cards_json")).decode()
    assert '"price":4000' in cards
    assert '"currency":"JPY"' in cards
    assert "¥4,000" in bytes(found.edition.raw("cards_html")).decode()


def test_a_ranker_sees_prices_of_one_currency_online_and_offline_to_the_last_bit() -> None:
    online = snapshot(site())
    assert online.price[:3] == pytest.approx([40.0, 24.4, 135.0])
    assert np.isnan(online.price[3])
    catalogue = [check_item_of(one.event.item or "", one.event.properties) for one in ITEMS]
    offline = sections(Statistics(), site().money.compared(catalogue), NOW)
    header = Header(1, "shop", NOW, (), (), FEATURES, {})
    other = Snapshot(unpack(pack(header, offline), site="shop"))
    rows = [
        matrix(one, view(Profile(), one), np.arange(4, dtype=np.int32), now=NOW, page_item=0)
        for one in (online, other)
    ]
    assert np.isfinite(rows[0]).all()
    assert rows[0].tobytes() == rows[1].tobytes()


def check_item_of(name: str, properties: dict[str, Any]) -> Item:
    event = {"id": "i", "type": "item", "item": name, "properties": properties}
    return check_item(parse_event(msgspec.json.encode(event)))


def facts(of: Site, cart: tuple[str, ...], bought: list[str], page: str = "jpy") -> Facts:
    found = snapshot(of)
    engine = Engine(found, Rules(found), None)
    blob = encode(fold(Profile(), acts("v:ann", bought, "purchase", NOW - 1000))) if bought else b""
    hot = ServingRead(Stored(blob, 1) if blob else None, None)
    known = VisitorContext(Visit("v:ann", True), hot, engine, NOW - NOW % 60_000)
    question = PageRequest(PageContext(item=page, cart=cart), Traits(), (), "json")
    return Facts(FactSource(fact_providers(question, known)), personal=True)


def test_a_cart_a_page_and_a_life_are_worth_what_they_are_in_the_sites_currency() -> None:
    found = facts(site(), ("eur", "jpy", "nowhere"), ["jpy", "kwd"])
    assert found.read("cart.value") == pytest.approx(64.4)
    assert found.read("page.item_price") == pytest.approx(24.4)
    assert found.read("visitor.lifetime_value") == pytest.approx(24.4 + 135)


def test_a_sum_of_which_a_part_has_no_rate_is_unknown_and_not_too_low() -> None:
    found = facts(site(), ("eur", "usd"), ["usd"], page="usd")
    assert found.read("cart.value") is None
    assert found.read("page.item_price") is None
    assert found.read("visitor.lifetime_value") is None


def test_a_site_that_names_no_currency_takes_prices_as_they_stand() -> None:
    items = [Item("a", price=3, currency="JPY"), Item("b", price=4)]
    assert Money().compared(items) == items
    assert not Money().without_rate(items)


def test_a_price_without_a_rate_is_a_price_that_is_unknown() -> None:
    (found,) = Money("EUR", {}).compared([Item("a", price=3, currency="JPY")])
    assert found.price is not None
    assert math.isnan(found.price)


def told(of: Site) -> list[tuple[str, str, str]]:
    items = [check_item_of(one.event.item or "", one.event.properties) for one in ITEMS]
    found = review(of, Against(NOW, items))
    return [(one.severity, one.code, one.problem) for one in found if one.code == "no-rate"]


@pytest.mark.parametrize(
    ("rules", "severity"),
    [
        ((), "warning"),
        ((priced("filter", "le", 50),), "error"),
        ((Rule("one", "cap", attribute="price"),), "error"),
        ((Rule("one", "block", item="eur", when=(Condition("cart.value", "ge", 5),)),), "error"),
    ],
)
def test_the_check_tells_currencies_without_a_rate(rules: tuple[Rule, ...], severity: str) -> None:
    ((found, _, problem),) = told(site(*rules))
    assert found == severity
    assert "1 items (usd) are priced in USD" in problem
    assert not told(site(*rules, rates={**RATES, "USD": 0.9}))


def test_a_publish_notes_what_cannot_be_compared() -> None:
    place = places(ITEMS, site(priced("filter", "le", 50)))
    notes = publish(place).notes
    assert any("1 items (usd) are priced in USD" in note for note in notes)
    assert any("rule one compares 1 items" in note for note in notes)


SITE = """
title: Case
currency: EUR
consent_default: true
slots: [{{name: top, personal: false, sources: [popular, new]}}]
rates: {0}
"""


def test_rates_are_read_from_the_site_file() -> None:
    found = check(SITE.format("{JPY: 0.0061, KWD: 3}")).site
    assert found is not None
    assert found.rates == {"JPY": 0.0061, "KWD": 3.0}


@pytest.mark.parametrize(
    "rates", ["{jpy: 1}", "{JPY: 0}", "{JPY: -1}", "{JPY: .inf}", "{EUR: 1}", "{JPY: '1'}", "[]"]
)
def test_a_rate_that_is_none_is_refused(rates: str) -> None:
    found = check(SITE.format(rates))
    assert found.site is None
    assert all("rates" in one.field or "rates" in one.problem for one in found.findings), found


CODES = ["EUR", "KWD"]
NO_CODES = ["eur", "€", "EURO", "EU", "EUR\n", " EUR", "ÉUR", "EURO-LONG-<b>"]


@pytest.mark.parametrize("code", CODES)
def test_a_currencys_code_is_taken_at_every_door(code: str) -> None:
    assert is_currency(code)
    assert check_item_of("a", {"currency": code}).currency == code
    event = parse_event(msgspec.json.encode({"id": "1", "type": "page", "currency": code}))
    assert event.currency == code
    assert check(SITE.format("{}").replace("EUR", f'"{code}"')).site


@pytest.mark.parametrize("code", NO_CODES)
def test_what_is_no_code_is_refused_at_every_door(code: str) -> None:
    assert not is_currency(code)
    with pytest.raises(BadInput, match="currency"):
        check_item_of("a", {"currency": code})
    with pytest.raises(BadInput, match="currency"):
        parse_event(msgspec.json.encode({"id": "1", "type": "page", "currency": code}))
    quoted = code.replace("\n", "\\n")
    assert not check(SITE.format("{}").replace("EUR", f'"{quoted}"')).site
