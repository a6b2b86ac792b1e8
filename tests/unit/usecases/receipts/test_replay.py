"""A receipt on its way back to its decision: what the archive, the edition and the caller have to give."""

import base64
from typing import Any

import msgspec
import pytest

from hemline.decide.token import UNREAD
from hemline.model.decision import Fragment, SlotRequest, Visit
from hemline.model.errors import BadInput, Refused
from hemline.model.site.rule import Condition, Rule, Segment
from hemline.model.site.slot import Slot
from hemline.usecases.receipts.replay import replay
from hemline.usecases.receipts.what_if import what_if
from tests.builders.editions import NOW, ScoreByPrice, catalogue
from tests.builders.receipts import World, receipt, signed
from tests.harness.deciding import Broken, acts, ask

ITEMS = catalogue(24)
FOR_YOU = Slot("for-you", limit=6, explore=0.4, diversity=0.3)
SHELF = Slot("shelf", personal=False, sources=("popular",), limit=5)
ANN = acts("v:ann", ["i1", "i5", "i9"])
BEN = acts("v:ben", ["i2", "i6", "i10", "i14"], "purchase")
LATER = acts("v:ann", ["i3", "i7"], "add_to_cart", NOW - 1000)


def world(slots: Any = (FOR_YOU, SHELF), **kwargs: Any) -> World:
    made = World(ITEMS, slots, history=[*ANN, *BEN], ranker=ScoreByPrice(), **kwargs)
    made.arrive(ANN[:2])
    made.arrive(BEN, "s2")
    made.arrive(ANN[2:])
    return made


def _sent(fragment: Fragment) -> tuple[object, ...]:
    """All that leaves the function; reasons are for its log, and name what failed then."""
    return fragment.body, fragment.html, fragment.etag, fragment.scope, fragment.max_age


def unequal(here: World, question: Any, visit: Visit, reader: Any = None) -> list[str]:
    """Slots whose receipt does not give the same bytes again, later events having arrived."""
    decided = here.decide(question, visit, reader=reader)
    here.arrive([*visit.recent, *acts("v:ann", ["i20"], "view", NOW)])
    wrong = []
    for name, fragment in decided.fragments.items():
        again = replay(here.scene(fragment, visit.subject or ""))
        if again.differences or _sent(again.fragment) != _sent(fragment):
            wrong.append(f"{name}: {again.differences}")
    return wrong


def test_acts_of_the_capsule_that_were_not_folded_yet_are_found_in_the_archive() -> None:
    here = world()
    fragment = here.decide(ask("for-you"), Visit("v:ann", None, tuple(LATER))).fragments["for-you"]
    with pytest.raises(Refused, match="just before"):
        here.scene(fragment)
    here.arrive(LATER)
    again = replay(here.scene(fragment))
    assert again.fragment.body == fragment.body


def test_a_receipt_outlives_the_edition_that_follows_it() -> None:
    here = world()
    fragment = here.decide(ask("for-you"), Visit("v:ann", None)).fragments["for-you"]
    here.publish(ITEMS[:12], [SHELF, FOR_YOU])
    assert not replay(here.scene(fragment)).differences


class BreaksOnce(ScoreByPrice):
    def score(self, matrix: Any) -> Any:
        self.column += 1
        if self.column == 1:
            raise RuntimeError("out of memory")
        return matrix[:, 0]


def test_a_ranker_that_broke_then_breaks_again_for_the_same_slot_and_no_other() -> None:
    here = world((FOR_YOU, Slot("more", limit=6), SHELF))
    assert here.live.engine
    here.live.engine = here.live.engine._replace(ranker=BreaksOnce())
    page = here.decide(ask("shelf", "for-you", "more"), Visit("v:ann", None)).fragments
    assert [f.rung for f in page.values()] == ["segment", "segment", "model"]
    assert receipt(page["more"]).broken == 2
    for fragment in page.values():
        assert replay(here.scene(fragment)).fragment.body == fragment.body


def test_a_profile_that_was_not_to_be_had_is_not_to_be_had_again() -> None:
    here = world()
    page = here.decide(ask("for-you"), Visit("v:ann", consent=True), reader=Broken()).fragments
    whose = receipt(page["for-you"]).whose
    assert whose
    assert whose.flags & UNREAD
    assert replay(here.scene(page["for-you"])).fragment.body == page["for-you"].body


def test_somebody_without_a_past_must_be_named_by_who_asks() -> None:
    here = world()
    fragment = here.decide(ask("for-you"), Visit("v:new", None)).fragments["for-you"]
    with pytest.raises(BadInput, match="--visitor"):
        here.scene(fragment)
    with pytest.raises(BadInput, match="somebody else"):
        here.scene(fragment, "v:other")
    assert not replay(here.scene(fragment, "v:new")).differences


def test_a_request_too_long_for_a_token_is_replayed_when_it_is_handed_over() -> None:
    here = world()
    many = tuple(f"a-rather-long-item-id-{n}" for n in range(40))
    own = SlotRequest("for-you", exclude=tuple(f"i{n}" for n in range(3)))
    question = ask(own, cart=many)
    fragment = here.decide(question, Visit("v:ann", None)).fragments["for-you"]
    assert isinstance(receipt(fragment).request, bytes)
    with pytest.raises(BadInput, match="--request"):
        here.scene(fragment)
    assert not replay(here.scene(fragment, asked=question)).differences
    other = ask(own, cart=many[:3])
    assert {d.field for d in replay(here.scene(fragment, asked=other)).differences} >= {"facts"}


def test_an_edition_that_is_gone_is_named() -> None:
    here = world()
    fragment = here.decide(ask("shelf"), Visit(None, None)).fragments["shelf"]
    for key in list(here.objects.keys("editions/")):
        here.objects.delete(key)
    with pytest.raises(Refused, match="not in the bucket any more"):
        here.scene(fragment)


def test_what_if_takes_a_rule_out_or_replaces_a_fact() -> None:
    blocked = Rule("no-i1", "block", item="i1")
    here = world(site_rules=[blocked])
    fragment = here.decide(ask("shelf"), Visit(None, None)).fragments["shelf"]
    without = what_if(here.scene(fragment), {}, ["no-i1"])
    assert "i1" not in without.then.items
    assert "i1" in without.now.items
    abroad = what_if(here.scene(fragment), {"trait.country": "DE"}, [])
    assert (abroad.then.rung, abroad.now.rung) == ("segment", "popular")
    with pytest.raises(BadInput, match="no-i1"):
        what_if(here.scene(fragment), {}, ["nowhere"])


def test_facts_that_rules_alone_read_are_found_again() -> None:
    conditions = (
        Condition("page.campaign", "eq", "autumn"),
        Condition("clock.hour", "ge", 0.0),
        Condition("cart.count", "ge", 1.0),
        Condition("cart.value", "gt", 1.0),
        Condition("visitor.count.purchase", "exists"),
        Condition("visitor.lifetime_value", "exists"),
        Condition("page.item_price", "exists"),
        Condition("trait.time_zone", "exists", value=False),
    )
    rules = [Rule("all-of-it", "block", ("for-you",), conditions, item="i1")]
    here = world(site_rules=rules)
    page: dict[str, Any] = {
        "url": "https://shop.example/?utm_campaign=autumn",
        "cart": ("i3",),
        "item": "i7",
    }
    assert not unequal(here, ask("shelf", "for-you", **page), Visit("v:ann", None))
    fragment = here.decide(ask("for-you", **page), Visit("v:ann", None)).fragments["for-you"]
    assert "i1" not in fragment.items
    assert b"shop.example" not in _payload(fragment), "an address that nobody read is not kept"


def test_more_of_a_list_is_replayed_with_its_cursor() -> None:
    here = world()
    first = here.decide(ask("for-you"), Visit("v:ann", None)).fragments["for-you"]
    cursor = msgspec.json.decode(first.body)["cursor"]
    more = ask(SlotRequest("for-you", after=cursor))
    second = here.decide(more, Visit("v:ann", None)).fragments["for-you"]
    assert not set(first.items) & set(second.items)
    assert replay(here.scene(second)).fragment.body == second.body


def _payload(fragment: Fragment) -> bytes:
    return base64.urlsafe_b64decode(signed(fragment).partition(".")[0] + "==")


def test_what_if_somebody_were_in_a_segment() -> None:
    near = Segment("near", (Condition("trait.country", "eq", "FR"),))
    rule = Rule("theirs", "exclude", item="i1", segments=("near",))
    here = world(site_rules=[rule], segments=(near,))
    fragment = here.decide(ask("shelf"), Visit(None, None)).fragments["shelf"]
    scene = here.scene(fragment)
    found = what_if(scene, {"segment.near": True}, [])
    assert ("i1" in found.then.items, "i1" in found.now.items) == (True, False)
    assert (found.unread, found.differs[0]) == ((), "items")
    same = what_if(scene, {"segment.near": False, "cart.value": 3}, [])
    assert (same.differs, same.unread) == ((), ("cart.value",))
    with pytest.raises(BadInput, match="It has: near"):
        what_if(scene, {"segment.far": True}, [])


def test_what_if_it_were_another_hour() -> None:
    night = Rule("night", "exclude", item="i1", when=(Condition("clock.hour", "lt", 6),))
    here = world(site_rules=[night])
    fragment = here.decide(ask("shelf"), Visit(None, None)).fragments["shelf"]
    hours = [
        "i1"
        in what_if(here.scene(fragment), {"clock.minute": NOW + hour * 3_600_000}, []).now.items
        for hour in range(24)
    ]
    assert hours.count(False) == 6
