"""Publishing is a function of what is in the archive; the pointer moves only for something new."""

import gzip
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hemline.adapters.memory import MemoryObjects, MemoryTable
from hemline.decide.features import FEATURES
from hemline.decide.snapshot import Snapshot
from hemline.model import keys
from hemline.model.edition import Edition, Pointer, unpack
from hemline.model.errors import BadInput, Conflict, Refused, Unavailable
from hemline.model.event import Event, Line, Record
from hemline.model.rule import Rule
from hemline.model.site import Site, encode_site
from hemline.model.slot import Slot
from hemline.usecases import build_edition
from hemline.usecases.archive import append, line
from hemline.usecases.edition_log import editions
from hemline.usecases.edition_ranker import RankerFiles
from hemline.usecases.publish_edition import (
    Places,
    Published,
    publish_edition,
    put_ranker,
    roll_back,
)

SITE = "shop"
DAY = 86_400_000
NOW = 1_700_000_000_000
SECRETS = (b"the first secret key", b"an older secret key")
ONNX, CARD = b"onnx bytes", b"a card"


def item(name: str, time: int = NOW - 20 * DAY, version: int = 0, **properties: object) -> Record:
    properties = {"title": name.title(), "price": 10.0, "categories": ["mugs"], **properties}
    event = Event(f"item-{name}-{version}", "item", time, item=name, properties=properties)
    return Record(SITE, f"i:{name}", time, event)


def bought(who: str, *names: str, time: int = NOW - DAY) -> Record:
    lines = tuple(Line(name) for name in names)
    event = Event(f"{who}-{'-'.join(names)}-{time}", "purchase", time, lines=lines)
    return Record(SITE, f"v:{who}", time + 50, event, country="GB", device="mobile")


def shown(who: str, *names: str, time: int) -> Record:
    event = Event(f"seen-{who}-{time}", "exposure", time, lines=tuple(map(Line, names)), token="t")
    return Record(SITE, f"v:{who}", time + 50, event, country="FR")


HISTORY = [
    item("mug"),
    item("jug"),
    item("rug", categories=["textiles"]),
    bought("ann", "mug", "jug"),
    bought("bob", "mug", time=NOW - 2 * DAY),
    bought("cy", "rug", "jug", time=NOW - 3 * DAY),
    shown("bob", "rug", "mug", time=NOW - 4 * DAY),
    shown("ann", "jug", "rug", "ghost", time=NOW - 5 * DAY),
    bought("ann", "rug", time=NOW - 5 * DAY),
]
SHOP = Site("Shop", "EUR", slots=(Slot("row"),), rules=(Rule("no-rug", "block", item="rug"),))


def fits(onnx: bytes, card: bytes) -> tuple[str, ...]:
    if (onnx, card) != (ONNX, CARD):
        raise Refused("the ranker's bytes are not those that its card names")
    return FEATURES


def places(records: Sequence[Record] = HISTORY, site: Site = SHOP) -> Places:
    objects = MemoryObjects()
    append(objects, [line("shard-0", str(n), record) for n, record in enumerate(records, 1)])
    objects.put(keys.site_object(SITE), encode_site(site))
    return Places(objects, MemoryTable(), SECRETS, fits)


def live(place: Places) -> Edition:
    pointer = place.pointers.read_pointer(SITE)
    assert pointer is not None
    pointer.check(SITE, SECRETS)
    data = place.objects.get(keys.edition_object(SITE, pointer.digest))
    assert data is not None
    return unpack(data, site=SITE, digest=pointer.digest)


def publish(place: Places, built: int = NOW) -> Published:
    return publish_edition(SITE, place, built=built)


def add(place: Places, record: Record, sequence: int) -> None:
    append(place.objects, [line("shard-0", str(sequence), record)])


def test_an_edition_holds_the_catalogue_the_statistics_and_the_site_file() -> None:
    place = places()
    result = publish(place)
    edition = live(place)
    assert (result.swapped, result.edition, result.items) == (True, edition.digest, 3)
    assert (result.counted, edition.header.counted) == (9, 9)
    assert edition.json("item_ids") == ["jug", "mug", "rug"]
    assert edition.header.watermarks == {"shard-0": "9"}
    assert (edition.header.slots, edition.header.rules) == (SHOP.slots, SHOP.rules)
    assert edition.header.feature_names == FEATURES
    snapshot = Snapshot(edition)
    assert snapshot.array("rule_mask").shape == (0, 1)
    assert b'"title":"Mug"' in bytes(snapshot.cut("cards_json", 1))
    assert set(snapshot.ints("popular").tolist()) == {0, 1, 2}


def test_the_last_word_on_an_item_counts_however_it_arrives() -> None:
    newer = item("mug", NOW - DAY, version=2, title="Better mug")
    older = item("mug", NOW - 9 * DAY, version=1, title="Older mug")
    place = places([newer, *HISTORY, older])
    publish(place)
    assert b"Better mug" in bytes(live(place).raw("catalogue"))


@settings(max_examples=25, deadline=None)
@given(st.permutations(HISTORY), st.lists(st.integers(1, len(HISTORY)), max_size=3), st.booleans())
def test_any_order_and_cut_of_the_archive_gives_the_same_edition(
    records: list[Record], cuts: list[int], repeat: bool
) -> None:
    assert publish(arrived(records, cuts, repeat=repeat)).edition == publish(places()).edition


def arrived(records: Sequence[Record], cuts: Sequence[int] = (), *, repeat: bool = False) -> Places:
    """The history as it arrived in this order, hours apart, archived in these cuts."""
    late = [msgspec.structs.replace(r, received=NOW + n * DAY // 9) for n, r in enumerate(records)]
    lines = [line("shard-0", str(n), record) for n, record in enumerate(late, 1)]
    place = places([])
    for start, end in pairwise(sorted({0, *cuts, len(lines)})):
        append(place.objects, lines[start:end])
    if repeat:  # the stream delivered the whole again, in one batch
        append(place.objects, lines)
    return place


def test_the_order_check_would_notice_records_counted_as_they_arrived(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A bug seeded into the fold: no sorting. Two carts of one visitor then pair up otherwise.
    def unsorted(found: Iterable[Any], *, key: object = None) -> list[Any]:
        return list(found) if key else sorted(found)

    monkeypatch.setattr(build_edition, "sorted", unsorted, raising=False)
    walk = [bought("ann", name, time=NOW - n * DAY) for n, name in enumerate(("mug", "jug", "rug"))]
    history = [*HISTORY, *walk, bought("ann", "pan", time=NOW - 12 * DAY)]
    one, other = publish(arrived(history)), publish(arrived(history[::-1]))
    assert one.edition != other.edition


def test_the_order_check_would_notice_a_difference() -> None:
    other = [*HISTORY[:-1], bought("ann", "mug", time=NOW - 5 * DAY)]
    assert publish(places(other)).edition != publish(places()).edition


def test_publishing_the_same_again_leaves_the_pointer_alone() -> None:
    place = places(HISTORY[:3])
    first = publish(place)
    again = publish(place, NOW + 60_000)
    assert (again.swapped, again.edition, again.built) == (False, first.edition, NOW)
    assert len(editions(place.objects, SITE)) == 1


def test_a_new_event_or_site_file_moves_the_pointer() -> None:
    place = places()
    first = publish(place)
    add(place, bought("dan", "rug"), 10)
    second = publish(place, NOW + 60_000)
    place.objects.put(keys.site_object(SITE), encode_site(Site("Renamed", "EUR", slots=SHOP.slots)))
    third = publish(place, NOW + 60_000)
    assert len({first.edition, second.edition, third.edition}) == 3
    assert live(place).header.title == "Renamed"


def test_a_publish_that_was_overtaken_says_so_and_changes_nothing() -> None:
    place = places()

    class Overtaken(MemoryTable):
        def swap_pointer(self, site: str, pointer: Pointer, *, expected: str | None) -> None:
            raise Conflict("the live edition of shop is not None")

    with pytest.raises(Conflict, match="another publish of shop was faster"):
        publish(place._replace(pointers=Overtaken()))


def test_without_a_site_file_it_says_how_to_send_one() -> None:
    place = places()
    place.objects.delete(keys.site_object(SITE))
    with pytest.raises(BadInput, match="hemline publish --site-file"):
        publish(place)


def test_a_ranker_that_fits_is_carried_and_kept_when_its_files_are_gone() -> None:
    place = places()
    place.objects.put(keys.ranker_object(SITE, "ranker.onnx"), ONNX)
    place.objects.put(keys.ranker_object(SITE, "ranker.json"), CARD)
    assert publish(place).ranker == "stored"
    assert bytes(live(place).raw("ranker_onnx")) == ONNX
    place.objects.delete(keys.ranker_object(SITE, "ranker.onnx"))
    place.objects.delete(keys.ranker_object(SITE, "ranker.json"))
    add(place, bought("dan", "rug"), 10)
    assert publish(place, NOW + 1).ranker == "kept"
    assert bytes(live(place).raw("ranker_json")) == CARD


def test_an_unfit_ranker_is_refused_and_the_previous_one_stays() -> None:
    place = places()
    place.objects.put(keys.ranker_object(SITE, "ranker.onnx"), b"other bytes")
    first = publish(place)
    assert first.ranker == "none"
    assert "stored ranker is refused: the ranker's bytes" in first.notes[0]
    assert not live(place).raw("ranker_onnx")
    place.objects.put(keys.ranker_object(SITE, "ranker.onnx"), ONNX)
    place.objects.put(keys.ranker_object(SITE, "ranker.json"), CARD)
    publish(place)
    place.objects.put(keys.ranker_object(SITE, "ranker.json"), b"for other bytes")
    second = publish(place, NOW + 1)
    assert second.ranker == "kept"
    assert bytes(live(place).raw("ranker_onnx")) == ONNX


def test_a_ranker_of_other_features_is_unfit() -> None:
    place = places()._replace(check_ranker=lambda _onnx, _card: FEATURES[1:])
    place.objects.put(keys.ranker_object(SITE, "ranker.onnx"), ONNX)
    result = publish(place)
    assert result.ranker == "none"
    assert "its features are not those of this code" in result.notes[0]


def test_a_corrupt_live_edition_is_replaced_and_the_notes_say_why() -> None:
    place = places()
    first = publish(place)
    place.objects.put(keys.edition_object(SITE, first.edition), b"damaged")
    add(place, bought("dan", "rug"), 10)
    second = publish(place, NOW + 1)
    assert live(place).digest == second.edition
    assert "cannot be read and is replaced" in second.notes[0]


def test_a_pointer_that_somebody_else_signed_is_replaced_and_told() -> None:
    place = places()
    first = publish(place)
    foreign = Pointer(first.edition, NOW).signed(SITE, b"the key of somebody else")
    place.pointers.swap_pointer(SITE, foreign, expected=first.edition)
    second = publish(place, NOW + 1)
    assert live(place).digest == second.edition
    assert "cannot be read and is replaced" in second.notes[0]


def test_a_ranker_is_kept_only_when_it_fits() -> None:
    place = places()
    put_ranker(SITE, place, RankerFiles(ONNX, CARD))
    with pytest.raises(Refused, match="the ranker is refused"):
        put_ranker(SITE, place, RankerFiles(b"other", CARD))
    assert publish(place).ranker == "stored"


def test_what_the_site_file_names_and_the_catalogue_lacks_is_told() -> None:
    rules = (Rule("pin", "pin", item="ghost"),)
    slots = (Slot("row", fallback=("mug", "gone")),)
    notes = publish(places(site=Site("Shop", "EUR", slots=slots, rules=rules))).notes
    assert notes == (
        "rule pin names item ghost, which is not in the catalogue",
        "slot row names item gone, which is not in the catalogue",
    )


def test_an_item_that_is_none_is_left_out_and_told() -> None:
    place = places([*HISTORY, item("bad", price="cheap")])
    result = publish(place)
    assert result.items == 3
    assert result.notes == ("item bad is no item of this version: left out",)


def test_a_rollback_goes_back_one_edition_at_a_time() -> None:
    place = places()
    made = [publish(place)]
    for n in (1, 2):
        add(place, bought("dan", "rug", time=NOW + n), 9 + n)
        made.append(publish(place, NOW + n))
    assert [entry.edition for entry in editions(place.objects, SITE)] == [m.edition for m in made]
    assert roll_back(SITE, place).edition == made[1].edition == live(place).digest
    assert roll_back(SITE, place).edition == made[0].edition == live(place).digest
    with pytest.raises(BadInput, match="no edition before"):
        roll_back(SITE, place)
    assert roll_back(SITE, place, made[2].edition[:8]).edition == live(place).digest
    with pytest.raises(BadInput, match="names no edition"):
        roll_back(SITE, place, "zz")


def test_a_rollback_never_goes_to_an_edition_that_does_not_load() -> None:
    place = places()
    first = publish(place)
    add(place, bought("dan", "rug"), 10)
    second = publish(place, NOW + 1)
    place.objects.put(keys.edition_object(SITE, first.edition), b"damaged")
    with pytest.raises(Refused):
        roll_back(SITE, place)
    assert live(place).digest == second.edition


def test_another_sites_events_are_not_counted() -> None:
    place = places()
    foreign = msgspec.structs.replace(bought("eve", "rug"), site="other")
    append(place.objects, [line("shard-0", "99", foreign)])
    assert publish(place).counted == len(HISTORY)
    assert all(gzip.decompress(place.objects.get(k) or b"") for k in place.objects.keys("archive/"))


class ListingOnly(MemoryObjects):
    """A bucket to a role that may list by prefix: a GET of what is missing is 403, not 404."""

    def get(self, key: str) -> bytes | None:
        found = super().get(key)
        if found is None:
            raise Unavailable("s3", "AccessDenied: Access Denied")
        return found


def test_what_may_be_missing_is_never_asked_of_a_bucket_that_would_say_403() -> None:
    place = places()
    bucket = ListingOnly()
    with pytest.raises(BadInput, match="no site file yet"):
        publish(place._replace(objects=bucket))
    for key in place.objects.keys(""):
        bucket.put(key, place.objects.get(key) or b"")
    strict = place._replace(objects=bucket)
    first = publish(strict)
    assert first.ranker == "none"
    bucket.delete(keys.edition_object(SITE, first.edition))
    assert "is replaced" in publish(strict, NOW + 1).notes[0]
