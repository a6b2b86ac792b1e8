"""The body of a call, cut into events: a bad one leaves its neighbours alone.

Any bytes are cut or refused, and what is taken can always be kept.
"""

import json
import math
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hemline.model.errors import BadInput, TooLarge
from hemline.model.events.body import MOST_BYTES, MOST_EVENTS, Faulty, id_of, split
from hemline.model.events.event import Record, decode_record, encode_record, fault_of
from hemline.model.events.schema import event_of, parse_event
from tests.builders.events import VIEW


@pytest.mark.parametrize("body", [{"events": [VIEW]}, VIEW])
def test_a_byte_order_mark_is_no_part_of_the_body(body: dict[str, Any]) -> None:
    plain = json.dumps(body).encode()
    (one,), (marked,) = split(plain), split(b"\xef\xbb\xbf" + plain)
    assert not isinstance(one, Faulty)
    assert not isinstance(marked, Faulty)
    assert parse_event(one) == parse_event(marked)


# --- the body -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", "body"),
        (b"\xff\xfe", "body"),
        (b"[1]", "body"),
        (b'"x"', "body"),
        (b"5", "body"),
        (b'{"events":5}', "events"),
        (b'{"events":null}', "events"),
        (b'{"events":{"a":NaN}}', "events"),
        (b'{"events":[],"visitor":"x"}', "visitor"),
        (b'{"events":[NaN],"\\ud800":"x"}', r"\ud800"),
        (b'{"events":[}', "body"),
        (b"[" * 100_000, "body"),
        (b'{"events":[' + b"[" * 100_000, "body"),
        (b'{"events":[' + b"[" * 100_000 + b"]" * 100_000 + b"]}", "body"),
        (b'{"a":' * 40_000, "body"),
    ],
)
def test_a_body_of_another_shape_is_refused_as_a_whole(body: bytes, field: str) -> None:
    with pytest.raises(BadInput) as caught:
        split(body)
    assert caught.value.field == field
    assert caught.value.way_out


@pytest.mark.parametrize(
    "body",
    [b" " * (MOST_BYTES + 1), json.dumps({"events": [VIEW] * (MOST_EVENTS + 1)}).encode()],
)
def test_a_body_that_is_too_large_is_told_to_come_in_parts(body: bytes) -> None:
    with pytest.raises(TooLarge, match="several calls"):
        split(body)


def test_the_most_that_one_call_may_carry_is_taken() -> None:
    assert len(split(json.dumps({"events": [VIEW] * MOST_EVENTS}).encode())) == MOST_EVENTS


def test_one_event_alone_is_a_batch_of_one() -> None:
    (raw,) = split(json.dumps(VIEW).encode())
    assert not isinstance(raw, Faulty)
    assert parse_event(raw).id == "e1"


def test_an_event_that_is_no_json_leaves_its_neighbours_alone() -> None:
    body = b'{"events":[{"id":"a","type":"view","item":"x"},{"id":"b","value":NaN},7,{"id":"\\ud800"}]}'
    first, *others = split(body)
    assert not isinstance(first, Faulty)
    assert parse_event(first).id == "a"
    assert [o.error.field if isinstance(o, Faulty) else o for o in others] == ["value", b"7", "id"]
    assert [id_of(one) for one in others] == ["b", None, None]


def test_an_id_is_told_back_only_when_it_is_one() -> None:
    assert id_of(b'{"id":"a","type":5}') == "a"
    assert [id_of(raw) for raw in (b'{"id":5}', b'{"id":"a b"}', b"[]", b"\xff", b"{}")] == [
        None
    ] * 5
    assert id_of(Faulty(BadInput("x", "y"))) is None


junk = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None))
    | st.sampled_from(["view", "a", 10**400, 2**63, -(2**64), "x" * 2000]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
members = st.dictionaries(st.sampled_from([*VIEW, "time", "lines", "query", "properties"]), junk)


@given(st.lists(members.map(lambda m: {**VIEW, **m}) | junk, max_size=5))
@settings(max_examples=300, deadline=None)
def test_junk_is_taken_or_refused_and_what_is_taken_can_always_be_kept(events: list[Any]) -> None:
    body = json.dumps({"events": events}).encode()
    for raw in split(body):
        try:
            if isinstance(raw, Faulty):
                raise raw.error
            record = Record("demo", "v:a", 1, event_of(parse_event(raw), 1))
        except BadInput as error:
            str(error).encode("ascii")
        else:
            assert decode_record(encode_record(record)) == record
            assert fault_of(record) is None


@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda t: t.encode("utf-8", "replace")))
@example(b'{"events":[\xed\xa0\x80]}')
@settings(deadline=None)
def test_any_bytes_are_cut_or_refused(body: bytes) -> None:
    try:
        raws = split(body)
    except BadInput:
        return
    for raw in raws:
        if not isinstance(raw, Faulty):
            with pytest.raises(BadInput):
                parse_event(raw)


# --- what lies on the stream ----------------------------------------------------------------


def test_the_strategy_above_makes_what_it_should_refuse() -> None:
    assert not math.isfinite(json.loads("NaN"))
    assert json.dumps({"a": "\ud800"}) == '{"a": "\\ud800"}'


def test_a_call_carries_exactly_500_events_and_256_kb() -> None:
    one = b'{"id":"a","type":"page"}'
    assert len(split(b'{"events":[' + b",".join([one] * 500) + b"]}")) == 500
    with pytest.raises(TooLarge, match="events: has more than 500"):
        split(b'{"events":[' + b",".join([one] * 501) + b"]}")
    whole = one + b" " * (256 * 1024 - len(one))
    assert split(whole) == [whole]
    with pytest.raises(TooLarge, match="body: is larger than 256 kB"):
        split(whole + b" ")
