"""A shop's own catalogue becomes items, whatever its columns are called."""

import re
from pathlib import Path

from tests.builders.importing import wire
from workbench.importers import cells, items
from workbench.importers.table import Table
from workbench.importers.wire import ReadEvent, Unreadable

TIME = 1_700_000_000_000


def reading(mapping: dict[str, str] | None = None, time: int = TIME) -> items.CatalogueReading:
    return items.CatalogueReading(mapping or {}, time)


def table(text: str, delimiter: str = "") -> Table:
    return Table("feed.csv", lambda: iter(text.encode().splitlines()), delimiter)


def catalogue(text: str, mapping: dict[str, str] | None = None) -> list[ReadEvent]:
    return list(items.from_table(table(text), reading(mapping)))


def test_a_shop_export_in_csv_is_understood() -> None:
    (made,) = catalogue(
        "sku,name,price,product_type,image_link,inventory,created_at,brand\n"
        "mug-1,Mug,12.50 EUR,Home > Mugs,/m.svg,7,2026-01-02T03:04:05Z,Tarn\n"
    )
    event = wire(made)
    assert event["item"] == "mug-1"
    assert event["properties"] == {
        "title": "Mug", "price": 12.5, "currency": "EUR", "categories": ["Home", "Mugs"],
        "image": "/m.svg", "stock": 7, "published_at": 1767323045000, "attributes": {"brand": "Tarn"},
    }  # fmt: skip


def test_a_mapping_names_columns_that_no_one_could_guess() -> None:
    (made,) = catalogue("ref,titel\nm,Becher\n", {"ref": "id", "titel": "title"})
    assert wire(made)["item"] == "m"


def test_json_lines_keep_types_and_a_number_may_be_an_id() -> None:
    line = b'{"id": 7, "title": "Mug", "price": 3, "tags": ["a"], "attributes": {"glazed": true}}'
    event = wire(next(items.from_lines([line], reading())))
    assert event["item"] == "7"
    assert event["properties"]["attributes"] == {"glazed": True}


def test_what_is_no_item_says_which_row_and_why() -> None:
    made = catalogue("id,price,stock\na,cheap,1\n,1,1\nb,1,many\nc,1,1\n")
    reasons = [(one.where, one.reason.split(":")[0]) for one in made if isinstance(one, Unreadable)]
    assert reasons[0] == ("line 2", "price")
    assert reasons[1][1].startswith("has no id")
    assert reasons[2] == ("line 4", "stock")
    assert wire(made[3])


def test_an_items_event_id_is_of_its_import_its_line_and_its_content() -> None:
    def ids(text: str, time: int) -> list[str]:
        made = items.from_table(table(f"id,title\na,{text}\n"), reading(time=time))
        return [wire(one)["id"] for one in made]

    assert ids("Mug", 1 + TIME) == ids("Mug", 1 + TIME)
    assert len({*ids("Mug", 1 + TIME), *ids("Mug", 2 + TIME), *ids("Jug", 1 + TIME)}) == 3


def test_the_guide_tells_every_name_that_is_understood() -> None:
    guide = (Path(__file__).resolve().parents[4] / "docs/importing.md").read_text()
    told: dict[str, str] = {}
    for ours, theirs in re.findall(r"^\| `([a-z_]+)` \| ([a-z_, ]*) \|", guide, re.MULTILINE):
        told |= dict.fromkeys(filter(None, theirs.replace(" ", "").split(",")), ours)
        assert ours in cells.FIELDS
    assert told == items.OTHER_NAMES
