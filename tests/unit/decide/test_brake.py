"""The brake: what is stopped stays stopped on every rung, and only a newer signed version releases it."""

import json
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemline.decide import brake as decide_brake
from hemline.model.brake import Brake, Stop
from hemline.model.decision import Fragment, Rung, Scope, Visit
from hemline.model.item import Item
from hemline.model.site.rule import Condition, Rule
from hemline.model.site.site import Site
from hemline.model.site.slot import Slot, Variant
from hemline.usecases.publishing.build import dangling
from hemline.usecases.serving.decide_page import Deps, PageDecision, decide
from tests.builders.braking import FOR_YOU, HISTORY, ITEMS, SLOTS, stop
from tests.builders.editions import KEYS, NOW, SITE, ScoreByPrice, build
from tests.harness.deciding import Broken, ask, live, table_with


def under(
    *stops: Stop,
    slots: Sequence[Slot] = SLOTS,
    subject: str | None = "v:ann",
    table: Any = None,
    ranker: Any = None,
    site_rules: Sequence[Rule] = (),
    wants: Sequence[Any] = (),
    items: Sequence[Item] = ITEMS,
) -> PageDecision:
    """A page decided by a warm function that has seen this brake."""
    edition = build(items, slots, history=HISTORY, site_rules=site_rules)
    warm = live(edition, ranker or ScoreByPrice())
    if stops:
        warm.follow(None, Brake(SITE, 1, stops).signed(KEYS[0]))
    deps = Deps(SITE, table or table_with(HISTORY), warm, KEYS, 0.05)
    question = ask(*(wants or [slot.name for slot in slots]))
    return decide(question, Visit(subject, consent=True), deps, NOW)


def variant(fragment: Fragment) -> str:
    return str((json.loads(fragment.body)["variant"] or {}).get("name", ""))


def test_without_a_brake_the_item_and_its_variant_are_shown() -> None:
    found = under().fragments
    assert variant(found["hero"]) == "mug"
    assert found["for-you"].rung is Rung.MODEL


def test_a_frozen_slot_shows_what_the_brake_names_and_else_its_fallback() -> None:
    named = under(stop("freeze", "for-you", "i7", "i8")).fragments["for-you"]
    fallback = under(stop("freeze", "for-you")).fragments["for-you"]
    assert (named.items, named.rung) == (("i7", "i8"), Rung.STATIC)
    assert fallback.items == ("i20", "i21", "i3")
    assert "model: frozen by the brake" in fallback.reasons
    hero = under(stop("freeze", "hero", "plain")).fragments["hero"]
    assert (variant(hero), hero.rung) == ("plain", Rung.STATIC)


def test_a_frozen_slot_is_the_same_for_every_visitor() -> None:
    seen = {
        under(stop("freeze", "hero", "plain"), subject=subject).fragments["hero"].body
        for subject in (None, "v:ann")
    }
    assert len(seen) == 1


def test_without_the_ranker_the_next_rung_answers_and_without_chance_nothing_is_explored() -> None:
    ranked = under(stop("no-ranker")).fragments["for-you"]
    assert ranked.rung is Rung.SEGMENT
    assert "model: ranker stopped by the brake" in ranked.reasons
    short = msgspec.structs.replace(FOR_YOU, limit=2)
    curious = [msgspec.structs.replace(short, explore=1.0)]
    plain = under(slots=[short]).fragments["for-you"].items
    assert under(slots=curious).fragments["for-you"].items != plain
    assert under(stop("no-exploration"), slots=curious).fragments["for-you"].items == plain


def test_a_blocked_item_takes_the_variants_with_it_that_name_it_or_link_to_it() -> None:
    found = under(stop("block", "i3")).fragments["hero"]
    assert variant(found) == "plain"
    assert any("mug, link" in reason for reason in found.reasons)
    frozen = under(stop("block", "i3"), stop("freeze", "hero")).fragments["hero"]
    assert variant(frozen) == "", "its fallback is about the blocked item: nothing is shown"


def test_a_variant_about_an_item_that_a_rule_blocks_or_that_is_unknown_is_not_shown() -> None:
    rule = Rule("recalled", "block", item="i3")
    assert variant(under(site_rules=[rule]).fragments["hero"]) == "link"
    unknown = Slot(
        "u", kind="content", variants=(Variant("gone", {}, item="nowhere"), Variant("here"))
    )
    assert variant(under(slots=[unknown]).fragments["u"]) == "here"


def test_a_publish_says_which_variant_is_about_an_item_that_does_not_exist() -> None:
    slot = Slot("u", kind="content", variants=(Variant("gone", item="nowhere"), Variant("here")))
    (line,) = dangling(Site(slots=(slot,)), ITEMS)
    assert line == "variant gone of slot u names item nowhere, which is not in the catalogue"


@pytest.mark.parametrize(
    "case",
    [{}, {"subject": None}, {"table": Broken()}],
    ids=["model", "nobody", "unread"],
)
def test_an_item_stands_where_it_was_placed_on_every_rung_before_a_rules_pin(
    case: dict[str, Any],
) -> None:
    rules = [
        Rule("a", "pin", ("for-you",), item="i19", position=1),
        Rule("b", "pin", ("for-you",), item="i18", position=2),
        Rule("c", "pin", ("shelf",), item="i15", position=1),
        Rule("d", "pin", ("shelf",), item="i8", position=2),
    ]
    stops = [stop("place", "for-you/2", "i17"), stop("place", "shelf/1", "i16")]
    found = under(*stops, site_rules=rules, **case).fragments
    assert found["for-you"].items[:2] == ("i19", "i17")
    assert found["shelf"].items[:2] == ("i16", "i8")
    assert found["shelf"].scope < Scope.VISITOR


@pytest.mark.parametrize(
    "rule",
    [
        Rule("no", "block", item="i17"),
        Rule("dear", "filter", attribute="price", op="lt", value=1),
        Rule("late", "exclude", attribute="id", value="i17"),
    ],
    ids=["block", "filter", "exclude"],
)
def test_a_place_overrules_nothing_that_takes_away(rule: Rule) -> None:
    found = under(stop("place", "for-you/1", "i17"), site_rules=[rule]).fragments["for-you"]
    assert "i17" not in found.items


@pytest.mark.parametrize("change", [{"stock": 0}, {"published_at": NOW + 1}])
def test_what_is_out_of_stock_or_not_published_yet_stands_in_no_place(
    change: dict[str, int],
) -> None:
    gone = [msgspec.structs.replace(i, **change) if i.id == "i17" else i for i in ITEMS]
    place = stop("place", "for-you/1", "i17")
    assert "i17" in under(place).fragments["for-you"].items
    assert "i17" not in under(place, items=gone).fragments["for-you"].items


def test_a_cap_a_block_by_hand_and_the_page_outweigh_a_place() -> None:
    place, cap = stop("place", "for-you/1", "i17"), Rule("few", "cap", count=1)
    category = {item.id: item.categories[0] for item in ITEMS}
    kept = under(place, stop("place", "for-you/2", "i13"), site_rules=[cap]).fragments["for-you"]
    assert category["i13"] == category["i17"]
    assert kept.items[0] == "i17"
    assert "i13" not in kept.items
    assert "i17" not in under(place, stop("block", "i17")).fragments["for-you"].items
    found = under(place, stop("place", "shelf/1", "i17")).fragments
    assert found["shelf"].items[0] == "i17", "the public slot comes first"
    assert "i17" not in found["for-you"].items


def test_a_frozen_list_stays_as_it_was_written_and_an_unknown_item_is_left_out() -> None:
    place = stop("place", "for-you/1", "i17")
    assert "i17" not in under(place, stop("freeze", "for-you")).fragments["for-you"].items
    plain = under(stop("no-exploration")).fragments["for-you"].items
    assert under(stop("place", "for-you/1", "gone")).fragments["for-you"].items == plain


def test_a_blocked_item_is_not_named_in_a_reason_either() -> None:
    slot = Slot("row", sources=("recent_together", "popular"), limit=12)
    said = under(stop("block", "i5"), slots=[slot]).fragments["row"].body
    assert b'Item 5"' not in said


def test_a_change_of_the_brake_changes_every_etag_and_a_public_answer_stays_public() -> None:
    before, after = (under(*stops).fragments for stops in ((), (stop("block", "i23"),)))
    assert all(before[name].etag != after[name].etag for name in before)
    assert after["shelf"].scope < Scope.VISITOR


STOPS = st.lists(
    st.one_of(
        st.integers(0, 23).map(lambda n: stop("block", f"i{n}")),
        st.sampled_from(
            [
                stop("freeze", "for-you"),
                stop("freeze", "shelf", "i1", "i2", "i3"),
                stop("freeze", "hero"),
                stop("no-ranker"),
                stop("no-exploration"),
            ]
        ),
        st.builds(
            lambda slot, at, n: stop("place", f"{slot}/{at}", f"i{n}"),
            st.sampled_from(["for-you", "shelf", "hero", "gone"]),
            st.integers(1, 9),
            st.integers(0, 24),
        ),
    ),
    min_size=1,
    max_size=6,
)


def appearances(stops: Sequence[Stop], **case: Any) -> list[str]:
    """Blocked items that an answer holds all the same, by id or as what a variant is about."""
    pins = [Rule(f"p{n}", "pin", item=f"i{n}") for n in range(0, 24, 5)]
    found = under(*stops, site_rules=pins, **case).fragments
    blocked = {s.name for s in stops if s.kind == "block"}
    shown = [item for fragment in found.values() for item in fragment.items if item in blocked]
    about = {"mug": "i3", "link": "i3"}.get(variant(found["hero"]))
    return [*shown, *([about] if about in blocked else [])]


@given(STOPS, st.sampled_from([None, "v:ann"]), st.booleans(), st.booleans())
def test_a_blocked_item_appears_on_no_rung(
    stops: list[Stop], subject: str | None, broken: bool, explodes: bool
) -> None:
    table = Broken() if broken else None
    ranker = Exploding() if explodes else None
    assert not appearances(stops, subject=subject, table=table, ranker=ranker)


class Exploding(ScoreByPrice):
    def score(self, matrix: np.ndarray) -> np.ndarray:
        raise RuntimeError("out of memory")


def test_the_property_above_turns_red_when_blocked_items_are_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = decide_brake.braked

    def forgetful(*args: Any) -> Any:
        return whole(*args)._replace(blocked=np.empty(0, np.int32))

    monkeypatch.setattr("hemline.decide.fill_list.braked", forgetful)
    assert appearances([stop("block", "i3"), stop("freeze", "shelf")])


def test_a_frozen_slot_shows_its_list_and_no_rule_puts_in_or_moves() -> None:
    pin = Rule("pin", "pin", item="i9", when=(Condition("visitor.known", "exists"),))
    lift = Rule("lift", "boost", item="i4", times=9.0)
    found = under(stop("freeze", "for-you", "i3", "i4"), site_rules=(pin, lift), wants=["for-you"])
    assert found.fragments["for-you"].items == ("i3", "i4")
