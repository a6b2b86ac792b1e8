"""The demo shop is stocked once: catalogue, history, ranker and a first edition that decides."""

import pytest

from hemline.adapters.onnx.ranker import OnnxRanker
from hemline.model.edition import unpack
from hemline.model.keys import edition_object, ranker_object
from hemline.usecases.serving.editions import engine_of
from tests.builders.editions import KEYS
from workbench import stores
from workbench.demo import catalogue
from workbench.laptop import Running
from workbench.seed import seed

pytestmark = pytest.mark.cloud


def test_the_shop_is_stocked_once_and_its_edition_has_a_ranker(stack: Running) -> None:
    said: list[str] = []
    assert seed(stack, said.append, visitors=60)
    pointer = stores.table(stack).read_pointer("demo")
    assert pointer is not None
    pointer.check("demo", KEYS)
    data = stores.objects(stack).get(edition_object("demo", pointer.digest))
    assert data is not None
    engine = engine_of(unpack(data, site="demo", digest=pointer.digest), OnnxRanker)
    assert engine.ranker is not None
    assert set(engine.snapshot.item_ids) == {item.id for item in catalogue.items()}
    assert "for-you" in engine.snapshot.slots
    assert "ranker stored" in said[-1]

    assert not seed(stack, said.append, visitors=60), "a shop that is stocked is left alone"
    assert stores.table(stack).read_pointer("demo") == pointer

    stores.objects(stack).put(ranker_object("demo", "ranker.json"), b"of an older checkout")
    assert not seed(stack, said.append, visitors=60)
    assert "trained for other features" in said[-2]
    assert "ranker stored" in said[-1], "the shipped ranker took its place"
