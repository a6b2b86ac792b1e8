"""An explanation says what was read, where each candidate came from and what kept it out."""

import msgspec
import pytest

from hemline.decide.ranking.features.matrix import FEATURES
from hemline.model.brake import Brake, Stop
from hemline.model.decision import Fragment, SlotRequest, Visit
from hemline.model.errors import BadInput
from hemline.model.site.rule import Rule
from hemline.model.site.slot import Slot, Variant
from hemline.usecases.receipts.explain import explain, why_not
from tests.builders.editions import ScoreByPrice, catalogue, with_fields
from tests.builders.receipts import World
from tests.harness.deciding import acts, ask

FOR_YOU = Slot("for-you", limit=4)
SHELF = Slot("shelf", personal=False, sources=("popular",), limit=2)
HERO = Slot("hero", kind="content", variants=(Variant("any", {"headline": "Any"}),))
ITEMS = [*catalogue(23), with_fields(catalogue(24)[23], stock=0)]
ANN = acts("v:ann", [f"i{n}" for n in range(24)])
RULES = [
    Rule("no-i9", "block", item="i9"),
    Rule("one-each", "cap", ("for-you",), attribute="category", count=1),
    Rule("elsewhere", "block", ("shelf",), item="i1"),
]


@pytest.fixture
def here() -> World:
    made = World(
        ITEMS, [SHELF, FOR_YOU, HERO], history=ANN, ranker=ScoreByPrice(), site_rules=RULES
    )
    made.arrive(ANN)
    return made


def page(
    here: World,
    cart: tuple[str, ...] = (),
    owned: tuple[str, ...] = (),
    seen: tuple[str, ...] = (),
) -> dict[str, Fragment]:
    want = SlotRequest("for-you", exclude=("i3",))
    question = ask("shelf", want, "hero", item="i4", cart=cart, owned=owned, seen=seen)
    return here.decide(question, Visit("v:ann", None)).fragments


def test_what_is_shown_stands_first_with_its_source_score_and_features(here: World) -> None:
    fragment = page(here)["for-you"]
    found = explain(here.scene(fragment), clock=iter(range(9)).__next__).items
    assert found
    assert found.shown == fragment.items
    assert [one.item for one in found.candidates[:4]] == list(fragment.items)
    first = found.candidates[0]
    assert (first.why, first.place, first.source) == ("shown", 1, "recent_together")
    assert set(first.features) <= set(FEATURES)
    assert first.score == pytest.approx(first.features[FEATURES[0]])
    assert found.rung == "model"


def test_each_candidate_that_is_not_shown_has_its_reason(here: World) -> None:
    fragments = page(here, ("i5",), ("i6",), ("i7",))
    shelf = fragments["shelf"].items
    for item, why in {
        "i9": "rule no-i9 (block)",
        "i3": "the request names it in 'exclude'",
        "i4": "it is the page's own item",
        "i5": "it is in the cart",
        "i6": "the page says that the visitor owns it",
        "i7": "the page says that it was seen",
        "i23": "it is out of stock",
        shelf[0]: "an earlier slot of the page shows it",
    }.items():
        assert why_not(here.scene(fragments["for-you"]), item).why == why


def test_what_an_earlier_page_of_the_list_showed_is_told_so(here: World) -> None:
    first = here.decide(ask("for-you"), Visit("v:ann", None)).fragments["for-you"]
    more = SlotRequest("for-you", after=msgspec.json.decode(first.body)["cursor"])
    second = here.decide(ask(more), Visit("v:ann", None)).fragments["for-you"]
    found = why_not(here.scene(second), first.items[0])
    assert found.why == "an earlier page of the list shows it"


def test_what_a_cap_left_out_is_told_so(here: World) -> None:
    want = SlotRequest("for-you", candidates=("i2", "i6", "i10", "i1"))
    fragment = here.decide(ask(want), Visit("v:ann", None)).fragments["for-you"]
    assert len(fragment.items) == 2
    told = explain(here.scene(fragment)).items
    assert told
    left = [one.why for one in told.candidates if not one.place]
    assert left == ["a cap of 1 is reached"] * 2


def test_what_was_ranked_too_low_tells_its_rank_and_how_far_it_is_behind(here: World) -> None:
    fragment = here.decide(ask("for-you"), Visit("v:ann", None)).fragments["for-you"]
    told = explain(here.scene(fragment)).items
    assert told
    low = max((c for c in told.candidates if c.rank), key=lambda c: c.rank or 0)
    found = why_not(here.scene(fragment), low.item)
    assert found.why == f"rank {low.rank} of 4 places"
    assert found.rank == low.rank
    assert found.behind is not None
    assert found.behind >= 0


def test_an_item_that_the_request_does_not_name_is_told_so(here: World) -> None:
    fragment = here.decide(ask(SlotRequest("shelf", candidates=("i2",))), Visit(None, None))
    found = why_not(here.scene(fragment.fragments["shelf"]), "i7")
    assert found.why == "the request names its candidates, and it is none of them"
    with pytest.raises(BadInput, match="not in that edition"):
        why_not(here.scene(fragment.fragments["shelf"]), "nowhere")


def test_rules_that_held_are_named_with_what_they_kept_out(here: World) -> None:
    told = explain(here.scene(page(here)["for-you"])).items
    assert told
    effects = {one.rule: (one.action, one.kept_out) for one in told.rules}
    assert effects == {"no-i9": ("block", 1), "one-each": ("cap", 0)}


def test_facts_are_told_in_order_with_scope_and_readable_values(here: World) -> None:
    told = explain(here.scene(page(here)["for-you"]))
    facts = {fact.name: (fact.scope, fact.value) for fact in told.facts}
    assert facts["page.item"] == ("trait", "i4")
    assert facts["visitor.recent"][0] == "visitor"
    assert "i22" in facts["visitor.recent"][1]
    had = {fact.name: fact.had for fact in told.facts}
    assert (had["page.item"], had["site.brake"]) == (True, False)
    assert told.timings.keys() == {"decide", "rank"}


def test_a_content_slot_is_explained_by_its_facts_and_variant(here: World) -> None:
    told = explain(here.scene(page(here)["hero"]))
    assert (told.variant, told.items) == ("any", None)
    assert told.facts
    with pytest.raises(BadInput, match="It has: any"):
        why_not(here.scene(page(here)["hero"]), "i1")


def test_why_a_better_rung_was_left_is_told(here: World) -> None:
    fragment = here.decide(ask("for-you"), Visit("v:new", None)).fragments["for-you"]
    told = explain(here.scene(fragment, "v:new"))
    assert told.rung == "segment"
    assert told.left == ("model: no history",)


def test_what_the_brake_stopped_then_is_found_in_its_log(here: World) -> None:
    stop = Stop("block", "eve", 1, "recalled", "i2")
    brake = Brake("test", 1, (stop,))
    here.stop(brake)
    fragment = here.decide(ask("for-you"), Visit("v:ann", None)).fragments["for-you"]
    here.stop(Brake("test", 2, ()))
    assert why_not(here.scene(fragment), "i2").why == "the brake blocks it"


def ranked(rules: list[Rule], slot: Slot = FOR_YOU) -> World:
    made = World(ITEMS, [slot], history=ANN, ranker=ScoreByPrice(), site_rules=rules)
    made.arrive(ANN)
    return made


def why_each(here: World) -> tuple[list[str], dict[int, str]]:
    """What is shown, and of the others why not, by rank."""
    fragment = here.decide(ask("for-you"), Visit("v:ann", None)).fragments["for-you"]
    told = explain(here.scene(fragment)).items
    assert told
    return [*told.shown], {c.rank: c.why for c in told.candidates if c.rank and not c.place}


def test_a_pin_took_the_place_of_the_one_item_that_would_stand_there_and_of_no_other() -> None:
    _, free = why_each(ranked([]))
    low = max(free)
    plain = ranked([])
    fragment = plain.decide(ask("for-you"), Visit("v:ann", None)).fragments["for-you"]
    told = explain(plain.scene(fragment)).items
    assert told
    last = next(c.item for c in told.candidates if c.rank == low)
    shown, why = why_each(ranked([Rule("pin-it", "pin", item=last, position=1)]))
    assert shown[0] == last
    assert why[4] == "pins took its place"
    assert {why[rank] for rank in why if rank > 4} == {
        f"rank {rank} of 4 places" for rank in why if rank > 4
    }


def test_a_share_took_the_place_of_those_that_would_stand_there_and_of_no_others() -> None:
    share = Rule("ours", "share", attribute="category", value="c1", share=0.5)
    shown, why = why_each(ranked([share]))
    pushed = [rank for rank, text in why.items() if text == "rule ours (share) took its place"]
    assert pushed == [rank for rank in why if rank <= 4]
    assert len(shown) == 4


def test_a_cap_is_no_reason_for_what_would_be_too_far_down_without_it() -> None:
    first = Rule("first", "boost", attribute="category", value="c1", times=100.0)
    shown, why = why_each(ranked([first, Rule("one", "cap", attribute="category", count=1)]))
    assert len(shown) == 4
    for rank, text in why.items():
        assert text in {"a cap of 1 is reached", f"rank {rank} of 4 places"}
    assert why[max(why)] == f"rank {max(why)} of 4 places"
    assert "a cap of 1 is reached" in why.values()
