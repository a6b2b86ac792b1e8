"""Publishing is a function of what is in the archive, in whatever order and cuts it arrived."""

import gzip
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hemline.adapters.memory import MemoryObjects
from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.ranking.features.matrix import FEATURES
from hemline.model import keys
from hemline.model.errors import BadInput, Unavailable
from hemline.model.events.event import Record
from hemline.model.site.rule import Rule
from hemline.model.site.site import Site
from hemline.model.site.slot import Slot
from hemline.usecases.ingest.archive import append, line
from hemline.usecases.publishing import build
from hemline.usecases.publishing.publish import PublishDeps
from tests.builders.publishing import (
    DAY,
    HISTORY,
    NOW,
    SHOP,
    SITE,
    bought,
    item,
    live,
    places,
    publish,
)


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


def arrived(
    records: Sequence[Record], cuts: Sequence[int] = (), *, repeat: bool = False
) -> PublishDeps:
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

    monkeypatch.setattr(build, "sorted", unsorted, raising=False)
    walk = [bought("ann", name, time=NOW - n * DAY) for n, name in enumerate(("mug", "jug", "rug"))]
    history = [*HISTORY, *walk, bought("ann", "pan", time=NOW - 12 * DAY)]
    one, other = publish(arrived(history)), publish(arrived(history[::-1]))
    assert one.edition != other.edition


def test_the_order_check_would_notice_a_difference() -> None:
    other = [*HISTORY[:-1], bought("ann", "mug", time=NOW - 5 * DAY)]
    assert publish(places(other)).edition != publish(places()).edition


def test_without_a_site_file_it_says_how_to_send_one() -> None:
    place = places()
    place.objects.delete(keys.site_object(SITE))
    with pytest.raises(BadInput, match="hemline publish --site-file"):
        publish(place)


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
