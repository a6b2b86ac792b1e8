"""Events at the door: what a server may say with its signature, and a browser may not."""

import pytest

from hemline.usecases.ingest.collect import LATEST_MS, Caller, bounded
from tests.builders.events import VIEW
from tests.harness.collecting import ANN, NOW, SERVER, collect


@pytest.mark.parametrize("kind", ["consent", "identify"])
@pytest.mark.parametrize("caller", [ANN, SERVER])
def test_consent_and_identity_are_never_taken_from_an_event(kind: str, caller: Caller) -> None:
    about = {"visitor": "bob"} if caller.signed else {}
    found, records = collect({"id": "e1", "type": kind, **about}, caller=caller)
    assert records == []
    assert "/v1/" in found.rejected[0].reason


def test_a_signed_batch_may_speak_of_the_past_but_not_of_the_future() -> None:
    assert bounded(0, NOW, past=True) == 0
    assert bounded(NOW + LATEST_MS + 1, NOW, past=True) == NOW


def test_a_signed_batch_speaks_for_others() -> None:
    _, records = collect(
        {
            **VIEW,
            "visitor": "bob",
            "time": "1970-01-01T00:00:01Z",
            "country": "FR",
            "device": "tablet",
        },
        {**VIEW, "user": "u7", "visitor": "bob"},
        caller=SERVER,
    )
    assert [(r.subject, r.event.time, r.country, r.device) for r in records] == [
        ("v:bob", 1000, "FR", "tablet"),
        ("u:u7", NOW, "", ""),
    ]


def test_a_signed_batch_sets_no_cookies() -> None:
    found, _ = collect({**VIEW, "visitor": "bob"}, caller=SERVER)
    assert (found.minted, found.capsule) == (None, None)


def test_a_signed_event_must_say_whom_it_is_about() -> None:
    found, _ = collect(VIEW, caller=SERVER)
    assert found.rejected[0].reason.startswith("visitor: is missing.")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"visitor": "bob"}, "visitor"),
        ({"user": "bob"}, "user"),
        ({"country": "FR"}, "country"),
        ({"device": "tv"}, "device"),
        ({"type": "item"}, "type"),
    ],
)
def test_what_is_for_servers_is_refused_from_a_browser(change: dict[str, str], field: str) -> None:
    found, records = collect({**VIEW, **change})
    assert records == []
    assert found.rejected[0].reason.startswith(f"{field}: ")
    assert "Hemline-Signature" in found.rejected[0].reason


def test_an_item_is_checked_at_the_door() -> None:
    bad = {"id": "i1", "type": "item", "item": "p1", "properties": {"price": "ten"}}
    found, _ = collect(bad, caller=SERVER)
    assert found.rejected[0].reason.startswith("properties.price: ")
