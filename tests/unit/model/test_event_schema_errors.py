"""An event over the wire: what is taken, and a reason with the field and a way out for what is not."""

import json

import pytest

from hemline.model.errors import BadInput
from hemline.model.events.body import Faulty, diagnose, split
from hemline.model.events.event import LEVEL_OF_EVENT
from hemline.model.events.refusals import ACCOUNT_CALLS, ALIASES, SENT
from hemline.model.events.schema import NEEDS, event_of, parse_event, stated_time
from tests.builders.events import VIEW, stated


def with_json(member: str) -> bytes:
    """A view whose last member is spelt by hand: Python's own writer would refuse most of these."""
    others = {"id": "e1", "type": "view", "item": "p1"}
    others.pop(member.split('"')[1], None)
    return f"{json.dumps(others)[:-1]},{member}}}".encode("utf-8", "surrogatepass")


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
    ('"id":"e1","id":"e2"', "id", "twice"),
    ('"lines":[{"item":"a"},{"item":"a","item":"b"}]', "lines[1].item", "twice"),
    ('"properties":{"a":{"\\u0062":1,"b":2}}', "properties.a.b", "twice"),
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
    assert kind in LEVEL_OF_EVENT


def test_every_type_is_known_to_the_product_or_another_name_of_one() -> None:
    assert {
        ALIASES.get(kind, kind) for kind in SENT
    } | ACCOUNT_CALLS.keys() == LEVEL_OF_EVENT.keys()


def test_an_impression_is_an_exposure() -> None:
    parsed = parse_event(json.dumps({"id": "e1", "type": "impression", "item": "p1"}).encode())
    assert event_of(parsed, 5).type == "exposure"


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


@pytest.mark.parametrize("ms", [-1, 86_400_001, 1.5, "3"])
def test_a_dwell_lasts_a_day_at_most(ms: object) -> None:
    with pytest.raises(BadInput, match=r"^duration: .* one day"):
        parse_event(stated("dwell", duration=ms))
    assert event_of(parse_event(stated("dwell", duration=86_400_000)), 5).duration == 86_400_000


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


def test_null_is_as_good_as_left_out() -> None:
    names = ("time", "slot", "token", "query", "lines", "currency", "value", "properties")
    raw = json.dumps({**VIEW, **dict.fromkeys(names)}).encode()
    assert event_of(parse_event(raw), 5) == event_of(parse_event(json.dumps(VIEW).encode()), 5)
