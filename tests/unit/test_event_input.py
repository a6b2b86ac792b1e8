"""An event over the wire: what is taken, and a reason with the field and a way out for what is not."""

import json
import math
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hemline.model.errors import BadInput, TooLarge
from hemline.model.event import (
    DEEDS,
    SCHEMA,
    Record,
    decode_record,
    encode_record,
    fault_of,
)
from hemline.model.event_body import (
    MOST_BYTES,
    MOST_EVENTS,
    Faulty,
    diagnose,
    id_of,
    split,
)
from hemline.model.event_input import (
    ACCOUNT_CALLS,
    ALIASES,
    NEEDS,
    SENT,
    event_of,
    item_of,
    parse_event,
    stated_time,
)

VIEW = {"id": "e1", "type": "view", "item": "p1"}


def with_json(member: str) -> bytes:
    """A view whose last member is spelt by hand: Python's own writer would refuse most of these."""
    return f'{{"id":"e1","type":"view","item":"p1",{member}}}'.encode("utf-8", "surrogatepass")


def refusal(raw: bytes) -> BadInput:
    (event,) = split(raw)
    if isinstance(event, Faulty):
        return event.error
    with pytest.raises(BadInput) as caught:
        parse_event(event)
    return diagnose(event, caught.value) if caught.value.field == "event" else caught.value


BAD: list[tuple[str, str, str]] = [
    ('"value":NaN', "value", "finite"),
    ('"value":-Infinity', "value", "finite"),
    ('"value":1e400', "value", "out of range"),
    ('"value":' + "1" * 5000, "value", "out of range"),
    ('"properties":{"n":' + "1" * 5000 + "}", "properties", "out of range"),
    ('"properties":{"n":' + "1" * 30 + "}", "properties.n", "64-bit"),
    ('"properties":{"a":[{"b":NaN}]}', "properties.a[0].b", "finite"),
    ('"properties":' + '{"a":' * 9 + "1" + "}" * 9, "properties.a.a.a.a.a", "nested"),
    ('"properties":' + '{"a":' * 9000 + "1" + "}" * 9000, "body", "nested"),
    ('"properties":{"a":"\\u0000"}', "properties.a", "control"),
    ('"properties":{"\\u0007":1}', "properties", "name"),
    ('"properties":{"":1}', "properties", "name"),
    ('"properties":{"a":"' + "x" * 1001 + '"}', "properties.a", "too long"),
    ('"properties":{"a":[' + "1," * 300 + "1]}", "properties", "200 values"),
    ('"properties":{"a":["' + '","'.join(["é" * 1000] * 9) + '"]}', "properties", "too large"),
    ('"properties":{' + ",".join(f'"k{i}":1' for i in range(51)) + "}", "properties", "50"),
    ('"properties":[]', "properties", "object"),
    ('"query":"\\ud83d"', "query", "surrogate"),
    ('"query":"\ud83d"', "query", "surrogate"),
    ('"\\udc00":1', r"\udc00", "surrogate"),
    ('"query":"a\\nb"', "query", "control character"),
    ('"query":"' + "x" * 1001 + '"', "query", "1000"),
    ('"id":5.5', "id", "expected str"),
    ('"id":7', "id", "expected str"),
    ('"id":"a b"', "id", "printable ASCII"),
    ('"id":"a\\n"', "id", "printable ASCII"),
    ('"id":"é"', "id", "printable ASCII"),
    ('"id":"' + "x" * 129 + '"', "id", "1 to 128"),
    ('"type":"buy"', "type", "purchase"),
    ('"time":1.5', "time", "RFC 3339"),
    ('"time":true', "time", "RFC 3339"),
    ('"time":-1', "time", "1970"),
    ('"time":' + "9" * 20, "time", "9999"),
    ('"time":"2026-01-01T00:00:00"', "time", "offset"),
    ('"time":"0001-01-01T00:00:00+23:59"', "time", "1970"),
    ('"time":"yesterday"', "time", "RFC 3339"),
    ('"lines":[{"item":"a","quantity":0}]', "lines[0].quantity", ">= 1"),
    ('"lines":[{"item":"a","quantity":1.5}]', "lines[0].quantity", "expected int"),
    ('"lines":[{"item":"a","price":-1}]', "lines[0].price", ">= 0"),
    ('"lines":[{}]', "lines[0].item", "missing"),
    ('"lines":[{"item":"a","sku":"b"}]', "lines[0].sku", "not a known field"),
    ('"lines":[' + '{"item":"a"},' * 500 + '{"item":"a"}]', "lines", "500"),
    ('"currency":"eur"', "currency", "EUR"),
    ('"itm":"p1"', "itm", "Known fields"),
    ('"token":"a b"', "token", "unchanged"),
]


@pytest.mark.parametrize(("member", "field", "says"), BAD, ids=[f"{m[:40]!a}" for m, _, _ in BAD])
def test_what_is_wrong_is_named_with_the_way_out(member: str, field: str, says: str) -> None:
    try:
        error = refusal(with_json(member))
    except BadInput as whole:
        error = whole
    assert error.field == field
    assert says in str(error)
    assert len(str(error)) < 600
    str(error).encode("ascii")


@pytest.mark.parametrize("needed", list(NEEDS))
def test_a_type_says_what_it_needs(needed: str) -> None:
    full = {
        "item": "p1",
        "query": "red",
        "value": 5,
        "message": "m1",
        "duration": 9,
        "slot": "hero",
    }
    for names in NEEDS[needed]:
        left = {name: value for name, value in full.items() if name not in names}
        with pytest.raises(BadInput, match=f"^{names[0]}: .* needs " + " or ".join(names)):
            parse_event(json.dumps({"id": "e1", "type": needed, **left}).encode())
    assert parse_event(json.dumps({"id": "e1", "type": needed, **full}).encode()).type == needed


@pytest.mark.parametrize("kind", sorted(set(SENT) - set(NEEDS)))
def test_a_type_without_needs_stands_alone(kind: str) -> None:
    assert parse_event(json.dumps({"id": "e1", "type": kind}).encode()).type == kind


@pytest.mark.parametrize(("kind", "call"), sorted(ACCOUNT_CALLS.items()))
def test_what_an_account_call_states_cannot_be_sent(kind: str, call: str) -> None:
    with pytest.raises(BadInput, match=f"type: {kind} .* Call {call}"):
        parse_event(json.dumps({"id": "e1", "type": kind, "item": "p1"}).encode())
    assert kind in DEEDS


def test_every_type_is_known_to_the_product_or_another_name_of_one() -> None:
    assert {ALIASES.get(kind, kind) for kind in SENT} | ACCOUNT_CALLS.keys() == DEEDS.keys()


def test_an_impression_is_an_exposure() -> None:
    parsed = parse_event(json.dumps({"id": "e1", "type": "impression", "item": "p1"}).encode())
    assert event_of(parsed, 5).type == "exposure"


def stated(kind: str, **members: object) -> bytes:
    return json.dumps({"id": "e1", "type": kind, "item": "p1", **members}).encode()


@pytest.mark.parametrize(("rating", "fine"), [(0, 1), (10, 1), (4.5, 1), (-0.1, 0), (10.1, 0)])
def test_a_rating_lies_from_0_to_10(rating: float, fine: bool) -> None:
    if fine:
        assert parse_event(stated("rate", value=rating)).value == rating
    else:
        with pytest.raises(BadInput, match=r"value: of rate is .* Use 0 to 10"):
            parse_event(stated("rate", value=rating))


@pytest.mark.parametrize(
    ("value", "prices", "fine"),
    [
        (39, (9.5, 20), True),
        (39.02, (9.5, 20), True),
        (39.03, (9.5, 20), False),
        (0, (9.5, 20), True),
        (30, (9.5, 20), True),
        (500, (9.5, None), True),
        (500, (), True),
        (-1, (), False),
        (None, (9.5, 20), True),
    ],
    ids=["exact", "rounded", "shipping", "free", "discount", "one-unpriced", "no-lines",
         "refund", "left-out"],
)  # fmt: skip
def test_a_purchase_is_worth_what_its_lines_are_or_less(
    value: float | None, prices: tuple[float | None, ...], fine: bool
) -> None:
    lines = [{"item": "p1", "quantity": 2 - at, "price": p} for at, p in enumerate(prices)]
    raw = stated("purchase", value=value, lines=lines or None)
    if fine:
        assert parse_event(raw).value == value
    else:
        with pytest.raises(BadInput, match=r"^value: "):
            parse_event(raw)


def test_revenue_is_the_value_or_else_what_the_lines_are_worth() -> None:
    def revenue(kind: str = "purchase", **members: object) -> float | None:
        return event_of(parse_event(stated(kind, **members)), 5).revenue

    tens = [{"item": f"p{n}", "price": 0.1} for n in range(10)]
    assert revenue(lines=tens) == 1.0
    assert revenue(lines=tens, value=0.5) == 0.5
    assert revenue(lines=[*tens, {"item": "p"}]) is None
    assert revenue() is None
    assert revenue("view", value=3) is None


@pytest.mark.parametrize("ms", [-1, 86_400_001, 1.5, "3"])
def test_a_dwell_lasts_a_day_at_most(ms: object) -> None:
    with pytest.raises(BadInput, match=r"^duration: .* one day"):
        parse_event(stated("dwell", duration=ms))
    assert event_of(parse_event(stated("dwell", duration=86_400_000)), 5).duration == 86_400_000


def test_a_record_of_a_later_schema_waits_for_the_code_that_knows_it() -> None:
    now = Record("demo", "v:a", 1, event_of(parse_event(stated("view")), 5))
    assert fault_of(now) is None
    assert b"schema" not in encode_record(now), "the first version goes without saying"
    later = msgspec.structs.replace(now, schema=SCHEMA + 1)
    assert fault_of(decode_record(encode_record(later))) == "schema is not one of ours"


@pytest.mark.parametrize(
    ("stated", "ms"),
    [
        (1_700_000_000_123, 1_700_000_000_123),
        ("2023-11-14T22:13:20.123Z", 1_700_000_000_123),
        ("2023-11-14T23:13:20.1239+01:00", 1_700_000_000_123),
        ("9999-12-31T23:59:59-23:59", 253_402_300_799_000 + 23 * 3_600_000 + 59 * 60_000),
        (None, None),
    ],
)
def test_time_is_rfc_3339_or_epoch_milliseconds(stated: object, ms: int | None) -> None:
    raw = json.dumps({**VIEW, "time": stated}).encode()
    assert stated_time(parse_event(raw)) == ms


def test_a_full_event_survives_as_it_was_stated() -> None:
    stated = {
        "id": "e9",
        "type": "purchase",
        "time": 1_700_000_000_000,
        "item": "p1",
        "slot": "hero",
        "token": "abc.def",
        "query": "red dress 👗",
        "lines": [{"item": "p1", "quantity": 2, "price": 9.5}, {"item": "p2"}],
        "currency": "EUR",
        "value": 19,
        "properties": {"a": [1, True, None, "x", {"b": 2.5}], "text": "two\nlines"},
    }
    parsed = parse_event(json.dumps(stated).encode())
    record = Record("demo", "v:a", 1, event_of(parsed, 1_700_000_000_000))
    again = json.loads(encode_record(record))["event"]
    assert again.pop("lines") == [{"item": "p1", "quantity": 2, "price": 9.5}, {"item": "p2"}]
    assert again == {k: v for k, v in stated.items() if k != "lines"}


def test_null_is_as_good_as_left_out() -> None:
    names = ("time", "slot", "token", "query", "lines", "currency", "value", "properties")
    raw = json.dumps({**VIEW, **dict.fromkeys(names)}).encode()
    assert event_of(parse_event(raw), 5) == event_of(parse_event(json.dumps(VIEW).encode()), 5)


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


# --- the catalogue --------------------------------------------------------------------------


def item(properties: dict[str, object]) -> bytes:
    return json.dumps({"id": "i1", "type": "item", "item": "p1", "properties": properties}).encode()


def test_an_item_travels_as_its_properties() -> None:
    stated = {"title": "Red dress", "price": 10, "categories": ["women"], "stock": None}
    found = item_of(parse_event(item({**stated, "attributes": {"colour": "red"}})))
    assert (found.id, found.title, found.price, found.categories) == (
        "p1",
        "Red dress",
        10.0,
        ("women",),
    )


@pytest.mark.parametrize(
    ("properties", "field"),
    [
        ({"colour": "red"}, "properties.colour"),
        ({"id": "other"}, "properties.id"),
        ({"price": "ten"}, "properties.price"),
        ({"price": -1}, "properties.price"),
        ({"stock": 1.5}, "properties.stock"),
        ({"url": "javascript:alert(1)"}, "properties.url"),
        ({"url": " javascript:alert(1)"}, "properties.url"),
        ({"image": "//evil.example/x.png"}, "properties.image"),
        ({"url": "/\\evil.example"}, "properties.url"),
        ({"categories": [1]}, "properties.categories[0]"),
        ({"é": 1}, r"properties.\xe9"),
    ],
)
def test_an_item_that_is_wrong_names_the_property(
    properties: dict[str, object], field: str
) -> None:
    with pytest.raises(BadInput) as caught:
        item_of(parse_event(item(properties)))
    assert caught.value.field == field


# --- what lies on the stream ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"site": "../x"}, "site"),
        ({"subject": "x:1"}, "subject"),
        ({"subject": "v:"}, "subject"),
        ({"received": -1}, "received"),
        ({"received": 10**18}, "received"),
        ({"event": {"id": "a\nb", "type": "view", "time": 1}}, "event.id"),
        ({"event": {"id": "a", "type": "buy", "time": 1}}, "event.type"),
        ({"event": {"id": "a", "type": "view", "time": -5}}, "event.time"),
        ({"event": {"id": "a", "type": "view", "time": 1, "item": "é"}}, "event.item"),
        ({"event": {"id": "a", "type": "view", "time": 1, "lines": [{"item": ""}]}}, "event.lines"),
    ],
)
def test_a_record_that_decodes_may_still_not_be_one_of_ours(
    change: dict[str, object], field: str
) -> None:
    whole = {"site": "demo", "subject": "v:a", "received": 1, "event": {**VIEW, "time": 1}}
    assert fault_of(decode_record(json.dumps(whole).encode())) is None
    assert field in (fault_of(decode_record(json.dumps({**whole, **change}).encode())) or "")


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
