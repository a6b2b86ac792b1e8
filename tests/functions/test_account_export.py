"""The account function tells people all that is kept of them, and nothing of anybody else."""

import base64
import json

import pytest

from hemline.model.keys import quarantine_object
from hemline.runtime.identity import sign_visitor
from hemline.usecases.people.forget_register import enter
from tests.builders.editions import KEYS, SITE
from tests.harness.account_harness import Desk, body
from tests.harness.deciding import acts
from tests.harness.functions import event

pytestmark = pytest.mark.cloud


def test_everything_is_told_with_where_it_comes_from(desk: Desk) -> None:
    desk.remember(*acts("v:phone", ["p1", "p2"]))
    found = body(desk("export", "phone"))
    assert found["subject"] == "v:phone"
    seen = found["profile"]["actions"]["engaged"]
    assert {item for one in seen for item in one["items"]} == {"p1", "p2"}
    assert all(one["time"] for one in seen)
    (events,) = found["events"]["days"].values()
    assert [one["event"]["type"] for one in events] == ["click", "click"]
    assert found["events"]["complete"] is True
    assert found["profile"]["from"] == "table, item profile"
    assert found["consent"]["purposes"]["messaging"]["allowed"] is False
    assert found["not_kept"]


def test_nobody_is_told_of_anybody_else(desk: Desk) -> None:
    desk.remember(*acts("v:phone", ["secret-1"]))
    desk.remember(*acts("v:desk", ["p2"]))
    desk.remember(*acts("u:ann", ["secret-2"]))
    for answer in (
        desk("export-by-naming-an-id", "desk"),
        desk("export", "desk", hemline_visitor=sign_visitor("phone", KEYS)),
        desk("export", user="bob", cookies=(f"__Host-hem_v={sign_visitor('phone', KEYS)}",)),
        desk("export", "desk", cookies=("__Host-hem_v=phone",)),
    ):
        assert "secret" not in answer["body"]
    assert "secret-1" in desk("export", "phone")["body"]
    assert "secret-2" in desk("export", user="ann")["body"]


def test_a_user_is_told_of_linked_visitors_too_and_a_visitor_only_of_themselves(desk: Desk) -> None:
    desk.remember(*acts("v:phone", ["p1"]))
    desk.remember(*acts("u:ann", ["secret"]))
    desk("identify", "phone", "ann")
    told = desk("export", user="ann")["body"]
    assert "p1" in told
    assert "secret" in told
    assert "secret" not in desk("export", "phone")["body"]


def test_an_export_goes_on_where_it_stopped(desk: Desk) -> None:
    day = 86_400_000
    log = [
        r for n in range(3) for r in acts("v:phone", [f"p{n}"], when=1_700_000_000_000 + n * day)
    ]
    desk.remember(*log)
    hasty = iter(range(0, 1000, 100))
    desk.app.deps = desk.app.deps._replace(clock=lambda: float(next(hasty)))
    first = body(desk("export", "phone"))["events"]
    assert (list(first["days"]), first["complete"]) == (["2023-11-14"], False)
    payload = event("account", "export")
    payload["cookies"] = [f"__Host-hem_v={sign_visitor('phone', KEYS)}"]
    payload["rawQueryString"] = f"after={first['next']}"
    rest = json.loads(desk.app.handler(payload, None)["body"])["events"]
    assert list(rest["days"]) == ["2023-11-15"]
    # Every day lies before one that is in no calendar: the export would look complete and be empty.
    for wrong in ("yesterday", "2026-99-99", "2026-02-30", "20260101", "2026-W01-1"):
        payload["rawQueryString"] = f"after={wrong}"
        answer = desk.app.handler(payload, None)
        assert (answer["statusCode"], body(answer)["field"]) == (400, "after"), wrong


def quarantined(desk: Desk, number: int, payload: bytes) -> None:
    document = {
        "reason": "schema is not one of ours",
        "payload": base64.b64encode(payload).decode(),
    }
    key = quarantine_object("2026-05-01", "s", str(number))
    desk.objects.put(key, json.dumps(document).encode())


def test_what_lies_in_quarantine_as_theirs_is_told_and_nothing_of_others(desk: Desk) -> None:
    later = {
        "site": SITE,
        "received": 5,
        "schema": 2,
        "event": {"time": 5, "query": "secret-query"},
    }
    mine = json.dumps(later | {"subject": "v:aside"}).encode()
    about = json.dumps({"site": SITE, "subject": "v:desk", "note": "v:aside of mine"}).encode()
    other_site = json.dumps(later | {"site": "other", "subject": "v:aside"}).encode()
    for number, payload in enumerate((mine, about, mine[:-9], other_site, b"\xff"), 1):
        quarantined(desk, number, payload)
    found = body(desk("export", "aside"))
    assert [one["record"]["event"]["query"] for one in found["set_aside"]["records"]] == [
        "secret-query"
    ]
    assert found["set_aside"]["complete"] is True
    assert found["also_kept"]
    assert "of mine" not in json.dumps(found)
    assert body(desk("export", "desk"))["set_aside"]["records"][0]["record"]["note"]
    enter(desk.objects, SITE, "v:aside", 10, 20)
    assert "secret-query" not in desk("export", "aside")["body"]


def test_head_asks_for_an_export_as_get_does(desk: Desk) -> None:
    desk.remember(*acts("v:phone", ["p1"]))
    payload = event("account", "export")
    payload["routeKey"] = "HEAD /v1/me"
    payload["requestContext"]["http"]["method"] = "HEAD"
    payload["cookies"] = [f"hem_v={sign_visitor('phone', KEYS)}"]
    head, get = desk.app.handler(payload, None), desk("export", "phone")
    assert (head["statusCode"], head["headers"]) == (get["statusCode"], get["headers"])
