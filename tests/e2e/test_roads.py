"""Both roads of an import, the front door and `--direct`, end in the same bytes."""

from collections.abc import Iterator
from contextlib import closing
from itertools import islice

import pytest

from hemline.model.edition import Edition, unpack
from hemline.model.keys import edition_object
from hemline.model.site.site import Site
from hemline.model.site.slot import Slot
from hemline.usecases.ingest.archive import read_archive
from tests.builders.editions import KEYS
from tests.harness.clouds import Cloud
from tests.harness.loop import SITE, Loop
from workbench import seed
from workbench.demo.catalogue import items
from workbench.demo.simulator import history
from workbench.importers import importing
from workbench.importers.direct import DirectRoad, DirectStores
from workbench.importers.http_road import HttpRoad, Road
from workbench.importers.report import ImportReport
from workbench.importers.wire import ReadEvent, WireEvents, encode

pytestmark = pytest.mark.cloud

SHOP = Site("A shop", "GBP", slots=(Slot("for-you"),))
UNTIL = 1_780_000_000_000
WRONG = [
    b'{"id":"w1","type":"view","item":"a"}',
    b'{"id":"w2","type":"smile","item":"a","visitor":"v"}',
    b'{"id":"w3","type":"view","visitor":"v","item":"two words"}',
    b'{"id":"w4","type":"item","item":"a","properties":{"colour":"red"}}',
    b'{"id":"w5","type":"view","item":"a","visitor":"v","properties":{"x":"'
    + b"y" * 300_000
    + b'"}}',
]


def events() -> Iterator[ReadEvent]:
    for item in items()[:60]:
        yield encode(seed.item_event(item, UNTIL))
    for event in islice(history(until=UNTIL, visitors=80), 1500):
        yield encode(event)


@pytest.fixture
def loops(emulator: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Loop, Loop]]:
    with Loop(emulator, monkeypatch).serving() as one, Loop(emulator, monkeypatch).serving() as two:
        yield one, two


def direct(loop: Loop, name: str = "a-file") -> Road:
    return DirectRoad(DirectStores(SITE, loop.table, loop.objects), name)


def run(road: Road, stream: WireEvents) -> ImportReport:
    with closing(road):
        return importing.run(stream, road)


def edition(loop: Loop) -> Edition:
    digest = loop.publish(SHOP, UNTIL).edition
    data = loop.objects.get(edition_object(SITE, digest))
    assert data is not None
    return unpack(data, site=SITE, digest=digest)


def subjects(loop: Loop) -> list[str]:
    found = {a.record.subject for a in read_archive(loop.objects, SITE)}
    return sorted(name for name in found if not name.startswith("i:"))


def test_profiles_and_statistics_are_the_same_bytes_by_both_roads(loops: tuple[Loop, Loop]) -> None:
    one, two = loops
    by_door = run(HttpRoad(one.url, KEYS[0]), WireEvents(events()))
    one.drain()
    straight = run(direct(two), WireEvents(events()))
    assert by_door.accepted == straight.accepted == by_door.read
    assert subjects(one) == subjects(two)
    assert one.states(subjects(one)) == two.states(subjects(two))
    left, right = edition(one), edition(two)
    assert left.header.sections == right.header.sections
    for name in left.header.sections:
        assert left.raw(name) == right.raw(name), name


def test_the_comparison_would_notice_one_event_less(loops: tuple[Loop, Loop]) -> None:
    one, two = loops
    run(direct(one), WireEvents(events()))
    run(direct(two), WireEvents(list(events())[:-1]))
    assert one.states(subjects(one)) != two.states(subjects(two))


def test_both_roads_reject_the_same_events_for_the_same_reasons(loops: tuple[Loop, Loop]) -> None:
    one, two = loops
    stream = [*WRONG, *islice(events(), 5)]
    by_door, straight = (
        run(HttpRoad(one.url, KEYS[0]), WireEvents(stream)),
        run(direct(two), WireEvents(stream)),
    )
    assert (by_door.accepted, by_door.rejected) == (5, 5)
    assert by_door.reasons == straight.reasons
    assert by_door.examples == straight.examples
    assert all(count == 1 for count in by_door.reasons.values())


def test_a_file_of_which_nothing_is_right_is_counted_and_does_not_stop(
    loops: tuple[Loop, Loop],
) -> None:
    report = run(HttpRoad(loops[0].url, KEYS[0]), WireEvents(WRONG))
    assert (report.accepted, report.rejected) == (0, 5)


def test_the_same_file_straight_in_twice_is_counted_once(loops: tuple[Loop, Loop]) -> None:
    one, _ = loops
    run(direct(one), WireEvents(events()))
    first = edition(one)
    states = one.states(subjects(one))
    assert run(direct(one), WireEvents(events())).rejected == 0
    assert edition(one).digest == first.digest
    assert one.states(subjects(one)) == states
