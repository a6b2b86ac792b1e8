"""New items are owed impressions: chance goes to them first, and what was missed is said."""

from collections import Counter

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemline.decide.ranking.explore import explore
from hemline.decide.token import Token, encode
from hemline.learn.statistics.counts import Statistics
from hemline.model.edition import pack, unpack
from hemline.model.events.event import Event, OrderLine, Record
from hemline.model.item import Item
from hemline.model.site.rule import Rule
from hemline.model.site.site import Site, decode_site, encode_site
from hemline.model.site.slot import ColdStart, Slot
from hemline.sitefile import reader
from hemline.sitefile.review.site import Against, review
from hemline.usecases.publishing import cold_start
from hemline.usecases.publishing.build import ArchiveCounts, Made, edition_parts
from tests.builders.editions import KEYS, NOW, SITE, ScoreByPrice
from tests.harness.deciding import acts, ask, decide_for, table_with

HOUR = 3_600_000
BUDGET = ColdStart(impressions=3, hours=10)
AGES = {"fresh": 1, "known": 2, "late": 12, "old": 400, "soon": -1}
ITEMS = [Item(id=name, published_at=NOW - age * HOUR) for name, age in AGES.items()]
ITEMS.append(Item(id="undated"))


def shown(**times: int) -> Statistics:
    """Statistics with so many exposures of each item, and one click on each."""
    found = Statistics()
    for item, count in times.items():
        for n in range(count):
            found.add(_record(f"{item}{n}", "exposure", item))
        found.add(_record(f"{item}click", "click", item))
    return found


def _record(name: str, kind: str, item: str) -> Record:
    """As the site's own server tells of it, which needs no token to be believed."""
    event = Event(name, kind, NOW - 1000, lines=(OrderLine(item),))
    return Record(SITE, "v:x", NOW - 1000, event, signed=True)


def owed(statistics: Statistics) -> list[str]:
    sections = cold_start.sections(BUDGET, statistics, ITEMS, NOW)
    return [ITEMS[i].id for i in np.frombuffer(sections["owed"][2], "<i4")]


def test_an_item_is_owed_until_it_was_seen_often_enough_or_its_time_is_over() -> None:
    assert owed(shown()) == ["fresh", "known"]
    assert owed(shown(fresh=2, known=1)) == ["known", "fresh"], "the least shown first"
    assert owed(shown(fresh=3)) == ["known"]
    assert cold_start.sections(None, shown(), ITEMS, NOW) == {}


def test_only_lists_that_were_decided_pay_what_an_item_is_owed() -> None:
    """Anybody can say of an item that it was seen: without a list's token nothing is owed less for it."""
    list_token, banner = (
        encode(Token(b"edition1", slot, 0, b"f" * 16, 1, items), KEYS)
        for slot, items in (("row", (0,)), ("hero", ()))
    )
    statistics = Statistics()
    for n, token in enumerate((None, "made.up", banner)):
        event = Event(f"e{n}", "exposure", NOW - 1000, lines=(OrderLine("fresh"),), token=token)
        statistics.add(Record(SITE, "v:x", NOW - 1000, event))
    assert cold_start.shown_times(statistics) == {"fresh": 0}
    assert statistics.daily()[3].sum() == 6, "that they were seen is counted as ever"
    paid = Event("e9", "exposure", NOW - 1000, lines=(OrderLine("fresh"),), token=list_token)
    statistics.add(Record(SITE, "v:x", NOW - 1000, paid))
    assert cold_start.shown_times(statistics) == {"fresh": 1}


def test_what_was_missed_is_said_with_how_far_it_came() -> None:
    (line,) = cold_start.missed(BUDGET, shown(late=1), ITEMS, NOW)
    assert "1 new items had fewer than 3 impressions" in line
    assert "late (1)" in line
    assert cold_start.missed(BUDGET, shown(late=3), ITEMS, NOW) == []
    assert cold_start.missed(None, shown(), ITEMS, NOW) == []


@given(
    st.permutations(list(range(20))),
    st.integers(1, 8),
    st.sets(st.integers(0, 19)),
    st.text(max_size=5),
)
def test_chance_goes_to_what_is_owed_and_its_propensity_is_what_it_was(
    ranked: list[int], limit: int, owed_items: set[int], seed: str
) -> None:
    drawn = explore(ranked, limit, 0.5, seed, owed_items)
    assert drawn is not None
    assert sorted(drawn.ranked) == sorted(ranked)
    pool = [item for item in ranked[limit:] if item in owed_items] or ranked[limit : limit + 50]
    if drawn.item == ranked[limit - 1]:
        assert drawn.propensity == 0.5
    else:
        assert drawn.item in pool
        assert drawn.propensity == 0.5 / len(pool)


def test_owed_items_are_drawn_as_often_as_their_propensity_says() -> None:
    draws = [explore(range(30), 10, 0.25, f"seed{n}", {12, 20}) for n in range(20_000)]
    count = Counter(drawn.item for drawn in draws if drawn)
    for item, share in ((12, 0.125), (20, 0.125), (9, 0.75)):
        assert count[item] / 20_000 == pytest.approx(share, abs=0.01)


def test_an_edition_knows_who_is_owed_and_shows_them_first() -> None:
    items = [Item(id=f"i{n}", published_at=NOW - (1 if n == 7 else 900) * HOUR) for n in range(12)]
    history = acts("v:ann", ["i1", "i2"])
    statistics = Statistics()
    for record in history:
        statistics.add(record)
    slot = Slot("row", limit=2, sources=("own", "new", "popular"), explore=0.5)
    site = Site(slots=(slot,), cold_start=BUDGET)
    counted = ArchiveCounts(items, statistics, len(history), ())
    edition = unpack(pack(*edition_parts(SITE, site, counted, None, Made(NOW, {}))), site=SITE)
    seen = Counter[str]()
    for n in range(60):
        mine = acts(f"v:{n}", ["i1", "i2"])
        found = decide_for(f"v:{n}", ask("row"), edition, table_with(mine), ScoreByPrice())
        seen[found.fragments["row"].items[-1]] += 1
    assert 10 < seen["i7"] < 50
    assert len(seen) == 2, "the one that is owed, or the one that the ranking put there"


def test_the_site_file_states_the_budget() -> None:
    text = "title: Shop\ncurrency: EUR\nconsent_default: true\nslots: [{name: row}]\n"
    site, findings = reader.check(text + "cold_start: {impressions: 100, hours: 48}\n")
    assert not findings
    assert site is not None
    assert site.cold_start == ColdStart(100, 48)
    assert decode_site(encode_site(site)) == site
    assert msgspec.structs.replace(site, cold_start=None).cold_start is None
    _, findings = reader.check(text + "cold_start: {impressions: 0, hours: 48}\n")
    assert [finding.field for finding in findings] == ["cold_start.impressions"]


@pytest.mark.parametrize(
    ("slot", "told"),
    [
        (Slot("row"), "no slot of items"),
        (Slot("row", kind="content", explore=0.5), "no slot of items"),
        (Slot("row", sources=("popular",), explore=0.1), "row gives a place"),
        (Slot("row", sources=("category",), explore=0.1, personal=False), "row gives a place"),
        (Slot("row", sources=("popular", "new"), explore=0.1), ""),
        (Slot("row", sources=("popular",), explore=0.1, personal=False), ""),
    ],
)
def test_a_budget_that_no_slot_can_serve_is_told(slot: Slot, told: str) -> None:
    against = Against(NOW)
    said = [
        r for r in review(Site(slots=(slot,), cold_start=BUDGET), against) if r.code == "no-chance"
    ]
    assert [(r.path, r.severity) for r in said] == [(("cold_start",), "warning")] * bool(told)
    assert all(told in remark.problem for remark in said)
    assert not [r for r in review(Site(slots=(slot,)), against) if r.code == "no-chance"]


def test_a_rule_that_switches_sources_can_bring_new_items() -> None:
    slot = Slot("row", sources=("popular",), explore=0.1)
    rule = Rule("new-week", "source", slots=("row",), sources=("new",))
    found = review(Site(slots=(slot,), cold_start=BUDGET, rules=(rule,)), Against(NOW))
    assert "no-chance" not in {remark.code for remark in found}
