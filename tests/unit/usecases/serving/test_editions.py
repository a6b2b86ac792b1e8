"""The live edition: it follows the pointer, and never gives up a good one for a bad one."""

from typing import Any

import msgspec
import numpy as np
import pytest

from hemline.adapters.memory import MemoryObjects
from hemline.adapters.onnx.ranker import OnnxRanker
from hemline.decide.ladder import NotNow
from hemline.decide.ranking.features.matrix import FEATURES
from hemline.model.edition import Pointer, pack, unpack
from hemline.model.errors import Refused
from hemline.model.keys import edition_object
from hemline.model.site.slot import Slot
from hemline.usecases.serving.editions import FOLLOW_SECONDS, LiveEdition, engine_of
from tests.builders.editions import KEYS, NOW, SITE, build_file, catalogue
from tests.builders.rankers import linear

SLOTS = [Slot("for-you")]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def signed(digest: str) -> Pointer:
    return Pointer(digest, NOW).signed(SITE, KEYS[0])


@pytest.fixture
def objects() -> MemoryObjects:
    return MemoryObjects()


def put(objects: MemoryObjects, items: int, **kwargs: Any) -> str:
    data, edition = build_file(catalogue(items), SLOTS, **kwargs)
    objects.put(edition_object(SITE, edition.digest), data)
    return edition.digest


def test_it_is_stale_until_it_has_looked_and_again_after_a_while(objects: MemoryObjects) -> None:
    clock = Clock()
    live = LiveEdition(SITE, objects, OnnxRanker, KEYS, clock)
    seen = [live.stale]
    live.follow(None)
    seen.append(live.stale)
    clock.now = FOLLOW_SECONDS
    seen.append(live.stale)
    assert seen == [True, False, True]


def test_it_loads_what_the_pointer_names_with_its_ranker(objects: MemoryObjects) -> None:
    live = LiveEdition(SITE, objects, OnnxRanker, KEYS)
    digest = put(objects, 5, ranker=linear(together=1.0))
    assert live.follow(signed(digest)).digest == digest
    assert live.engine
    assert live.engine.ranker


def test_a_ranker_that_no_publish_has_tried_is_not_even_loaded(objects: MemoryObjects) -> None:
    loaded: list[bytes] = []

    def load(onnx: bytes, card: bytes) -> OnnxRanker:
        loaded.append(onnx)
        return OnnxRanker(onnx, card)

    live = LiveEdition(SITE, objects, load, KEYS)
    live.follow(signed(put(objects, 5, ranker=linear(together=1.0), trial=0)))
    assert live.engine
    assert live.engine.ranker
    with pytest.raises(NotNow, match="never had its trial"):
        live.engine.ranker.score(np.zeros((1, len(FEATURES)), np.float32))
    assert not loaded
    live.follow(signed(put(objects, 6, ranker=linear(together=1.0))))
    assert loaded, "one that was tried is loaded: this test can fail"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[:-1],
        lambda data: data[:100] + bytes([data[100] ^ 1]) + data[101:],
        lambda data: data[:0],
    ],
)
def test_a_corrupt_edition_is_refused_and_the_last_good_one_stays(
    objects: MemoryObjects, spoil: Any
) -> None:
    live = LiveEdition(SITE, objects, OnnxRanker, KEYS)
    good, bad = put(objects, 5), put(objects, 6)
    live.follow(signed(good))
    key = edition_object(SITE, bad)
    objects.put(key, spoil(objects.get(key)))
    outcome = live.follow(signed(bad))
    assert outcome.digest == good
    assert outcome.refused


def test_one_that_could_not_be_had_is_tried_again_and_one_that_is_unfit_is_not(
    objects: MemoryObjects,
) -> None:
    live = LiveEdition(SITE, objects, OnnxRanker, KEYS)
    data, edition = build_file(catalogue(5), SLOTS)
    assert live.follow(signed(edition.digest)).refused
    objects.put(edition_object(SITE, edition.digest), data)
    assert live.follow(signed(edition.digest)).digest == edition.digest
    objects.put(edition_object(SITE, "0" * 64), data)
    assert live.follow(signed("0" * 64)).refused
    assert not live.follow(signed("0" * 64)).refused, "known to be unfit: not read again"


def test_a_ranker_trained_on_other_features_is_refused() -> None:
    onnx, card = linear(together=1.0)
    _, edition = build_file(
        catalogue(5), SLOTS, ranker=(onnx, card.replace(b'"together"', b'"tgether"'))
    )
    with pytest.raises(Refused):
        engine_of(edition, OnnxRanker)


@pytest.mark.parametrize(
    ("change", "says"),
    [({"schema": 99}, "schema 99"), ({"site": "other"}, "site other")],
)
def test_an_edition_of_another_schema_or_site_is_refused(change: dict[str, Any], says: str) -> None:
    data, edition = build_file(catalogue(2), SLOTS)

    header = msgspec.structs.replace(edition.header, **change)
    with pytest.raises(Refused, match=says):
        unpack(pack(header, {}), site=SITE)
    assert unpack(data, site=SITE).digest == edition.digest


def test_an_edition_that_is_signed_and_still_does_not_open_takes_nothing_down(
    objects: MemoryObjects,
) -> None:
    live = LiveEdition(SITE, objects, OnnxRanker, KEYS)
    good = put(objects, 5)
    live.follow(signed(good))
    _, edition = build_file(catalogue(5), SLOTS)
    payloads = {
        name: (section.dtype, section.shape, bytes(edition.raw(name)))
        for name, section in edition.header.sections.items()
    }
    data = pack(edition.header, payloads | {"item_ids": ("json", (), b"[")})
    digest = unpack(data, site=SITE).digest
    objects.put(edition_object(SITE, digest), data)
    outcome = live.follow(signed(digest))
    assert outcome.digest == good
    assert "does not open" in outcome.refused
