"""A key that stands twice is refused at every door, by its name, and no event is lost or changed by it."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemline.adapters.memory import MemoryStream
from hemline.model.consent import Policy
from hemline.model.errors import BadInput
from hemline.model.events.event import decode_record
from hemline.model.events.schema import item_of, parse_event
from hemline.model.input.json_input import duplicate_key, whole, with_whole_numbers
from hemline.runtime.account.request import choices_of
from hemline.usecases.ingest.collect import Caller, CollectDeps, collect_events
from hemline.usecases.ingest.collected import Collected
from tests.harness.collecting import ANN, NOW, SERVER
from tests.unit.runtime.fragments.test_fragments_http import asked

ONE = '{"id":"a","type":"view","item":"i1"}'
TWO = '{"id":"b","type":"view","item":"i1","item":"i2"}'
THREE = '{"id":"c","type":"view","item":"i3"}'


def collect(body: str, caller: Caller = ANN) -> tuple[Collected, MemoryStream]:
    stream = MemoryStream()
    deps = CollectDeps(stream, "demo", lambda: "fresh", Policy())
    return collect_events(body.encode(), caller, deps, NOW), stream


def test_an_event_that_says_something_twice_is_rejected_and_the_others_are_taken() -> None:
    found, stream = collect(f'{{"events":[{ONE},{TWO},{THREE}]}}')
    (rejected,) = found.rejected
    assert (found.accepted, rejected.index, rejected.id) == (2, 1, "b")
    assert rejected.reason == "item: occurs twice in one object. Send it once."
    kept = [decode_record(entry.data).event for entry in stream.entries]
    assert [(event.id, event.item) for event in kept] == [("a", "i1"), ("c", "i3")]


@pytest.mark.parametrize(
    "body",
    [
        f'{{"events":[{ONE}],"events":[{THREE}]}}',
        f'{{"events":[{ONE}],"\\u0065vents":[{THREE}]}}',
        f'{{"events":[{ONE},{TWO}],"events":[{THREE},{TWO}]}}',
    ],
)
def test_events_that_stand_there_twice_are_none_of_them_taken(body: str) -> None:
    # Seen before: the first list was in neither count.
    with pytest.raises(BadInput) as found:
        collect(body)
    assert (found.value.field, found.value.way_out) == ("events", "Send it once.")


def test_of_whom_a_signed_batch_speaks_is_not_the_last_one_named() -> None:
    twice = '{"id":"a","type":"view","item":"i1","visitor":"ann","visitor":"ben"}'
    fine = '{"id":"b","type":"view","item":"i1","visitor":"ben"}'
    found, stream = collect(f'{{"events":[{twice},{fine}]}}', SERVER)
    assert [(one.index, one.reason.partition(":")[0]) for one in found.rejected] == [(0, "visitor")]
    assert [decode_record(entry.data).subject for entry in stream.entries] == ["v:ben"]


@pytest.mark.parametrize(
    ("event", "field", "name"),
    [
        ('{"id":"a","id":"b","type":"view","item":"i1"}', "id", None),
        ('{"id":"a","type":"custom","properties":{"x":[{"y":1,"y":1}]}}', "properties.x[0].y", "a"),
        ('{"id":"a","type":"view","lines":[{"item":"i1","item":"i1"}]}', "lines[0].item", "a"),
        ('{"id":"a","type":"custom","properties":{"":1,"":2}}', "properties.", "a"),
    ],
)
def test_it_is_found_at_any_depth_and_in_an_event_alone(
    event: str, field: str, name: str | None
) -> None:
    found, _ = collect(event)
    (rejected,) = found.rejected
    assert (found.accepted, rejected.id) == (0, name)
    assert rejected.reason.startswith(f"{field}: occurs twice")


def test_consent_that_says_no_and_yes_is_neither() -> None:
    body = '{"purposes":{"personalisation":false,"personalisation":true}}'
    with pytest.raises(BadInput) as found:
        choices_of(asked("PUT", body))
    assert found.value.field == "personalisation"
    with pytest.raises(BadInput):
        choices_of(asked("PUT", '{"purposes":{"analytics":false},"purposes":{"analytics":true}}'))


def _object(pairs: list[tuple[str, str]]) -> str:
    return "{" + ",".join(f'"{key}":{value}' for key, value in pairs) + "}"


KEYS = st.sampled_from(["a", "b", "events", "id", "", "é", "\\u0061", "a\\u0000"])
VALUES = st.recursive(
    st.sampled_from(["1", "null", '"x"', "1.5e9", "9" * 5000, '"}{"', r'"\\\""']),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: f"[{','.join(parts)}]"),
        st.lists(st.tuples(KEYS, inner), max_size=4).map(_object),
    ),
    max_leaves=8,
)


@given(VALUES)
def test_it_is_found_exactly_where_it_is(text: str) -> None:
    found: list[bool] = []

    def look(pairs: list[tuple[str, object]]) -> None:
        found.append(len({key for key, _ in pairs}) < len(pairs))

    json.loads(text, object_pairs_hook=look, parse_int=str)
    assert (duplicate_key(text.encode()) is not None) == any(found)


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[" * 50_000, b'{"a":NaN'])
def test_what_is_no_json_is_left_to_the_decoder(data: bytes) -> None:
    assert duplicate_key(data) is None


def test_many_keys_are_looked_through_once() -> None:
    keys = ",".join(f'"k{n}":1' for n in range(20_000))
    found = duplicate_key(f'{{{keys},"k19999":1}}'.encode())
    assert found
    assert found.field == "k19999"


def test_a_key_is_sent_back_printable_and_not_at_length() -> None:
    found = duplicate_key(('{"' + "é\\n" * 900 + '":1,"' + "é\\n" * 900 + '":1}').encode())
    assert found
    assert found.field.isascii()
    assert len(str(found)) < 300


def test_a_whole_number_may_have_a_point_wherever_one_belongs() -> None:
    event = '{"id":"a","type":"purchase","time":1.78e12,"lines":[{"item":"i1","quantity":2.0}]}'
    found = parse_event(event.encode())
    assert (found.time, found.lines and found.lines[0].quantity) == (1_780_000_000_000, 2)
    item = '{"id":"a","type":"item","item":"i1","properties":{"stock":3.0,"price":4.0}}'
    stated = item_of(parse_event(item.encode()))
    assert (stated.stock, stated.price) == (3, 4.0)


@pytest.mark.parametrize(
    ("member", "field"),
    [('"duration":1.5', "duration"), ('"duration":1e300', "duration"), ('"time":-1.0', "time")],
)
def test_no_other_number_with_a_point_is_a_whole_one(member: str, field: str) -> None:
    with pytest.raises(BadInput) as found:
        parse_event(f'{{"id":"a","type":"dwell",{member}}}'.encode())
    assert found.value.field == field


@pytest.mark.parametrize("text", ["NaN", '"\\ud800"', "[" * 5000, "1e400", '{"a":1,"a":2.0}'])
def test_what_cannot_be_spelt_again_stays_refused(text: str) -> None:
    assert with_whole_numbers(text.encode()) is None


def test_beside_a_whole_number_with_a_point_nothing_else_changes() -> None:
    event = '{"id":"a","type":"dwell","duration":1.0,"value":1e400}'
    with pytest.raises(BadInput) as found:
        parse_event(event.encode())
    assert found.value.field in {"duration", "value"}


PLAIN: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


@given(PLAIN)
def test_a_value_without_such_numbers_stays_as_it_is(value: Any) -> None:
    assert whole(value) == value
    assert msgspec.json.encode(whole(value)) == msgspec.json.encode(value)
