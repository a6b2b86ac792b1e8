"""What people reported about comparable products, tried here; each case names its report.

The cases are data, so that they can be shared: tests/cases/reports.
"""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from hemline.decide import ladder
from hemline.decide.explain.facts import FactRead
from hemline.decide.facts import exact_price
from hemline.decide.render.cards import html_card, json_members, price_text
from hemline.model.decision import SlotRequest
from hemline.model.errors import BadInput
from hemline.model.events.schema import parse_event
from hemline.model.item import Item
from hemline.model.site.rule import Condition, Rule
from hemline.model.site.slot import Slot, Variant
from hemline.sitefile import reader
from hemline.usecases.receipts.explain import Explained, WhyNot
from tests.builders.editions import NOW, ScoreByPrice, build, catalogue, with_fields
from tests.harness.deciding import acts, ask, decide_for, table_with
from workbench import refusals
from workbench.receipts import tables

CASES = Path(__file__).resolve().parents[2] / "cases/reports"
SITE_FILE = (
    "title: S\ncurrency: EUR\nconsent_default: true\nslots: [{name: row}]\nrules:\n"
    "  - {name: r, action: suppress, slots: [row], when: [CONDITION]}\n"
)


def cases(name: str) -> list[Any]:
    found = json.loads((CASES / f"{name}.json").read_text(encoding="utf-8"))["cases"]
    return [pytest.param(one, id=f"{at}: {one['report'][:60]}") for at, one in enumerate(found)]


@pytest.mark.parametrize("case", cases("events"))
def test_an_event_is_kept_as_it_is_or_refused_by_its_field(case: dict[str, Any]) -> None:
    raw = case["raw"].encode()
    if isinstance(case["expect"], str):
        with pytest.raises(BadInput) as refused:
            parse_event(raw)
        assert refused.value.field == case["expect"]
        assert refused.value.way_out
    else:
        event = parse_event(raw)
        assert {name: getattr(event, name) for name in case["expect"]} == case["expect"]


@pytest.mark.parametrize("case", cases("conditions"))
def test_a_condition_that_can_never_hold_is_refused_with_what_was_meant(
    case: dict[str, Any],
) -> None:
    _, findings = reader.check(SITE_FILE.replace("CONDITION", case["condition"]))
    if case["says"]:
        assert case["says"] in " ".join(f"{one.problem} {one.way_out}" for one in findings)
    else:
        assert findings == []


def suppressed(case: dict[str, Any]) -> bool:
    prices = case["prices"]
    items = [
        with_fields(one, price=p) for one, p in zip(catalogue(len(prices)), prices, strict=True)
    ]
    rule = Rule("r", "suppress", ("row",), (Condition(case["fact"], case["op"], case["value"]),))
    shown = with_fields(catalogue(9)[8], id="other")
    edition = build([*items, shown], [Slot("row", sources=("popular", "new"))], site_rules=[rule])
    fragment = decide_for(
        "v:x",
        ask("row", item="i0", cart=tuple(item.id for item in items)),
        edition,
        table_with(),
        consent=True,
    )
    assert not [why for why in fragment.fragments["row"].reasons if "rule" in why]
    return not fragment.fragments["row"].items


@pytest.mark.parametrize("case", cases("prices"))
def test_a_price_is_what_the_catalogue_says_to_the_last_cent(case: dict[str, Any]) -> None:
    assert suppressed(case) is case["holds"]


def test_this_finds_prices_that_were_rounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The seeded bug: the ranker's float32 column, as it was read."""

    def rounded(snapshot: Any, index: int) -> float:
        return float(snapshot.price[index])

    monkeypatch.setattr("hemline.usecases.serving.rule_facts.price_of", rounded)
    monkeypatch.setattr(exact_price, "price_of", rounded)
    wrong = [
        case for case in cases("prices") if suppressed(case.values[0]) != case.values[0]["holds"]
    ]
    assert len(wrong) >= 5


def test_what_was_spent_is_worth_its_price_too() -> None:
    """`visitor.lifetime_value` of ten things at 19.99 is 199.90."""
    items = [with_fields(catalogue(1)[0], price=19.99), catalogue(2)[1]]
    rule = Rule("r", "suppress", ("row",), (Condition("visitor.lifetime_value", "ge", 199.9),))
    edition = build(items, [Slot("row", sources=("popular", "new"))], site_rules=[rule])
    table = table_with(acts("v:x", ["i0"] * 10, "purchase"))
    found = decide_for("v:x", ask("row"), edition, table).fragments["row"]
    assert found.items == ()
    assert not [why for why in found.reasons if "rule" in why]


@pytest.mark.parametrize(
    ("currency", "text"), [("EUR", "€0.00"), ("JPY", "¥0"), ("CHF", "0.00 CHF"), ("", "0.00")]
)
def test_nothing_is_never_written_as_less_than_nothing(currency: str, text: str) -> None:
    """rails/rails#37846 and #42577, SaxoBank/openapi-clientlib-js#59: `-$0.00`."""
    assert price_text(-0.0, currency) == text
    item = Item("a", price=-0.0, currency=currency)
    assert b"-0" not in json_members(item) + html_card(item)


ODD = ("0", "-1", "null", "undefined", "__proto__", "constructor", "true", "1e3", "007", "NaN",
       "%2F", "a/b", "a,b", "<x>", '"', "'", "\\", "{{x}}", "..", "#", "?", "a:b")  # fmt: skip


def test_ids_that_look_like_something_else_are_ids() -> None:
    """growthbook/growthbook-php#46 (variant "0"), SAP/spartacus#10591 (slash), unjs/ufo#12 (__proto__)."""
    items = [
        Item(one, title=one, price=1.0, categories=(one,), published_at=NOW - 10**8) for one in ODD
    ]
    slots = [
        Slot("row", sources=("popular", "new"), limit=len(ODD)),
        Slot("0", kind="content", variants=(Variant("0", {"headline": "h"}), Variant("1"))),
        Slot("constructor", kind="layout", sections=("__proto__", "0")),
    ]
    pin = Rule("0", "pin", ("row",), item="0", position=1)
    chosen = Rule("1", "variant", ("0",), variant="0")
    edition = build(items, slots, site_rules=[pin, chosen], history=acts("v:h", ODD))
    question = ask("row", "0", "constructor", item="%2F", category="0")
    history = table_with(acts("v:x", ["0", "__proto__"]))
    found = decide_for("v:x", question, edition, history, ScoreByPrice()).fragments
    assert found["row"].items[0] == "0"
    assert sorted(found["row"].items) == sorted(set(ODD) - {"%2F"})
    assert json.loads(found["0"].body)["variant"]["name"] == "0"
    assert sorted(json.loads(found["constructor"].body)["sections"]) == ["0", "__proto__"]


def test_more_categories_than_sixteen_bits_hold_are_told_apart() -> None:
    """woocommerce-ios#313, benfred/implicit#645: numbers that outgrow their type or their table."""
    count = (1 << 16) + 10
    items = [
        Item(f"i{n}", price=1.0, categories=(f"c{n}",), published_at=NOW - 10**8)
        for n in range(count)
    ]
    slot = Slot("row", sources=("category",), limit=4)
    edition = build(items, [slot], history=acts("v:x", [f"i{count - 1}"]))
    for n in (0, 10, count - 10, count - 1):
        found = decide_for("v:y", ask("row", category=f"c{n}"), edition, table_with())
        assert found.fragments["row"].items == (f"i{n}",)


EVIL = "/a\x1b]0;owned\x07\x1b[2J\x9b31m\u202eevil\r"


def test_what_somebody_asked_with_moves_no_cursor_of_whoever_explains_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """marmot-protocol/mdk#993, jamie8johnson/cqs#1341, resend/resend-cli#240: escapes in foreign text."""
    fact = FactRead("page.url", "trait", EVIL, had=True)
    told = Explained(
        "row", "items", "e" * 64, "popular", "public", NOW, (fact,), (EVIL,), None, EVIL, {}
    )
    out = io.StringIO()
    tables.explained(told, Console(file=out, width=200), everything=False)
    error = BadInput("--x", f"{EVIL} is none.")
    refusal = refusals.refusal_of(error)
    assert refusal
    refusals.say(error, refusal, to_machine=False)
    said = [out.getvalue(), capsys.readouterr().err, tables.why_not(WhyNot(EVIL, EVIL))]
    for text in said:
        assert "owned" in text
        assert not {"\x1b", "\x07", "\x9b", "\u202e", "\r"} & set(text)


def big_shop(count: int = 1000) -> tuple[list[Item], list[Any]]:
    """More items than the lists of an edition hold; `rare` is a brand of the least popular, oldest ones."""
    items = [
        with_fields(one, attributes={"brand": "rare" if n >= count - 5 else "usual"})
        for n, one in enumerate(catalogue(count))
    ]
    history = [
        act
        for n in range(3)
        for act in acts(f"v:{n}", [f"i{k}" for k in range(count // (n + 1) - 5)])
    ]
    return items, history


@pytest.mark.parametrize("who", [None, "v:x"])
@pytest.mark.parametrize("personal", [True, False])
def test_a_slot_is_not_empty_while_something_may_be_shown(
    who: str | None, *, personal: bool
) -> None:
    """massquantity/LibRecommender#435, leonagoel/hybrid-recommender#1116: all candidates filtered out."""
    items, history = big_shop()
    slot = Slot("row", personal=personal, sources=("popular", "new"), limit=4)
    only = Rule("only", "filter", ("row",), attribute="brand", value="rare")
    edition = build(items, [slot], history=history, site_rules=[only])
    table = table_with(acts("v:x", ["i1"]))
    found = decide_for(who, ask("row"), edition, table, ScoreByPrice()).fragments["row"]
    assert found.items == ("i995", "i996", "i997", "i998"), "of the brand, the newest first"
    top = tuple(f"i{n}" for n in range(500))
    plain = build(items, [slot], history=history)
    without = ask(SlotRequest("row", exclude=top))
    left = decide_for(who, without, plain, table, ScoreByPrice()).fragments["row"]
    assert len(left.items) == 4
    assert not set(left.items) & set(top)


def test_this_finds_a_slot_that_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    """The seeded bug: the lists of an edition alone, as it was."""
    monkeypatch.setattr(ladder, "_filled", lambda _, found: found)
    with pytest.raises(AssertionError):
        test_a_slot_is_not_empty_while_something_may_be_shown(None, personal=True)


def test_what_fills_a_slot_obeys_every_rule() -> None:
    """PredictionIO template-scala-parallel-universal-recommendation#14: popular items broke the filters."""
    items, history = big_shop()
    items[996] = with_fields(items[996], stock=0)
    items[997] = with_fields(items[997], published_at=NOW + 10**9)
    only = Rule("only", "filter", ("row",), attribute="brand", value="rare")
    out = Rule("out", "block", item="i998")
    edition = build(
        items, [Slot("row", sources=("popular",))], history=history, site_rules=[only, out]
    )
    found = decide_for(None, ask("row", item="i999"), edition, table_with()).fragments["row"]
    assert found.items == ("i995",)
