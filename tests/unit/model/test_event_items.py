"""An item of the catalogue travels as the properties of an event, and is checked by name."""

import json

import pytest

from hemline.model.errors import BadInput
from hemline.model.events.schema import item_of, parse_event


def item(properties: dict[str, object]) -> bytes:
    return json.dumps({"id": "i1", "type": "item", "item": "p1", "properties": properties}).encode()


def test_an_item_travels_as_its_properties() -> None:
    stated = {"title": "Red dress", "price": 10, "categories": ["women"], "stock": None}
    found = item_of(parse_event(item({**stated, "attributes": {"colour": "red"}})))
    assert (found.id, found.title, found.price, found.categories) == (
        "p1",
        "Red dress",
        10.0,
        ("women",),
    )


@pytest.mark.parametrize(
    ("properties", "field"),
    [
        ({"colour": "red"}, "properties.colour"),
        ({"id": "other"}, "properties.id"),
        ({"price": "ten"}, "properties.price"),
        ({"price": -1}, "properties.price"),
        ({"stock": 1.5}, "properties.stock"),
        ({"url": "javascript:alert(1)"}, "properties.url"),
        ({"url": " javascript:alert(1)"}, "properties.url"),
        ({"image": "//evil.example/x.png"}, "properties.image"),
        ({"url": "/\\evil.example"}, "properties.url"),
        ({"categories": [1]}, "properties.categories[0]"),
        ({"é": 1}, r"properties.\xe9"),
    ],
)
def test_an_item_that_is_wrong_names_the_property(
    properties: dict[str, object], field: str
) -> None:
    with pytest.raises(BadInput) as caught:
        item_of(parse_event(item(properties)))
    assert caught.value.field == field
