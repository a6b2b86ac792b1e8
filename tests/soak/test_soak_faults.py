"""A seeded walk through bad days: any fault at any service at any time, and what was promised holds."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hemline.model.events.event import decode_record
from tests.faults.calls import (
    NAMES,
    Days,
    as_ann,
    batch,
    call,
    look,
    wrong_collected,
    wrong_fragments,
)
from tests.faults.resolver import Resolver
from tests.faults.services import HANG, REFUSE, SERVICES, TROUBLES, world
from tests.harness.clouds import Cloud

pytestmark = [pytest.mark.cloud, pytest.mark.soak, pytest.mark.timeout(3600)]

SERVICE_TROUBLES = st.tuples(st.sampled_from(SERVICES), st.sampled_from(TROUBLES))
RESOLVER_TROUBLES = st.tuples(st.just(NAMES), st.sampled_from((HANG, REFUSE)))
STEPS = st.lists(
    st.tuples(st.none() | SERVICE_TROUBLES | RESOLVER_TROUBLES, st.booleans(), st.booleans()),
    min_size=5,
    max_size=25,
)
"""(what turns bad, or all is well again; whether somebody publishes; whether events come)"""


@pytest.fixture
def days(emulator: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[Days]:
    resolver = Resolver(monkeypatch)
    with world(emulator) as where:
        yield Days(where, monkeypatch, resolver)
        resolver.heal()


@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(steps=STEPS)
def test_a_walk_through_bad_days_leaves_no_5xx_and_no_lost_event(
    days: Days, steps: list[tuple[tuple[str, str] | None, bool, bool]]
) -> None:
    days.heal()
    known = days.table.read_pointer(days.site)
    live = days.publish(24, expected=known.digest if known else None)
    fragments, collect = days.function("fragments"), days.function("collect")
    page, editions = as_ann("fragments", "slot-json"), {live[:16]}
    assert call(fragments, page).body["edition"] == live[:16]
    said = []
    for bad, publishes, sends in steps:
        if bad is None:
            days.heal()
        else:
            days.turn_bad(*bad)
        if publishes:
            live = days.publish(5 + days.count(), expected=live)
            editions.add(live[:16])
        look(fragments)
        assert wrong_fragments([call(fragments, page) for _ in range(5)], editions) == []
        if sends:
            name = f"e{days.count():07}"
            said.append((name, call(collect, batch(name))))
    days.heal()
    held = {decode_record(data).event.id for _, data in days.world.cloud.records(days.world.stream)}
    for name, answer in said:
        assert wrong_collected(answer, name, held) == []
