"""Publishing with a ranker: carried when it fits, refused when not, and the one before stays."""

import pytest

from hemline.decide.ranking.features.matrix import FEATURES
from hemline.model import keys
from hemline.model.edition import TRIAL
from hemline.model.errors import Refused
from hemline.usecases.publishing.publish import put_ranker
from hemline.usecases.publishing.ranker import RankerFiles, Tried
from tests.builders.publishing import CARD, NOW, ONNX, SITE, add, bought, live, places, publish


def test_a_ranker_that_fits_is_carried_and_kept_when_its_files_are_gone() -> None:
    place = places()
    place.objects.put(keys.ranker_object(SITE, "ranker.onnx"), ONNX)
    place.objects.put(keys.ranker_object(SITE, "ranker.json"), CARD)
    assert publish(place).ranker == "stored"
    assert bytes(live(place).raw("ranker_onnx")) == ONNX
    assert live(place).header.trial == TRIAL
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
    assert live(place).header.trial == 0
    place.objects.put(keys.ranker_object(SITE, "ranker.onnx"), ONNX)
    place.objects.put(keys.ranker_object(SITE, "ranker.json"), CARD)
    publish(place)
    place.objects.put(keys.ranker_object(SITE, "ranker.json"), b"for other bytes")
    second = publish(place, NOW + 1)
    assert second.ranker == "kept"
    assert bytes(live(place).raw("ranker_onnx")) == ONNX


def test_a_ranker_of_other_features_is_unfit() -> None:
    place = places()._replace(check_ranker=lambda _onnx, _card: Tried(FEATURES[1:]))
    place.objects.put(keys.ranker_object(SITE, "ranker.onnx"), ONNX)
    result = publish(place)
    assert result.ranker == "none"
    assert "its features are not those of this code" in result.notes[0]


def test_a_ranker_is_kept_only_when_it_fits() -> None:
    place = places()
    put_ranker(SITE, place, RankerFiles(ONNX, CARD))
    with pytest.raises(Refused, match="the ranker is refused"):
        put_ranker(SITE, place, RankerFiles(b"other", CARD))
    assert publish(place).ranker == "stored"
