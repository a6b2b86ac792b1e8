"""The brake's record and its followers: only a newer signed version releases what is stopped."""

import msgspec
import pytest

from hemline.adapters.memory import MemoryObjects, MemoryTable
from hemline.adapters.onnx.ranker import OnnxRanker
from hemline.model.brake import MOST_STOPS, Brake, BrakeChange, Stop, brake_of
from hemline.model.edition import Pointer
from hemline.model.errors import BadInput, Conflict, NotAllowed, Refused
from hemline.model.keys import edition_object
from hemline.usecases.serving.editions import LiveEdition
from hemline.usecases.sites import brake
from hemline.usecases.sites.brake import BrakeDeps
from tests.builders.braking import ITEMS, SLOTS, stop
from tests.builders.editions import KEYS, NOW, SITE, build, build_file, catalogue
from tests.harness.deciding import live

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
def places() -> BrakeDeps:
    return BrakeDeps(MemoryTable(), MemoryObjects(), KEYS)


def released(kind: str = "", name: str = "") -> BrakeChange:
    return BrakeChange("clear", "ops", NOW + 1, "over", kind, name)


def test_stops_are_set_replaced_and_cleared_with_who_when_and_why_on_record(
    places: BrakeDeps,
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


def test_a_second_pin_takes_the_place_of_the_first(places: BrakeDeps) -> None:
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
    places = BrakeDeps(Raced(), MemoryObjects(), KEYS)
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
    places = BrakeDeps(MemoryTable(), objects, KEYS)
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
    places: BrakeDeps, wrong: Stop, field: str
) -> None:
    with pytest.raises(BadInput) as caught:
        brake.set_stop(SITE, places, wrong)
    assert caught.value.field == field
    assert brake.show(SITE, places).version == 0


def test_what_is_not_stopped_cannot_be_cleared_and_there_is_an_end_to_stopping(
    places: BrakeDeps,
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
