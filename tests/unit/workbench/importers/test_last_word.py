"""The last row of an item counts, and of two imports the last one, whole; what was replaced is said."""

import itertools
import random
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from hemline.adapters.memory import MemoryObjects, MemoryTable
from hemline.model.events.event import Record
from hemline.model.item import Item
from hemline.usecases.ingest.archive import read_archive
from hemline.usecases.publishing.build import count
from tests.harness.collecting import NOW, SERVER, collect
from workbench.importers import importing, items
from workbench.importers.direct import DirectRoad, DirectStores
from workbench.importers.reading import opened
from workbench.importers.report import CATALOGUE, ImportReport
from workbench.importers.wire import WireEvents

SITE = "demo"
THEN = 1_700_000_000_000


class Shop:
    """Stores of a site, and imports into them by the product's own code."""

    def __init__(self) -> None:
        self.objects = MemoryObjects()
        self._stores = DirectStores(SITE, MemoryTable(), self.objects)

    def take(
        self,
        path: Path,
        time: int,
        mapping: dict[str, str] | None = None,
        known: tuple[str, ...] = (),
    ) -> ImportReport:
        reading = items.CatalogueReading(mapping or {}, time, known)
        road = DirectRoad(self._stores, f"{path.stem}-{time}")
        with opened(path) as source, closing(road):
            return importing.run(WireEvents(items.read(source, reading)), road)

    def records(self) -> list[Record]:
        return [one.record for one in read_archive(self.objects, SITE)]

    def items(self) -> dict[str, Item]:
        return {item.id: item for item in count(self.records()).items}


@pytest.fixture
def shop() -> Shop:
    return Shop()


def write(folder: Path, text: str) -> Path:
    path = folder / "feed.csv"
    path.write_text(text)
    return path


DUP = "id,title,price\n" + "".join(
    f"dup-{n},{title},{price}\n"
    for n in range(8)
    for title, price in (("First", 10), ("Second", 20), ("Third", ""))
)


def test_the_last_row_of_an_item_counts_whole(shop: Shop, tmp_path: Path) -> None:
    report = shop.take(write(tmp_path, DUP), THEN)
    found = shop.items()
    assert {item.title for item in found.values()} == {"Third"}
    assert {item.price for item in found.values()} == {None}, "nothing of an earlier row stays"
    assert (report.read, report.accepted, report.replaced) == (24, 24, 16)
    assert report.replaced_at[:2] == ["line 3 replaces line 2", "line 4 replaces line 3"]
    assert "16 rows replace rows above them of the same id" in report.lines()[1]


def test_the_last_import_of_a_file_counts_whatever_its_columns_were_called(
    shop: Shop, tmp_path: Path
) -> None:
    path = write(tmp_path, "id,a,b\n" + "".join(f"m-{n},Cup {n},Bowl {n}\n" for n in range(30)))
    maps = [{"a": "title"}, {"b": "title"}, {"a": "title"}]
    words = ["Cup", "Bowl", "Cup"]
    for at, (mapping, word) in enumerate(zip(maps, words, strict=True)):
        report = shop.take(path, THEN + at, mapping, tuple(shop.items()))
        titles = [item.title for item in shop.items().values()]
        assert len(titles) == 30
        assert {title.split()[0] for title in titles} == {word}
        assert report.replacements == ({CATALOGUE: 30} if at else {})
    assert report.lines()[1] == "30 rows replace items of the live edition, whole"


def test_the_same_file_again_changes_nothing_of_the_catalogue(shop: Shop, tmp_path: Path) -> None:
    path = write(tmp_path, DUP)
    shop.take(path, THEN)
    before = shop.items()
    shop.take(path, THEN + 1)
    assert shop.items() == before


@pytest.mark.parametrize("seed", range(5))
def test_no_order_of_arrival_shows_in_who_has_the_last_word(
    shop: Shop, tmp_path: Path, seed: int
) -> None:
    path = write(tmp_path, DUP)
    shop.take(path, THEN)
    shop.take(path, THEN + 1, {"price": "title", "title": "kind"})
    records, expected = shop.records(), count(shop.records()).items
    random.Random(seed).shuffle(records)
    assert count(records).items == expected
    assert count([*records, *records[:7]]).items == expected


@pytest.mark.parametrize("ids", list(itertools.permutations("abc")))
def test_of_a_call_that_states_an_item_three_times_the_last_one_counts(
    ids: tuple[str, ...],
) -> None:
    events: list[dict[str, Any]] = [
        {"id": name, "type": "item", "item": "p", "properties": {"title": f"{n}"}}
        for n, name in enumerate(ids)
    ]
    _, records = collect(*events, caller=SERVER)
    assert [item.title for item in count(records).items] == ["2"]
    assert [record.event.time for record in records] == [NOW, NOW + 1, NOW + 2]
    # A time that is stated is what counts, wherever it stands.
    events[0]["time"] = NOW + 60_000
    _, records = collect(*events, caller=SERVER)
    assert [item.title for item in count(records).items] == ["0"]
