"""What a frequency cap counts, at the door: as a signed token says, and as nothing else does."""

import json
from typing import Any

import msgspec
import pytest

from hemline.adapters.memory import MemoryStream
from hemline.decide.token import Token, encode, rung_number, site_fingerprint
from hemline.learn.profile import alerts
from hemline.learn.profile.capsule import records
from hemline.learn.profile.fold import Profile, fold
from hemline.model.consent import Policy
from hemline.model.decision import Rung
from hemline.model.events.event import Record, decode_record
from hemline.usecases.ingest.collect import Caller, CollectDeps, collect_events
from hemline.usecases.ingest.collected import Collected
from tests.harness.collecting import ANN, NOW, SERVER

KEYS = (b"a key of tokens, long enough",)


def token(slot: str = "leaving", *, capped: bool = True, site: str = "demo") -> str:
    rung = rung_number(Rung.SEGMENT, capped=capped)
    made = Token(b"e" * 8, slot, rung, b"f" * 16, NOW // 60_000, site=site_fingerprint(site))
    return encode(made, KEYS)


def told(caller: Caller = ANN, keys: Any = KEYS, **event: Any) -> tuple[Collected, list[Record]]:
    stream = MemoryStream()
    deps = CollectDeps(stream, "demo", lambda: "fresh", Policy(), keys)
    body = {"id": "e1", "type": "exposure", "slot": "leaving", "token": token(), **event}
    found = collect_events(json.dumps(body).encode(), caller, deps, NOW)
    return found, [decode_record(entry.data) for entry in stream.entries]


@pytest.mark.parametrize("kind", ["exposure", "impression", "click", "dismiss"])
def test_it_counts_under_the_slot_that_the_token_names(kind: str) -> None:
    _, (record,) = told(type=kind, slot=None)
    assert record.capped == "leaving"
    found, kept = told(type=kind, slot="another")
    assert (kept, found.rejected[0].reason.split(":")[0]) == ([], "slot")


@pytest.mark.parametrize(
    "event",
    [
        {"token": token(capped=False)},
        {"token": None},
        {"type": "custom"},
        {"type": "view", "item": "p1"},
    ],
)
def test_nothing_else_counts(event: dict[str, Any]) -> None:
    _, (record,) = told(**event)
    assert record.capped == ""


def test_a_browser_s_forgery_is_refused_and_a_server_s_does_not_count() -> None:
    forged = token(site="another")
    found, kept = told(token=forged)
    assert (kept, found.rejected[0].reason.split(":")[0]) == ([], "token")
    _, (record,) = told(SERVER, token=forged, visitor="ann")
    assert record.capped == ""
    _, (record,) = told(SERVER, visitor="ann")
    assert record.capped == "leaving"


def test_a_server_without_keys_counts_nothing() -> None:
    _, (record,) = told(keys=())
    assert record.capped == ""


def test_the_next_request_knows_it_by_the_capsule_alone() -> None:
    found, (record,) = told()
    assert found.capsule is not None
    profile = fold(Profile(), records(found.capsule, "demo"))
    assert alerts.history_of(profile.alerts, "leaving").exposures == [NOW // 1000]
    assert fold(profile, [record]) == profile


def test_a_token_of_before_there_were_caps_counts_towards_none() -> None:
    assert all(msgspec.structs.replace(Token(b"", "s", n, b"", 0)).rung < 4 for n in range(4))
    assert [rung_number(rung) for rung in Rung] == [0, 1, 2, 3]
