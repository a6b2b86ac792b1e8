"""A decision token is for whom it was given to, and for its slot and items: a stranger's counts nowhere."""

import json
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from hemline.adapters.memory import MemoryStream
from hemline.decide.token import Token, encode
from hemline.learn.statistics.abuse import survey
from hemline.model.decision import Fragment, SlotRequest, Visit
from hemline.model.events.abuse import FOREIGN, AbuseLimits
from hemline.model.events.event import Record, decode_record
from hemline.model.site.slot import Slot, Variant
from hemline.model.token_header import decode_bound, verify_header
from hemline.usecases.ingest import collect as door
from hemline.usecases.ingest.archive import read_archive
from hemline.usecases.ingest.collect import Caller, CollectDeps, collect_events
from hemline.usecases.ingest.collected import Collected
from hemline.usecases.people.link import LinkDeps, link
from hemline.usecases.publishing.build import ArchiveCounts, count
from hemline.usecases.receipts.receipts import decision_inputs
from hemline.usecases.receipts.replay import replay
from tests.builders.editions import KEYS, NOW, SITE, catalogue
from tests.builders.receipts import World, receipt, signed
from tests.harness.deciding import acts, ask

SLOTS = [
    Slot("for-you", limit=4),
    Slot("row", limit=4, personal=False, sources=("popular",)),
    Slot(
        "hero",
        kind="content",
        variants=(Variant("a", {"headline": "A"}), Variant("b", {"headline": "B"})),
        explore=0.5,
        goal="purchase",
    ),
]
HISTORY = acts("v:ann", ["i1", "i5", "i9", "i1"])
ANN = Visit("v:ann", None, ())
STRANGERS = [f"v:stranger{n}" for n in range(30)]


@pytest.fixture
def world() -> World:
    made = World(catalogue(24), SLOTS, history=HISTORY)
    made.arrive(HISTORY)
    return made


def decided(world: World, slot: str, visit: Visit = ANN) -> Fragment:
    return world.decide(ask(slot), visit).fragments[slot]


def told(
    events: Sequence[dict[str, Any]], caller: str | Caller, keys: tuple[bytes, ...] = KEYS
) -> tuple[Collected, list[Record]]:
    """What the door says to these events, and what it hands to the stream."""
    stream = MemoryStream()
    deps = CollectDeps(stream, SITE, lambda: "fresh", keys=keys)
    who = Caller(caller) if isinstance(caller, str) else caller
    found = collect_events(json.dumps({"events": list(events)}).encode(), who, deps, NOW + 5000)
    return found, [decode_record(entry.data) for entry in stream.entries]


def seen(fragment: Fragment, *items: str, **more: Any) -> list[dict[str, Any]]:
    """Its exposure, a click and a purchase, as a page would tell of them."""
    shown = items or fragment.items
    about = {"slot": fragment.name, "token": signed(fragment), **more}
    lines = [{"item": item} for item in shown]
    listed = {"lines": lines} if lines else {}
    return [
        {"id": "e1", "type": "exposure", "time": NOW, **listed, **about},
        {"id": "e2", "type": "click", "time": NOW + 1000, **about}
        | ({"item": shown[0]} if shown else {}),
        {"id": "e3", "type": "purchase", "time": NOW + 2000, "item": "i1", **about},
    ]


def counted(records: Sequence[Record]) -> ArchiveCounts:
    return count(records, survey(records, AbuseLimits()).flags, SLOTS)


def everybody(fragment: Fragment) -> list[Record]:
    records = told(seen(fragment), "v:ann")[1]
    for stranger in STRANGERS:
        found, theirs = told(seen(fragment), stranger)
        assert found.accepted == 3, "nobody is told that a token is not theirs"
        records += theirs
    return records


def test_a_list_that_was_decided_for_one_counts_for_nobody_else(world: World) -> None:
    found = counted(everybody(decided(world, "for-you")))
    assert found.flagged == {FOREIGN: 90}
    assert found.events == 3
    shown = found.statistics.confirmed()
    assert {shown[item] for item in decided(world, "for-you").items} == {1}, (
        "what new items are owed"
    )


def test_goals_and_what_variants_are_worth_are_those_of_whom_it_was_shown_to(world: World) -> None:
    fragment = decided(world, "hero")
    found = counted(everybody(fragment))
    assert found.choices
    trials = found.choices.attributed()
    assert (len(trials.converted), trials.converted.tolist()) == (1, [True])
    assert found.flagged == {FOREIGN: 90}


def test_what_everybody_gets_counts_for_everybody_once(world: World) -> None:
    fragment = decided(world, "row")
    records = everybody(fragment)
    assert {record.given for record in records} == {""}
    assert counted(records).flagged == {}
    assert counted(records).events == 93


def test_what_was_decided_for_nobody_known_is_as_public_as_it_says_of_nobody(world: World) -> None:
    """A first page: the id comes with the first event, so that the token can name nobody yet."""
    fragment = decided(world, "for-you", Visit(None, None, ()))
    assert {record.given for record in everybody(fragment)} == {""}


def test_a_stranger_s_exposure_vouches_for_no_click(world: World) -> None:
    fragment = decided(world, "for-you")
    stranger = told(seen(fragment)[:1], STRANGERS[0])[1]
    clicked = told(seen(fragment)[1:2], "v:ann")[1]
    assert counted([*stranger, *clicked]).events == 0


@pytest.mark.parametrize(
    ("event", "field"),
    [
        ({"type": "exposure", "slot": "row"}, "slot"),
        ({"type": "click", "slot": "hero"}, "slot"),
        ({"type": "purchase", "slot": "row", "item": "i1"}, "slot"),
        ({"type": "exposure", "lines": [{"item": "0"}, {"item": "i23"}]}, "lines[1].item"),
        ({"type": "impression", "item": "i23"}, "item"),
        ({"type": "click", "item": "i23"}, "item"),
        ({"type": "dismiss", "item": "i23"}, "item"),
        ({"type": "view", "item": "i23"}, "item"),
        ({"type": "add_to_cart", "item": "never-heard-of"}, "item"),
    ],
)
@pytest.mark.parametrize("server", [False, True], ids=["browser", "server"])
def test_an_event_of_another_slot_or_item_than_its_token_is_refused(
    world: World, event: dict[str, Any], field: str, *, server: bool
) -> None:
    fragment = decided(world, "for-you")
    assert "i23" not in fragment.items
    for line in event.get("lines", ()):
        line["item"] = fragment.items[int(line["item"])] if line["item"] == "0" else line["item"]
    about = {"visitor": "ann"} if server else {}
    caller = Caller(signed=True) if server else "v:ann"
    found, held = told([{"id": "e", "token": signed(fragment), **event, **about}], caller)
    assert held == []
    assert found.rejected[0].reason.startswith(f"{field}: ")
    assert "Send " in found.rejected[0].reason, "the way out"


def test_a_whole_cart_is_bought_and_a_banner_may_name_what_it_is_about(world: World) -> None:
    bought = {"type": "purchase", "lines": [{"item": "i23"}, {"item": "other"}]}
    assert told([{"id": "e", "token": signed(decided(world, "for-you")), **bought}], "v:ann")[1]
    about = {"type": "click", "item": "i23"}
    assert told([{"id": "e", "token": signed(decided(world, "hero")), **about}], "v:ann")[1]


def test_a_list_that_showed_nothing_holds_no_item(world: World) -> None:
    nothing = SlotRequest("for-you", exclude=tuple(f"i{n}" for n in range(24)))
    empty = world.decide(ask(nothing), ANN)
    fragment = empty.fragments["for-you"]
    assert fragment.items == ()
    found, held = told(seen(fragment, "i1")[:1], "v:ann")
    assert held == []
    assert [one.reason.split(":")[0] for one in found.rejected] == ["lines[0].item"]


def test_who_signs_in_keeps_what_their_device_was_shown(world: World) -> None:
    device = decided(world, "for-you")
    user = decided(world, "for-you", Visit("u:ann", None, ()))
    # With the cookie beside the bearer the door knows both.
    _, both = told(seen(device), Caller("u:ann", device="ann"))
    assert {record.given for record in both} == {""}
    # Without it (an app that sends its bearer alone) the links tell, from the next event on.
    assert link("ann", "ann", LinkDeps(SITE, world.table, lambda: "fresh")).merged
    later = [{**event, "id": event["id"] + "-later", "time": NOW + 4000} for event in seen(device)]
    for fragment, sender in ((device, "u:ann"), (user, "v:ann")):
        events = later if fragment is device else seen(fragment)
        _, strange = told(events, sender)
        assert all(record.given for record in strange)
        before = len(list(read_archive(world.objects, SITE)))
        world.arrive(strange)
        kept = [one.record for one in read_archive(world.objects, SITE)][before:]
        assert [(one.subject, one.given) for one in kept] == [(sender, "")] * 3
    # Somebody else stays a stranger, also when they are linked to somebody.
    assert link("eve-phone", "eve", LinkDeps(SITE, world.table, lambda: "fresh")).merged
    world.arrive(told(seen(device), "u:eve")[1])
    eve = [o.record for o in read_archive(world.objects, SITE) if o.record.subject == "u:eve"]
    assert len(eve) == 3
    assert all(record.given for record in eve)


def test_a_token_is_known_again_after_the_keys_were_rotated(world: World) -> None:
    keys = (b"a newer key, long enough", *KEYS)
    assert {record.given for record in told(seen(decided(world, "for-you")), "v:ann", keys)[1]} == {
        ""
    }


def test_a_token_of_before_names_its_slot_and_person_and_no_items(world: World) -> None:
    """Migration: for the 90 days that they are taken. They explain and replay as ever."""
    old = msgspec.structs.replace(receipt(decided(world, "for-you")), shown=None)
    payload = verify_header(encode(old, KEYS), KEYS)
    short = msgspec.msgpack.encode(msgspec.msgpack.decode(payload)[:-1])
    assert decode_bound(short).has_item("anything")
    assert decode_bound(short).who == decode_bound(payload).who
    assert msgspec.msgpack.decode(short, type=Token) == old
    assert not replay(decision_inputs(old, world.sources())).differences
    event = {"id": "e", "type": "click", "item": "i23", "token": encode(old, KEYS)}
    assert told([event], "v:ann")[1][0].given == ""
    assert told([event], "v:eve")[1][0].given
    assert told([{**event, "slot": "row"}], "v:ann")[1] == []


def test_a_door_that_asks_not_whose_a_token_is_is_found_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "given_to", lambda *_: "")
    with pytest.raises(AssertionError):
        test_a_list_that_was_decided_for_one_counts_for_nobody_else(world)


def test_a_door_that_asks_not_what_was_shown_is_found_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "check_binding", lambda *_: None)
    with pytest.raises(AssertionError):
        test_a_list_that_showed_nothing_holds_no_item(world)
