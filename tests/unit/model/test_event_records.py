"""What lies on the stream: all that was stated survives, and what is not ours is known as such."""

import json

import msgspec
import pytest

from hemline.model.events.event import SCHEMA, Record, decode_record, encode_record, fault_of
from hemline.model.events.schema import event_of, parse_event
from tests.builders.events import VIEW, stated


def test_a_record_of_a_later_schema_waits_for_the_code_that_knows_it() -> None:
    now = Record("demo", "v:a", 1, event_of(parse_event(stated("view")), 5))
    assert fault_of(now) is None
    assert b"schema" not in encode_record(now), "the first version goes without saying"
    later = msgspec.structs.replace(now, schema=SCHEMA + 1)
    assert fault_of(decode_record(encode_record(later))) == "schema is not one of ours"


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
