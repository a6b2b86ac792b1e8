"""Events at the door: every one accounted for, bound to whom it is about, and kept or refused."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemline.adapters.kinesis_limits import MAX_CALL_BYTES, MAX_ENTRY_BYTES, size
from hemline.adapters.memory import MemoryStream
from hemline.learn.profile.capsule import Capsule
from hemline.model.decision import Traits
from hemline.model.errors import BadInput
from hemline.model.events.body import MOST_BYTES, MOST_EVENTS
from hemline.model.events.event import decode_record
from hemline.usecases.ingest.collect import (
    EARLIEST_MS,
    LATEST_MS,
    NOT_DURABLE,
    Caller,
    CollectDeps,
    collect_events,
)
from hemline.usecases.ingest.collected import Collected
from tests.builders.events import VIEW
from tests.harness.collecting import ANN, NOW, SERVER, Absent, Leaky, collect


def test_an_event_is_bound_to_the_verified_subject_and_stamped() -> None:
    found, (record,) = collect({**VIEW, "time": NOW - 5000})
    assert (record.site, record.subject, record.received) == ("demo", "v:ann", NOW)
    assert (record.event.time, record.country, record.device) == (NOW - 5000, "GB", "mobile")
    assert found.minted is None


def test_events_of_a_visitor_share_a_partition() -> None:
    stream = MemoryStream()
    collect(VIEW, {**VIEW, "id": "e2"}, stream=stream)
    assert {entry.partition for entry in stream.entries} == {"v:ann"}


def test_nobody_yet_becomes_somebody_once_a_call() -> None:
    found, records = collect(VIEW, {**VIEW, "id": "e2"}, caller=Caller())
    assert found.minted == "fresh"
    assert {r.subject for r in records} == {"v:fresh"}
    assert found.capsule is not None
    assert found.capsule.subject == "v:fresh"


@pytest.mark.parametrize("events", [(), ({"id": "e1", "type": "buy"},)])
def test_nobody_is_minted_for_nothing(events: tuple[dict[str, Any], ...]) -> None:
    found, _ = collect(*events, caller=Caller())
    assert (found.minted, found.capsule) == (None, None)


@pytest.mark.parametrize(
    ("stated", "kept"),
    [
        (None, NOW),
        (NOW - 1, NOW - 1),
        (NOW + LATEST_MS, NOW + LATEST_MS),
        (NOW + LATEST_MS + 1, NOW),
        (NOW - EARLIEST_MS, NOW - EARLIEST_MS),
        (NOW - EARLIEST_MS - 1, NOW),
        (0, NOW),
    ],
)
def test_a_time_that_cannot_be_true_gives_way_to_the_server_s(
    stated: int | None, kept: int
) -> None:
    _, (record,) = collect({**VIEW, "time": stated})
    assert record.event.time == kept


@pytest.mark.parametrize(
    ("time", "kept"),
    [
        (NOW - 1, None),
        (None, None),
        (NOW + LATEST_MS + 1, NOW + LATEST_MS + 1),
        (0, 0),
        ("1970-01-01T00:00:01Z", 1000),
    ],
)
def test_what_the_client_stated_is_kept_where_the_server_s_time_took_its_place(
    time: int | str | None, kept: int | None
) -> None:
    _, (record,) = collect({**VIEW, "time": time})
    assert record.stated == kept


@pytest.mark.parametrize("days", [9, 30, 390])
def test_a_copy_that_comes_weeks_later_is_the_same_event_to_the_last_bit(days: int) -> None:
    stream = MemoryStream()
    deps = CollectDeps(stream, "demo", lambda: "fresh")
    body = json.dumps({**VIEW, "time": NOW - 5000}).encode()
    for now in (NOW, NOW + days * 86_400_000):
        assert collect_events(body, ANN, deps, now).accepted == 1
    first, again = (decode_record(entry.data) for entry in stream.entries)
    assert (first.subject, first.event) == (again.subject, again.event)


def test_what_a_program_does_is_flagged_and_not_in_its_capsule() -> None:
    found, (record,) = collect(VIEW, caller=ANN._replace(program=True))
    assert record.flags == ("bot",)
    assert found.accepted == 1
    assert found.capsule == Capsule("v:ann")
    assert collect(VIEW)[1][0].flags == ()


# --- what is not accepted -------------------------------------------------------------------


def test_a_bad_event_never_takes_the_others_with_it() -> None:
    found, records = collect(VIEW, {"id": "e2", "type": "buy"}, {**VIEW, "id": "e3"})
    assert [r.event.id for r in records] == ["e1", "e3"]
    assert [(r.index, r.id) for r in found.rejected] == [(1, "e2")]


def test_an_id_twice_in_a_call_is_taken_once() -> None:
    found, records = collect(VIEW, {**VIEW, "item": "p2"}, VIEW)
    assert [r.event.item for r in records] == ["p1"]
    assert [(r.index, r.id) for r in found.rejected] == [(1, "e1"), (2, "e1")]
    assert all("event 0" in r.reason for r in found.rejected)


def test_the_same_id_for_two_visitors_is_two_events() -> None:
    two = [{**VIEW, "visitor": who} for who in ("ann", "bob")]
    assert collect(*two, caller=SERVER)[0].accepted == 2


def test_a_body_of_no_use_is_refused_as_a_whole() -> None:
    with pytest.raises(BadInput, match="body"):
        collect_events(b"nonsense", ANN, CollectDeps(MemoryStream(), "demo", str), NOW)


def test_what_the_stream_does_not_hold_is_not_accepted() -> None:
    events = [{**VIEW, "id": f"e{n}"} for n in range(4)]
    found, records = collect(*events, stream=Leaky(1, 3))
    assert [(r.index, r.id, r.reason) for r in found.rejected] == [
        (1, "e1", NOT_DURABLE),
        (3, "e3", NOT_DURABLE),
    ]
    assert found.capsule is not None
    assert (
        {act.id for act in found.capsule.actions} == {r.event.id for r in records} == {"e0", "e2"}
    )


def test_the_positions_are_the_caller_s_also_when_others_fell_out_before() -> None:
    found, _ = collect({"id": "bad"}, {**VIEW, "id": "a"}, {**VIEW, "id": "b"}, stream=Leaky(1))
    assert [(r.index, r.id) for r in found.rejected] == [(0, "bad"), (2, "b")]


def test_without_a_stream_nothing_is_accepted_but_the_visitor_keeps_the_id_for_the_retry() -> None:
    # An answer may have been lost, not the event: the same id makes the retry a repeat.
    found, _ = collect(VIEW, caller=Caller(), stream=Absent())
    assert (found.accepted, found.minted, found.capsule) == (0, "fresh", None)
    assert found.rejected_for(NOT_DURABLE) == 1
    assert "ResourceNotFound" in found.fault


def test_nothing_to_store_asks_no_stream() -> None:
    assert collect(stream=Absent())[0] == Collected(0, (), None, None)


# --- the capsule ----------------------------------------------------------------------------


def test_the_capsule_grows_with_what_was_accepted() -> None:
    first, _ = collect(VIEW)
    second, _ = collect({**VIEW, "id": "e2"}, caller=ANN._replace(capsule=first.capsule))
    assert second.capsule is not None
    assert [act.id for act in second.capsule.actions] == ["e1", "e2"]


def test_somebody_else_s_capsule_is_replaced_not_continued() -> None:
    theirs, _ = collect(VIEW, caller=Caller("v:bob"))
    found, _ = collect({**VIEW, "id": "e2"}, caller=ANN._replace(capsule=theirs.capsule))
    assert found.capsule is not None
    assert (found.capsule.subject, [a.id for a in found.capsule.actions]) == ("v:ann", ["e2"])


# --- the stream's limits --------------------------------------------------------------------


def test_the_largest_call_fits_one_put() -> None:
    room = MOST_BYTES // MOST_EVENTS - 60
    events = [
        {"id": f"{n}", "type": "search", "query": "é" * (room // 2)} for n in range(MOST_EVENTS)
    ]
    body = json.dumps({"events": events}, ensure_ascii=False, separators=(",", ":")).encode()
    assert MOST_BYTES - 20_000 < len(body) <= MOST_BYTES
    stream = MemoryStream()
    caller = Caller("v:" + "x" * 128, traits=Traits("GB", "desktop", "en"))
    collect_events(body, caller, CollectDeps(stream, "demo", str), NOW)
    assert len(stream.entries) == MOST_EVENTS
    assert sum(map(size, stream.entries)) < MAX_CALL_BYTES // 4
    assert max(map(size, stream.entries)) < MAX_ENTRY_BYTES


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
wild = st.dictionaries(
    st.sampled_from(["id", "type", "time", "item", "lines", "visitor", "properties", "query"]),
    st.sampled_from(["e1", "e2", "view", "search", "item", "page"]) | anything,
)


@given(st.lists(wild | anything, max_size=8), st.booleans(), st.sampled_from([None, "v:ann"]))
def test_whatever_comes_every_event_is_accounted_for(
    events: list[Any],
    signed: bool,
    subject: str | None,
) -> None:
    collect(*events, caller=Caller(subject, signed=signed), stream=Leaky(0, 2))
