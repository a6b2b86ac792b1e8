"""A page of fragments: what each slot shows to whom, on which rung, and of which scope."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from hemline.decide import token
from hemline.model.decision import Rung, Scope, SlotRequest
from hemline.model.errors import UnknownSlot
from hemline.model.site.rule import Condition, Rule
from hemline.model.site.slot import Slot, Variant
from tests.builders.editions import KEYS, ScoreByPrice, build, catalogue, with_fields
from tests.harness.deciding import Broken, acts, ask, decide_for, table_with

ITEMS = catalogue(24)
VISITORS = {
    "v:ann": acts("v:ann", ["i1", "i5", "i9"]),
    "v:ben": acts("v:ben", ["i2", "i6", "i10", "i14"], "purchase"),
}
HISTORY = [record for history in VISITORS.values() for record in history]
TABLE = table_with(*VISITORS.values())
FOR_YOU = Slot("for-you", limit=6)
SHELF = Slot("shelf", personal=False, sources=("popular",), limit=5)
HERO = Slot(
    "hero",
    kind="content",
    variants=(
        Variant("c1", {"headline": "One"}, category="c1"),
        Variant("any", {"headline": "Any"}),
    ),
)


def bodies(
    slots: Sequence[Slot], subject: str | None, table: Any = TABLE, **kwargs: Any
) -> dict[str, Any]:
    rules = kwargs.pop("site_rules", ())
    edition = build(ITEMS, slots, history=HISTORY, site_rules=rules)
    question = ask(*(slot.name for slot in slots), **kwargs.pop("page", {}))
    ranker = kwargs.pop("ranker", ScoreByPrice())
    return dict(decide_for(subject, question, edition, table, ranker, **kwargs).fragments)


def test_two_visitors_get_different_rows_by_the_model() -> None:
    ann, ben = (bodies([FOR_YOU], v)["for-you"] for v in VISITORS)
    assert ann.rung is ben.rung is Rung.MODEL
    assert ann.items != ben.items
    assert ann.scope is Scope.VISITOR


def test_a_click_in_the_capsule_changes_the_next_answer_before_the_stream_has_it() -> None:
    before = bodies([FOR_YOU], "v:new")["for-you"]
    after = bodies([FOR_YOU], "v:new", recent=acts("v:new", ["i1"]))["for-you"]
    assert (before.rung, after.rung) == (Rung.SEGMENT, Rung.MODEL)
    assert before.etag != after.etag


def test_the_capsule_says_again_what_the_profile_knows_and_nothing_changes() -> None:
    once = bodies([FOR_YOU], "v:ann")["for-you"]
    again = bodies([FOR_YOU], "v:ann", recent=VISITORS["v:ann"])["for-you"]
    assert once.items == again.items


@pytest.mark.parametrize(
    ("case", "rung", "scope"),
    [
        ({"subject": None}, Rung.SEGMENT, Scope.VISITOR),
        ({"subject": "v:ann", "table": Broken()}, Rung.SEGMENT, Scope.VISITOR),
        ({"subject": "v:ann", "consent": False}, Rung.SEGMENT, Scope.VISITOR),
        (
            {"subject": "v:ann", "ranker": None, "page": {"country": "FR"}},
            Rung.POPULAR,
            Scope.VISITOR,
        ),
        ({"subject": "v:ann"}, Rung.MODEL, Scope.VISITOR),
    ],
)
def test_each_trouble_steps_down_and_the_answer_says_so(
    case: dict[str, Any], rung: Rung, scope: Scope
) -> None:
    fragment = bodies([FOR_YOU], **case)["for-you"]
    assert (fragment.rung, fragment.scope) == (rung, scope)
    assert len(fragment.items) == 6
    assert bool(fragment.reasons) == (rung is not Rung.MODEL)
    assert json.loads(fragment.body)["rung"] == rung.value


class Exploding:
    def score(self, matrix: np.ndarray) -> np.ndarray:
        raise RuntimeError("out of memory")


class NotFinite:
    def score(self, matrix: np.ndarray) -> np.ndarray:
        return np.full(len(matrix), np.nan, np.float32)


@pytest.mark.parametrize("ranker", [Exploding(), NotFinite()])
def test_a_broken_ranker_is_a_step_down_not_a_failure(ranker: Any) -> None:
    fragment = bodies([FOR_YOU], "v:ann", ranker=ranker)["for-you"]
    assert fragment.rung is Rung.SEGMENT
    assert fragment.reasons


def test_without_an_edition_the_static_rung_answers_and_nothing_may_cache_it() -> None:
    decided = decide_for("v:ann", ask("whatever"), None, TABLE)
    fragment = decided.fragments["whatever"]
    assert (fragment.rung, fragment.scope, decided.edition) == (Rung.STATIC, Scope.VISITOR, "")
    assert decided.faults


def test_an_unknown_slot_names_those_that_exist() -> None:
    with pytest.raises(UnknownSlot, match="for-you"):
        decide_for(None, ask("nowhere"), build(ITEMS, [FOR_YOU]), TABLE)


def test_no_item_stands_twice_on_a_page() -> None:
    second = Slot("second", limit=6)
    page = bodies([FOR_YOU, second], "v:ann")
    assert not set(page["for-you"].items) & set(page["second"].items)


def test_a_public_slot_never_looks_at_what_a_personal_one_shows() -> None:
    ann, ben = (bodies([FOR_YOU, SHELF], v) for v in VISITORS)
    assert ann["shelf"].body == ben["shelf"].body
    assert ann["shelf"].scope < Scope.VISITOR
    assert not set(ann["shelf"].items) & set(ann["for-you"].items)


def test_a_slot_depends_on_what_the_ones_before_it_read_also_when_they_showed_nothing() -> None:
    nothing = Rule(
        "nothing",
        "filter",
        ("shelf",),
        when=(Condition("trait.language", "eq", ""),),
        attribute="category",
        value="no such category",
    )
    second = Slot("second", personal=False, sources=("popular",))
    found = bodies([SHELF, second], None, site_rules=(nothing,))
    assert (found["shelf"].items, bool(found["second"].items)) == ((), True)
    assert "trait.language" in found["second"].traits


def test_a_slots_digest_covers_what_was_asked_of_the_ones_before_it() -> None:
    edition = build(ITEMS, [SHELF, FOR_YOU], history=HISTORY)
    answers = [
        decide_for(None, ask(SlotRequest("shelf", limit=n), "for-you"), edition, TABLE).fragments
        for n in (1, 2)
    ]
    first, second = (fragments["for-you"] for fragments in answers)
    assert first.items != second.items, "what the shelf took is not shown again"
    assert first.etag != second.etag


def test_the_callers_own_list_is_reranked_and_nothing_is_added() -> None:
    edition = build(ITEMS, [FOR_YOU], history=HISTORY)
    own = SlotRequest("for-you", candidates=("i20", "nowhere", "i3", "i4", "i20"))
    for subject in (None, "v:ann"):
        shown = (
            decide_for(subject, ask(own), edition, TABLE, ScoreByPrice()).fragments["for-you"].items
        )
        assert set(shown) == {"i20", "i3", "i4"}


def test_a_category_page_shows_its_category_and_nothing_else() -> None:
    slot = Slot("category", sources=("category",), limit=50)
    for subject in (None, *VISITORS):
        page = {"category": "c1", "cart": ("i5",)}
        shown = bodies([slot], subject, page=page)["category"].items
        assert set(shown) == {i.id for i in ITEMS if i.categories == ("c1",)}


def test_goes_well_with_leads_for_a_visitor_without_history_and_leaves_out_the_page_item() -> None:
    slot = Slot("with", sources=("together", "popular"), limit=3)
    fragment = bodies([slot], None, page={"item": "i6"})["with"]
    assert fragment.items[0] in {"i2", "i10", "i14"}
    assert "i6" not in fragment.items


def test_excluded_items_and_the_cart_are_left_out() -> None:
    edition = build(ITEMS, [FOR_YOU], history=HISTORY)
    own = SlotRequest("for-you", exclude=("i1", "i5"), limit=24)
    shown = decide_for("v:ann", ask(own, cart=("i9",)), edition, TABLE, ScoreByPrice()).fragments[
        "for-you"
    ]
    assert not {"i1", "i5", "i9"} & set(shown.items)


def test_content_follows_the_visitors_own_category_and_else_the_default() -> None:
    ann, nobody = bodies([HERO], "v:ann")["hero"], bodies([HERO], None)["hero"]
    assert json.loads(ann.body)["variant"]["name"] == "c1"
    assert (ann.rung, nobody.rung) == (Rung.SEGMENT, Rung.POPULAR)
    assert json.loads(nobody.body)["variant"]["name"] == "any"


def test_an_alert_that_applies_to_nobody_here_shows_nothing() -> None:
    returning = Condition("visitor.returning", "eq", value=True)
    slot = Slot(
        "back", kind="alert", variants=(Variant("hello", {"text": "Hello"}, when=(returning,)),)
    )
    assert json.loads(bodies([slot], None)["back"].body)["variant"] is None
    old = acts("v:old", ["i1"], when=1_690_000_000_000)
    fragment = bodies([slot], "v:old", table_with(old))["back"]
    assert json.loads(fragment.body)["variant"]["name"] == "hello"


def test_layout_puts_the_visitors_categories_first() -> None:
    slot = Slot("order", kind="layout", sections=("c0", "c1", "news"))
    assert json.loads(bodies([slot], "v:ann")["order"].body)["sections"] == ["c1", "c0", "news"]
    assert json.loads(bodies([slot], None)["order"].body)["sections"] == ["c0", "c1", "news"]


def test_the_token_records_what_was_shown_and_is_ours() -> None:
    fragment = bodies([FOR_YOU], "v:ann")["for-you"]
    found = token.decode(json.loads(fragment.body)["token"], KEYS)
    assert [f"i{n}" for n in found.items] == list(fragment.items)
    assert (found.slot, found.rung, found.facts.hex()) == ("for-you", 0, fragment.etag)


def test_html_is_escaped_and_carries_reasons() -> None:
    items = [with_fields(ITEMS[0], title='<img src=x onerror="alert(1)">'), *ITEMS[1:]]
    edition = build(items, [SHELF], history=acts("v:x", ["i0"] * 3))
    fragment = decide_for(None, ask("shelf", form="html"), edition, TABLE).fragments["shelf"]
    assert b"<img src=x" not in fragment.html
    assert b"&lt;img src=x" in fragment.html
    assert b"hem-card__reason" in fragment.html


def test_an_equal_question_has_equal_bytes() -> None:
    first, second = (bodies([FOR_YOU, SHELF, HERO], "v:ann") for _ in range(2))
    assert {n: (f.body, f.etag) for n, f in first.items()} == {
        n: (f.body, f.etag) for n, f in second.items()
    }
