"""The collect function on its scenarios, with a real stream of the emulator."""

import json
import time
from typing import Any

import pytest

from hemline.learn.profile import capsule
from hemline.model.consent import NO
from hemline.model.events.batch_signature import sign_batch
from hemline.model.events.event import ITEM_EVENT
from hemline.model.events.refusals import ACCOUNT_CALLS, ALIASES, SENT_TYPES
from hemline.runtime.identity import sign_visitor
from tests.builders.editions import KEYS
from tests.harness.clouds import Cloud
from tests.harness.collect_function import Door
from tests.harness.functions import ROOT, environment, event, load

pytestmark = pytest.mark.cloud


@pytest.fixture
def door(emulator: Cloud, monkeypatch: pytest.MonkeyPatch) -> Door:
    stream = emulator.make_stream(1)
    app = load("collect", environment(emulator, stream=stream), monkeypatch)
    return Door(emulator, app, stream)


def body(answer: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer["body"])
    return found


def signed(text: str, **changes: Any) -> dict[str, Any]:
    """A payload that a site's own server sends now."""
    payload = {**event("collect", "batch"), "body": text, **changes}
    stamp = sign_batch(text.encode(), KEYS[0], time.time_ns() // 1_000_000)
    return {**payload, "headers": {**payload["headers"], "hemline-signature": stamp}}


def test_events_are_answered_when_the_stream_holds_them(door: Door) -> None:
    answer = door.scenario("batch")
    assert answer["statusCode"] == 202
    assert body(answer) == {"accepted": 3, "rejected": []}
    held = door.held()
    assert [r.event.type for r in held] == ["view", "click", "purchase"]
    assert {(r.country, r.device) for r in held} == {("GB", "mobile")}


def test_a_new_visitor_gets_an_id_and_a_capsule_that_scripts_cannot_read(door: Door) -> None:
    answer = door.scenario("batch")
    visitor, kept = answer["cookies"]
    for cookie in (visitor, kept):
        assert {"Path=/", "HttpOnly", "SameSite=Lax", "Secure"} <= set(cookie.split("; "))
    again = door.scenario("single", cookies=[c.partition(";")[0] for c in answer["cookies"]])
    assert [c.partition("=")[0] for c in again["cookies"]] == ["__Host-hem_c"]
    assert len({r.subject for r in door.held()}) == 1


def test_the_capsule_holds_what_was_just_done(door: Door) -> None:
    cookies = [f"__Host-hem_v={sign_visitor('ann', KEYS)}"]
    (cookie,) = door.scenario("beacon", cookies=cookies)["cookies"]
    kept = capsule.decode(cookie.partition(";")[0].partition("=")[2], KEYS)
    assert (kept.subject, [act.type for act in kept.actions]) == ("v:ann", ["click"])


def test_on_a_laptop_without_tls_cookies_are_not_secure(door: Door) -> None:
    assert all("Secure" not in cookie for cookie in door.scenario("loopback")["cookies"])


@pytest.mark.parametrize("name", ["beacon", "beacon-base64", "single"])
def test_a_beacon_and_a_single_event_are_taken_too(door: Door, name: str) -> None:
    assert body(door.scenario(name)) == {"accepted": 1, "rejected": []}
    assert len(door.held()) == 1


def test_an_app_names_its_visitor_in_a_header(door: Door) -> None:
    payload = event("collect", "single")
    payload["headers"]["hemline-visitor"] = sign_visitor("app-7", KEYS)
    door(payload)
    assert [r.subject for r in door.held()] == ["v:app-7"]


def test_a_forged_visitor_becomes_a_new_one(door: Door) -> None:
    answer = door.scenario("forged-visitor")
    assert answer["cookies"][0].startswith("__Host-hem_v=")
    assert door.held()[0].subject != "v:ann"


def test_an_opt_out_writes_nothing_at_all(door: Door) -> None:
    answer = door.scenario("opted-out")
    assert answer["statusCode"] == 202
    assert body(answer)["rejected"] == [{"index": 0, "id": "0190f1c2-view", "reason": "no_consent"}]
    assert "cookies" not in answer
    assert door.held() == []


def test_a_capsule_that_says_no_is_obeyed(door: Door) -> None:
    refused = capsule.encode(capsule.Capsule("v:ann", NO), KEYS)
    answer = door.scenario("batch", cookies=[f"__Host-hem_c={refused}"])
    assert body(answer)["accepted"] == 0
    assert door.held() == []


def test_the_good_events_of_a_call_are_taken_and_the_bad_ones_named(door: Door) -> None:
    answer = door.scenario("some-bad")
    assert answer["statusCode"] == 202
    found = body(answer)
    assert found["accepted"] == 2
    assert [(r["index"], r["id"]) for r in found["rejected"]] == [(1, "0190f1c2-bad"), (2, None)]
    assert [r["reason"].partition(":")[0] for r in found["rejected"]] == ["type", "id"]


@pytest.mark.parametrize(
    ("name", "status", "field"),
    [("all-bad", 400, "events"), ("not-json", 400, "body"), ("empty", 400, "body")],
)
def test_a_call_without_one_good_event_is_the_caller_s_mistake(
    door: Door, name: str, status: int, field: str
) -> None:
    answer = door.scenario(name)
    assert answer["statusCode"] == status
    assert answer["headers"]["Content-Type"] == "application/problem+json"
    assert body(answer)["field"] == field
    assert body(answer)["way_out"]
    assert door.held() == []


@pytest.mark.parametrize(("name", "field"), [("nan", "value"), ("lone-surrogate", "query")])
def test_what_json_cannot_say_costs_one_event_not_the_call(
    door: Door, name: str, field: str
) -> None:
    found = body(door.scenario(name))
    assert found["accepted"] == 1
    assert found["rejected"][0]["reason"].startswith(field)


DEEP = '{"id":"a","type":"view","item":"p","properties":' + '{"a":' * 20_000 + "1" + "}" * 20_001


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (" " * 300_000, 413),
        ('{"events":[' + ",".join(["{}"] * 501) + "]}", 413),
        ("[" * 100_000, 400),
        ('{"a":' * 40_000, 400),
        (DEEP, 400),
        ('{"events":[{"id":1.5,"type":"view","item":"p"}]}', 400),
        ('{"events":[{"id":"a","type":"view","item":"p","value":1e400}]}', 400),
        ('{"events":[{"id":"a","type":"view","item":"p","value":' + "9" * 5000 + "}]}", 400),
        ('{"events":[{"id":"\ud800","type":"view","item":"p"}]}', 400),
        ('{"events":[{"id":"a\x00","type":"view","item":"p"}]}', 400),
        ("\ud800", 400),
    ],
)
def test_hostile_bodies_are_answered_with_a_reason_and_never_a_500(
    door: Door, text: str, status: int
) -> None:
    answer = door.scenario("batch", body=text)
    assert answer["statusCode"] == status
    assert body(answer)["detail"]
    assert door.held() == []


def test_a_body_that_claims_base64_and_is_not_is_a_400(door: Door) -> None:
    assert door.scenario("batch", body="§", isBase64Encoded=True)["statusCode"] == 400


TYPES = sorted(path.stem for path in (ROOT / "events/collect").glob("type-*.json"))


@pytest.mark.parametrize("name", TYPES)
def test_there_is_an_example_of_every_type(door: Door, name: str) -> None:
    answer = door.scenario(name)
    kind = name.removeprefix("type-").replace("-", "_")
    if kind in SENT_TYPES and kind != ITEM_EVENT:
        assert (answer["statusCode"], body(answer)["rejected"]) == (202, [])
        assert [r.event.type for r in door.held()] == [ALIASES.get(kind, kind)]
    else:
        (rejected,) = body(answer)["rejected"]
        assert rejected["reason"].startswith("type: ")
        assert ACCOUNT_CALLS.get(kind, "Hemline-Signature") in rejected["reason"]
        assert door.held() == []


def test_no_type_is_without_an_example() -> None:
    shown = {name.removeprefix("type-").replace("-", "_") for name in TYPES}
    assert shown == {*SENT_TYPES, *ACCOUNT_CALLS}


def test_a_program_that_says_what_it_is_is_flagged_and_answered_as_anybody(door: Door) -> None:
    answer = door.scenario("bot")
    assert (answer["statusCode"], body(answer)["accepted"]) == (202, 1)
    assert [record.flags for record in door.held()] == [("bot",)]
    door.scenario("single")
    assert door.held()[-1].flags == ()


def test_a_server_s_own_user_agent_says_nothing_of_whom_it_speaks_for(door: Door) -> None:
    text = json.dumps({"events": [{"id": "a", "type": "view", "item": "p1", "visitor": "ann"}]})
    payload = signed(text)
    payload["headers"]["user-agent"] = "python-requests/2.32"
    assert door(payload)["statusCode"] == 202
    assert door.held()[0].flags == ()


# --- a site's own server --------------------------------------------------------------------


def test_a_signed_batch_speaks_for_visitors_users_and_the_catalogue(door: Door) -> None:
    events = [
        {"id": "a", "type": "view", "item": "p1", "visitor": "ann", "time": "1970-01-02T00:00:00Z"},
        {"id": "b", "type": "view", "item": "p1", "user": "u1"},
        {"id": "c", "type": "item", "item": "p1", "properties": {"title": "Dress"}},
    ]
    answer = door(signed(json.dumps({"events": events})))
    assert (answer["statusCode"], body(answer)["accepted"]) == (202, 3)
    assert "cookies" not in answer
    assert [r.subject for r in door.held()] == ["v:ann", "u:u1", "i:p1"]
    assert door.held()[0].event.time == 86_400_000


def test_a_signature_that_does_not_verify_is_a_401_that_stores_nothing(door: Door) -> None:
    assert door.scenario("forged-signature")["statusCode"] == 401
    payload = signed('{"events":[]}', body='{"events":[] }')
    assert door({**payload, "body": '{"events":[] }'})["statusCode"] == 401
    assert door.held() == []


# --- no stream ------------------------------------------------------------------------------


def test_without_a_stream_the_answer_is_503_with_retry_after(
    emulator: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = load("collect", environment(emulator, stream="never-made"), monkeypatch)
    answer = app.handler(event("collect", "batch"), None)
    assert answer["statusCode"] == 503
    assert int(answer["headers"]["Retry-After"]) >= 1
    found = body(answer)
    assert found["accepted"] == 0
    assert {r["reason"] for r in found["rejected"]} == {"not_durable"}
    assert "never-made" not in answer["body"]
    # The retry must be the same visitor, or an event whose answer was lost would count twice.
    assert [c.partition("=")[0] for c in answer["cookies"]] == ["__Host-hem_v"]


def test_what_is_logged_says_nothing_of_the_visitor(
    door: Door, capsys: pytest.CaptureFixture[str]
) -> None:
    door.scenario("batch", cookies=[f"__Host-hem_v={sign_visitor('ann-the-visitor', KEYS)}"])
    out = capsys.readouterr().out
    line = json.loads(out)
    assert (line["Accepted"], line["Rejected"]) == (3, 0)
    assert "ann-the-visitor" not in out
    assert "0190f1c2" not in out


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "PATCH"])
def test_what_no_route_names_is_a_problem_that_no_cache_may_keep(door: Door, method: str) -> None:
    """API Gateway's own 404 carries no Cache-Control, and caches kept it."""
    payload = {**event("collect", "batch"), "routeKey": "$default"}
    http = {**payload["requestContext"]["http"], "method": method, "path": "/v1/nothing"}
    payload["requestContext"] = {**payload["requestContext"], "http": http}
    answer = door.app.handler(payload, None)
    assert answer["statusCode"] == 404
    assert answer["headers"]["Cache-Control"] == "private, no-store"
    assert answer["headers"]["Content-Type"] == "application/problem+json"
    assert body(answer)["way_out"]
    assert "cookies" not in answer
    assert not door.held(), "what it carries is not taken for events"
