"""The whole loop: history in, an edition out, two customers see different things, a click changes it.

With the real handlers and the stores of the emulator, over HTTP; on the demo's data always, and on a
slice of each real data set where it lies beside the project.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from hemline.model.events.event import Record
from hemline.model.site.site import Site
from hemline.model.site.slot import Slot
from hemline.usecases.ingest.archive import read_archive
from tests.builders.editions import KEYS
from tests.harness.clouds import Cloud
from tests.harness.loop import SITE, Browser, Loop
from workbench import seed
from workbench.demo.catalogue import items
from workbench.demo.simulator import history
from workbench.importers import importing, online_retail, ranklens
from workbench.importers.http_road import HttpRoad
from workbench.importers.reading import opened
from workbench.importers.report import ImportReport
from workbench.importers.wire import WireEvents, encode

pytestmark = pytest.mark.cloud

DATA = Path(__file__).resolve().parents[3] / "shared/data"
SHOP = Site(
    "A shop",
    "GBP",
    slots=(
        Slot("for-you", limit=8),
        Slot("goes-well-with", sources=("together", "popular"), limit=4),
        Slot("bestsellers", personal=False, sources=("popular",), limit=8),
    ),
)
UNTIL = 1_780_000_000_000


class Imported(NamedTuple):
    """A site that has been filled through its front door and published."""

    loop: Loop
    records: list[Record]


@pytest.fixture
def loop(emulator: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loop]:
    with Loop(emulator, monkeypatch).serving() as found:
        yield found


def fill(loop: Loop, stream: WireEvents) -> Imported:
    """Import through HTTP, ingest all of it, publish as of the newest event."""
    report = through_the_door(loop, stream)
    assert report.rejected == 0, report.lines()
    assert loop.drain() == report.accepted == report.read
    records = [archived.record for archived in read_archive(loop.objects, SITE)]
    assert len(records) == report.accepted, "accepted events = archived events"
    seed.put_demo_ranker(SITE, loop.places)
    newest = max(record.event.time for record in records)
    published = loop.publish(SHOP, newest + 60_000)
    assert published.ranker == "stored", published.notes
    return Imported(loop, records)


def through_the_door(loop: Loop, stream: WireEvents) -> ImportReport:
    door = HttpRoad(loop.url, KEYS[0])
    try:
        return importing.run(stream, door)
    finally:
        door.close()


def customers(records: Iterable[Record]) -> tuple[str, str]:
    """Two visitors with a history each, who did not meet the same items."""
    met: dict[str, set[str]] = {}
    for record in records:
        if record.subject.startswith("v:") and record.event.type in ("click", "purchase"):
            names = {line.item for line in record.event.items()}
            met.setdefault(record.subject[2:], set()).update(names)
    busy = [who for who, names in met.items() if len(names) >= 4]
    first = busy[0]
    return first, next(who for who in busy if not met[who] & met[first])


def shown(fragment: dict[str, Any]) -> list[str]:
    return [item["id"] for item in fragment["items"]]


def check_the_loop(site: Imported) -> None:
    """What the product promises, on whatever history the site was filled with."""
    loop = site.loop
    one, other = customers(site.records)
    ann, bob, stranger = Browser(one), Browser(other), Browser("nobody-yet")
    first, second = loop.ask(ann, "for-you"), loop.ask(bob, "for-you")
    assert (first["rung"], first["scope"]) == ("model", "visitor")
    assert shown(first) != shown(second), "two customers see different fragments"
    assert loop.ask(stranger, "for-you")["rung"] != "model"
    public = loop.ask(ann, "bestsellers")
    assert public["scope"] != "visitor"
    assert shown(public) == shown(loop.ask(bob, "bestsellers"))

    assert shown(loop.ask(ann, "for-you")) == shown(first), "nothing happened, nothing changes"
    clicked = next(item for item in shown(second) if item not in shown(first))
    # A link of the page's own: the token of her list would not vouch for what that did not show.
    click = {"id": "a-click", "type": "click", "item": clicked}
    loop.tell(ann, click)
    at_once = loop.ask(ann, "for-you")
    assert shown(at_once) != shown(first), "the very next answer reflects the click (capsule)"
    assert loop.drain() == 1
    ann.cookies.pop("hem_c")
    later = loop.ask(ann, "for-you")
    assert shown(later) != shown(first), "and so does the profile, once it is folded"
    assert shown(loop.ask(bob, "for-you")) == shown(second), (
        "another customer's answer is as it was"
    )


def demo_events(count: int) -> Iterator[bytes]:
    for item in items():
        yield encode(seed.item_event(item, UNTIL))
    for event in islice(history(until=UNTIL, visitors=150), count):
        yield encode(event)


def test_the_loop_on_the_demo_shop(loop: Loop) -> None:
    check_the_loop(fill(loop, WireEvents(demo_events(2500))))


@pytest.mark.data
@pytest.mark.skipif(not (DATA / "ranklens").exists(), reason="RankLens is not beside the project")
def test_the_loop_on_real_rankings(loop: Loop) -> None:
    with opened(DATA / "ranklens/events.jsonl.gz") as source:
        check_the_loop(fill(loop, WireEvents(ranklens.events(islice(source.lines(), 6000)))))


@pytest.mark.data
@pytest.mark.skipif(
    not (DATA / "online-retail").exists(), reason="Online Retail is not beside the project"
)
def test_the_loop_on_real_invoices(loop: Loop) -> None:
    with opened(DATA / "online-retail/online_retail.csv.gz") as source:
        sales = online_retail.read(islice(source.rows(), 40_000))
    check_the_loop(fill(loop, online_retail.events(sales)))


def test_a_second_import_of_the_same_file_changes_nothing(loop: Loop) -> None:
    site = fill(loop, WireEvents(demo_events(300)))
    before = loop.states(subjects(site))
    report = through_the_door(loop, WireEvents(demo_events(300)))
    assert report.accepted == report.read
    assert loop.drain() == report.accepted
    again = [archived.record for archived in read_archive(loop.objects, SITE)]
    assert [msgspec.structs.replace(r, received=0) for r in again] == [
        msgspec.structs.replace(r, received=0) for r in site.records
    ]
    assert loop.states(subjects(site)) == before


def subjects(site: Imported) -> list[str]:
    return sorted({r.subject for r in site.records if not r.subject.startswith("i:")})
