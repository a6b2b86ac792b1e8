"""The brake: what is stopped stays stopped on every rung, and only a newer signed version releases it."""

import json
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemline.adapters.memory import MemoryObjects, MemoryTable
from hemline.adapters.onnx import OnnxRanker
from hemline.decide import brake as decide_brake
from hemline.model.brake import MOST_STOPS, Brake, Change, Stop, brake_of
from hemline.model.decision import Fragment, Rung, Scope, Visit
from hemline.model.edition import Pointer
from hemline.model.errors import BadInput, Conflict, NotAllowed, Refused
from hemline.model.keys import edition_object
from hemline.model.rule import Rule
from hemline.model.site import Site
from hemline.model.slot import Slot, Variant
from hemline.usecases import brake
from hemline.usecases.brake import BrakePlaces
from hemline.usecases.build_edition import dangling
from hemline.usecases.decide_page import Decided, Deps, decide
from hemline.usecases.editions import LiveEdition
from tests.support.deciding import Broken, acts, ask, live, table_with
from tests.support.editions import KEYS, NOW, SITE, ScoreByPrice, build, build_file, catalogue

ITEMS = catalogue(24)
HISTORY = acts("v:ann", ["i1", "i5", "i9"])
FOR_YOU = Slot("for-you", limit=6, fallback=("i20", "i21", "i3"))
SHELF = Slot("shelf", personal=False, sources=("popular",), limit=5, fallback=("i3", "i4"))
HERO = Slot(
    "hero",
    kind="content",
    variants=(
        Variant("mug", {"headline": "The mug"}, item="i3"),
        Variant("link", {"headline": "Also", "url": "/items/i3"}),
        Variant("plain", {"headline": "Good things"}),
    ),
    fallback=("mug",),
)
SLOTS = (FOR_YOU, SHELF, HERO)


def stop(kind: Any, name: str = "", *shows: str) -> Stop:
    return Stop(kind, "ops", NOW, "because", name, shows)


def under(
    *stops: Stop,
    slots: Sequence[Slot] = SLOTS,
    subject: str | None = "v:ann",
    table: Any = None,
    ranker: Any = None,
    site_rules: Sequence[Rule] = (),
    wants: Sequence[Any] = (),
) -> Decided:
    """A page decided by a warm function that has seen this brake."""
    edition = build(ITEMS, slots, history=HISTORY, site_rules=site_rules)
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

    monkeypatch.setattr("hemline.decide.page.braked", forgetful)
    assert appearances([stop("block", "i3"), stop("freeze", "shelf")])


# ---- following ----


def test_only_a_newer_signed_version_releases_what_is_stopped() -> None:
    warm = live(build(ITEMS, SLOTS))
    first = Brake(SITE, 2, (stop("block", "i3"),)).signed(KEYS[0])
    warm.follow(None, first)
    older = Brake(SITE, 1).signed(KEYS[0])
    forged = Brake(SITE, 9).signed(b"somebody else's key, long enough")
    elsewhere = Brake("other", 9).signed(KEYS[0])
    for text in (None, older, forged, elsewhere, "", "x.y", first[:-1]):
        warm.follow(None, text)
        assert warm.brake.names("block") == ("i3",)
    assert warm.follow(None, forged).refused.startswith("brake:")
    warm.follow(None, Brake(SITE, 3).signed(KEYS[0]))
    assert not warm.brake.stops


def test_a_brake_of_another_kind_of_signature_is_none() -> None:
    pointer = Pointer("0" * 64, NOW).signed(SITE, KEYS[0])
    with pytest.raises(NotAllowed):
        brake_of(pointer.signature, SITE, KEYS)
    with pytest.raises(Refused, match="other"):
        brake_of(Brake("other", 1).signed(KEYS[0]), SITE, KEYS)


def test_a_pinned_edition_is_live_whatever_the_pointer_says_until_it_is_released() -> None:
    objects = MemoryObjects()
    digests = []
    for count in (5, 6):
        data, edition = build_file(catalogue(count), SLOTS)
        objects.put(edition_object(SITE, edition.digest), data)
        digests.append(edition.digest)
    old, new = digests
    pointer = Pointer(new, NOW).signed(SITE, KEYS[0])
    warm = LiveEdition(SITE, objects, OnnxRanker, KEYS, clock=lambda: 0.0)
    assert warm.follow(pointer).digest == new
    pinned = Brake(SITE, 1, (stop("pin", old),)).signed(KEYS[0])
    assert warm.follow(pointer, pinned).digest == old
    assert warm.follow(None, pinned).digest == old
    assert warm.follow(pointer, Brake(SITE, 2).signed(KEYS[0])).digest == new
    missing = Brake(SITE, 3, (stop("pin", "0" * 64),)).signed(KEYS[0])
    outcome = warm.follow(pointer, missing)
    assert (outcome.digest, bool(outcome.refused)) == (new, True)


# ---- setting ----


@pytest.fixture
def places() -> BrakePlaces:
    return BrakePlaces(MemoryTable(), MemoryObjects(), KEYS)


def released(kind: str = "", name: str = "") -> Change:
    return Change("clear", "ops", NOW + 1, "over", kind, name)


def test_stops_are_set_replaced_and_cleared_with_who_when_and_why_on_record(
    places: BrakePlaces,
) -> None:
    brake.set_stop(SITE, places, stop("block", "i1"))
    brake.set_stop(SITE, places, stop("block", "i2"))
    again = msgspec.structs.replace(stop("block", "i1"), why="still")
    now = brake.set_stop(SITE, places, again)
    assert [(s.name, s.why) for s in now.stops] == [("i2", "because"), ("i1", "still")]
    brake.clear(SITE, places, released("block", "i2"))
    assert brake.clear(SITE, places, released()).stops == ()
    acts_ = [
        (b.change.act, b.change.name, b.change.why) for b in brake.log(SITE, places) if b.change
    ]
    assert acts_ == [
        ("set", "i1", "because"),
        ("set", "i2", "because"),
        ("set", "i1", "still"),
        ("clear", "i2", "over"),
        ("clear", "", "over"),
    ]


def test_a_second_pin_takes_the_place_of_the_first(places: BrakePlaces) -> None:
    brake.set_stop(SITE, places, stop("pin", "a" * 64))
    assert brake.set_stop(SITE, places, stop("pin", "b" * 64)).pinned == "b" * 64
    assert len(brake.show(SITE, places).stops) == 1


class Raced(MemoryTable):
    """Somebody else brakes between our read and our write, once."""

    raced = False

    def swap_brake(self, site: str, signed: str, *, expected: int) -> None:
        if not self.raced:
            self.raced = True
            other = Brake(SITE, expected + 1, (stop("block", "theirs"),))
            super().swap_brake(site, other.signed(KEYS[0]), expected=expected)
        super().swap_brake(site, signed, expected=expected)


def test_two_who_brake_at_once_are_both_obeyed() -> None:
    places = BrakePlaces(Raced(), MemoryObjects(), KEYS)
    found = brake.set_stop(SITE, places, stop("block", "ours"))
    assert found.names("block") == ("theirs", "ours")
    assert len(list(brake.log(SITE, places))) == 2


class Dying(MemoryObjects):
    """A bucket that is away while the brake is set."""

    away = True

    def put(self, key: str, data: bytes) -> None:
        if self.away:
            raise Conflict("gone")
        super().put(key, data)


def test_what_was_not_logged_when_it_was_set_is_logged_by_whoever_looks_next() -> None:
    objects = Dying()
    places = BrakePlaces(MemoryTable(), objects, KEYS)
    with pytest.raises(Conflict):
        brake.set_stop(SITE, places, stop("block", "i1"))
    assert brake.show(SITE, places).names("block") == ("i1",), "in force all the same"
    objects.away = False
    assert [b.version for b in brake.log(SITE, places)] == [1]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (stop("block"), "name"),
        (stop("no-ranker", "i1"), "name"),
        (stop("block", "i1", "i2"), "shows"),
        (msgspec.structs.replace(stop("no-ranker"), why=" "), "why"),
        (msgspec.structs.replace(stop("no-ranker"), who=""), "who"),
        (msgspec.structs.replace(stop("no-ranker"), why="x" * 201), "why"),
    ],
)
def test_a_stop_that_cannot_be_meant_changes_nothing(
    places: BrakePlaces, wrong: Stop, field: str
) -> None:
    with pytest.raises(BadInput) as caught:
        brake.set_stop(SITE, places, wrong)
    assert caught.value.field == field
    assert brake.show(SITE, places).version == 0


def test_what_is_not_stopped_cannot_be_cleared_and_there_is_an_end_to_stopping(
    places: BrakePlaces,
) -> None:
    with pytest.raises(BadInput, match="Stopped: nothing"):
        brake.clear(SITE, places, released("block", "i1"))
    for n in range(MOST_STOPS):
        brake.set_stop(SITE, places, stop("block", f"i{n}"))
    with pytest.raises(BadInput, match="rule"):
        brake.set_stop(SITE, places, stop("block", "one-more"))


def test_a_name_that_the_edition_does_not_have_is_doubted_and_stopped_all_the_same() -> None:
    edition = build(ITEMS, SLOTS)
    assert brake.doubt(stop("block", "i3"), edition) == ""
    assert "no item nowhere" in brake.doubt(stop("block", "nowhere"), edition)
    assert "no slot nowhere" in brake.doubt(stop("freeze", "nowhere"), edition)
    assert brake.doubt(stop("block", "nowhere"), None) == ""


def test_an_edition_is_named_by_its_first_digits() -> None:
    objects = MemoryObjects()
    for digest in ("ab" * 32, "ac" * 32):
        objects.put(edition_object(SITE, digest), b"")
    assert brake.edition_named(objects, SITE, "ab") == "ab" * 32
    for start in ("a", "f"):
        with pytest.raises(BadInput, match="editions start with"):
            brake.edition_named(objects, SITE, start)
