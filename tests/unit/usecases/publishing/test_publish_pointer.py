"""The pointer moves only for something new, and goes back only to what still loads."""

import msgspec
import pytest

from hemline.adapters.memory import MemoryTable
from hemline.model import keys
from hemline.model.edition import Pointer, pack, unpack
from hemline.model.errors import BadInput, Conflict, Refused
from hemline.model.site.site import Site
from hemline.usecases.publishing.log import editions
from hemline.usecases.publishing.publish import Given, publish_edition, roll_back
from hemline.usecases.sites.live_site import read_site
from tests.builders.publishing import (
    HISTORY,
    NOW,
    SECRETS,
    SHOP,
    SITE,
    add,
    bought,
    live,
    places,
    publish,
)


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
    renamed = Given(Site("Renamed", "EUR", slots=SHOP.slots, rules=SHOP.rules))
    third = publish_edition(SITE, place, built=NOW + 60_000, given=renamed)
    assert len({first.edition, second.edition, third.edition}) == 3
    assert live(place).header.title == "Renamed"


def test_a_publish_that_was_overtaken_says_so_and_changes_nothing() -> None:
    place = places()

    class Overtaken(MemoryTable):
        def swap_pointer(self, site: str, pointer: Pointer, *, expected: str | None) -> None:
            raise Conflict("the live edition of shop is not None")

    with pytest.raises(Conflict, match="another publish of shop was faster"):
        publish(place._replace(pointers=Overtaken()))


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


def test_the_live_edition_says_which_site_file_it_is_of_and_goes_back_with_it() -> None:
    place = places()
    first = publish(place)
    renamed = Given(Site("Renamed", "EUR", slots=SHOP.slots, rules=SHOP.rules))
    publish_edition(SITE, place, built=NOW + 1, given=renamed)
    assert read_site(SITE, place.objects, place.pointers).title == "Renamed"
    roll_back(SITE, place)
    assert read_site(SITE, place.objects, place.pointers) == SHOP
    add(place, bought("dan", "rug"), 10)
    assert publish(place, NOW + 2).edition != first.edition
    assert live(place).header.title == SHOP.title


def test_a_corrupt_live_edition_is_replaced_by_one_of_the_same_site_file() -> None:
    place = places()
    renamed = Given(Site("Renamed", "EUR", slots=SHOP.slots, rules=SHOP.rules))
    made = publish_edition(SITE, place, built=NOW, given=renamed)
    place.objects.put(keys.edition_object(SITE, made.edition), b"damaged")
    publish(place, NOW + 1)
    assert live(place).header.title == "Renamed"


@pytest.mark.parametrize("found", [b'{"title": "Forged"}', None])
def test_a_site_file_that_the_live_edition_was_not_made_of_is_refused(found: bytes | None) -> None:
    place = places()
    made = publish(place)
    key = keys.edition_site(SITE, made.edition)
    place.objects.delete(key)
    if found:
        place.objects.put(key, found)
    with pytest.raises(Refused, match="--site-file"):
        publish(place, NOW + 1)
    publish_edition(SITE, place, built=NOW + 1, given=Given(SHOP))
    assert publish(place, NOW + 2).edition


def test_an_edition_of_a_version_that_kept_one_file_goes_on_with_that_file() -> None:
    place = places()
    made = publish(place)
    edition = live(place)
    payloads = {
        name: (section.dtype, section.shape, bytes(edition.raw(name)))
        for name, section in edition.header.sections.items()
    }
    data = pack(msgspec.structs.replace(edition.header, site_file=""), payloads)
    older = unpack(data, site=SITE)
    place.objects.put(keys.edition_object(SITE, older.digest), data)
    pointer = Pointer(older.digest, NOW).signed(SITE, SECRETS[0])
    place.pointers.swap_pointer(SITE, pointer, expected=made.edition)
    assert publish(place, NOW + 1).swapped
    assert live(place).header.site_file
