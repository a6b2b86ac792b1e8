"""The exploration budget delivers what it promises where there is traffic for it, and says so where not."""

from collections.abc import Iterator, Sequence

import numpy as np

from hemline.decide.ranking.features.matrix import FEATURES
from hemline.learn.statistics.arrays import Statistics
from hemline.model.edition import pack, unpack
from hemline.model.events.event import Event, OrderLine, Record
from hemline.model.item import Item
from hemline.model.site.site import Site
from hemline.model.site.slot import ColdStart, Slot
from hemline.usecases.publishing.build import Made, count, edition_parts
from hemline.usecases.publishing.cold_report import ColdStartReport, chance_per_hour, report
from tests.builders.editions import NOW, SITE, ScoreByPrice
from tests.harness.deciding import acts, ask, decide_for, table_with
from workbench.report.commands import lines

HOUR = 3_600_000
BUDGET = ColdStart(impressions=12, hours=20)
SLOT = Slot("row", limit=3, sources=("popular", "new"), explore=0.5)
OLD = [Item(id=f"old{n}", published_at=NOW - 900 * HOUR) for n in range(8)]
NEW = [Item(id=f"new{n}", published_at=NOW - 60_000) for n in range(3)]
ITEMS = sorted([*OLD, *NEW], key=lambda item: item.id)
LIKED = [
    one for n in range(4) for one in acts(f"v:{n}", [item.id for item in OLD], when=NOW - HOUR)
]


def exposure(name: str, items: Sequence[str], time: int, token: str = "") -> Record:
    lined = tuple(OrderLine(item) for item in items)
    event = Event(name, "exposure", time, slot="row", token=token or name, lines=lined)
    return Record(SITE, f"v:{name}", time, event, signed=True)  # its token is none of ours


def simulated(visits: int, explore: float = 0.5, hours: int = 20) -> ColdStartReport:
    """So many visits an hour to a shop whose ranking shows what is new to nobody; republished hourly."""
    slot = Slot(SLOT.name, limit=SLOT.limit, sources=SLOT.sources, explore=explore)
    site = Site(slots=(slot,), cold_start=BUDGET)
    seen = list(LIKED)
    for hour in range(hours):
        seen += _hour(site, seen, hour, visits)
    now = NOW + hours * HOUR
    return _report(site, seen, now)


def _hour(site: Site, seen: Sequence[Record], hour: int, visits: int) -> Iterator[Record]:
    now = NOW + hour * HOUR
    counted = count(seen)._replace(items=ITEMS)
    edition = unpack(pack(*edition_parts(SITE, site, counted, None, Made(now, {}))), site=SITE)
    ranker = ScoreByPrice(FEATURES.index("engaged_ever"))
    for visit in range(visits):
        who = f"{hour}x{visit}"
        history = acts(f"v:{who}", ["old1"])
        found = decide_for(f"v:{who}", ask("row"), edition, table_with(history), ranker)
        yield exposure(who, found.fragments["row"].items, now + 1000 * visit)


def _report(site: Site, seen: Sequence[Record], now: int) -> ColdStartReport:
    statistics = Statistics()
    for record in seen:
        statistics.add(record)
    assert site.cold_start
    chance = chance_per_hour(seen, site.slots, now)
    return report(site.cold_start, statistics, ITEMS, chance, now)


def test_with_the_traffic_for_it_every_new_item_gets_its_impressions() -> None:
    # 3 items of 12 impressions are 36 places; half of 20 times 8 lists are 80.
    found = simulated(8)
    assert found.missed == 0
    assert {one.item: one.state for one in found.items} == dict.fromkeys(
        (item.id for item in NEW), "met"
    )


def test_too_little_traffic_is_told_beforehand_and_missed_items_afterwards() -> None:
    # Half of 20 times 2 lists are 20 places, and 36 are owed.
    early = simulated(2, hours=6)
    assert early.chance_per_hour < early.needed_per_hour
    assert "behind" in {one.state for one in early.items}
    late = simulated(2)
    assert late.missed >= 1
    assert late.items[0].state == "missed"
    assert "missed" in lines(late)[0]


def test_without_exploration_they_get_nothing_at_all() -> None:
    found = simulated(8, explore=0.0)
    assert found.chance_per_hour == 0
    assert [one.impressions for one in found.items] == [0, 0, 0]
    assert found.missed == 3


def test_a_list_that_was_seen_in_parts_is_one_list() -> None:
    parts = [exposure(f"e{n}", ["old1"], NOW - HOUR, token="one") for n in range(3)]
    other = [exposure("e9", ["old1"], NOW - HOUR), exposure("e10", ["old1"], NOW - 30 * HOUR)]
    assert np.isclose(chance_per_hour(parts + other, [SLOT], NOW), 2 * 0.5 / 24)


def test_one_that_has_its_impressions_is_met_even_when_its_time_is_over() -> None:
    statistics = Statistics()
    for n in range(12):
        statistics.add(exposure(f"e{n}", ["new0"], NOW + n))
    found = report(BUDGET, statistics, ITEMS, 0.0, NOW + 30 * HOUR)
    assert [(one.item, one.state) for one in found.items] == [
        ("new1", "missed"), ("new2", "missed"), ("new0", "met"),
    ]  # fmt: skip
    gone = report(BUDGET, statistics, ITEMS, 0.0, NOW + 41 * HOUR)
    assert gone.items == ()
    assert "no new items" in lines(gone)[0]
