"""A preview through the function: as somebody else, explained, private, and nothing of it counts."""

import json
import os
import sys
import time
from typing import Any

import pytest

from hemline.decide.page import PageRequest
from hemline.learn.profile.fold import Profile, encode, fold
from hemline.model.decision import PageContext, Traits
from hemline.model.signed import sign
from hemline.runtime.fragments.preview import HEADER, Pass, as_held, mint
from tests.builders.editions import KEYS, SITE
from tests.builders.template import resources
from tests.functions.test_fragments import Handler, Stack, body, call, handler, stack
from tests.harness.deciding import acts
from tests.harness.functions import ROOT, event
from workbench import children

pytestmark = pytest.mark.cloud
__all__ = ["handler", "stack"]

SOON = time.time_ns() // 1_000_000 + 600_000


def preview(handler: Handler, scenario: str, query: str = "", **whom: Any) -> dict[str, Any]:
    payload = event("fragments", scenario)
    payload["headers"]["hemline-preview"] = mint(Pass(SOON, **whom), KEYS)
    payload["rawQueryString"] = "&".join(filter(None, (payload.get("rawQueryString"), query)))
    return handler(payload, None)


def test_a_preview_is_what_that_visitor_would_get_but_counts_nowhere(handler: Handler) -> None:
    answer = preview(handler, "slot-json", visitor="ann")
    fragment = body(answer)["fragments"]["for-you"]
    real = body(call(handler, "slot-json", visitor="ann"))["fragments"]["for-you"]
    assert (fragment["items"], fragment["rung"]) == (real["items"], "model")
    assert (fragment["token"], bool(real["token"])) == ("", True)
    assert answer["headers"]["Cache-Control"] == "private, no-store"
    assert "ETag" not in answer["headers"]


@pytest.mark.parametrize("scenario", ["slot-json", "page"])
def test_explain_tells_how_each_slot_came_about(handler: Handler, scenario: str) -> None:
    found = body(preview(handler, scenario, "explain=1", visitor="ann"))
    assert found["explain"].keys() == found["fragments"].keys()
    told = found["explain"]["for-you"]
    shown = [item["id"] for item in found["fragments"]["for-you"]["items"]]
    assert told["items"]["shown"] == shown
    assert {"name", "scope", "value"} <= told["facts"][0].keys()


def test_a_segment_is_previewed_by_its_traits(handler: Handler) -> None:
    found = body(preview(handler, "slot-json", "explain=1", country="DE", device="tablet"))
    facts = {fact["name"]: fact["value"] for fact in found["explain"]["for-you"]["facts"]}
    assert (facts["trait.country"], facts["trait.device"]) == ("DE", "tablet")


def test_a_place_and_a_time_are_stated_and_the_rest_of_another_country_is_unknown() -> None:
    asked = PageRequest(
        PageContext(), Traits("GB", "mobile", "en", "ENG", "London", 51.5, -0.1), (), "json"
    )
    near = as_held(asked, Pass(SOON, latitude=0.0, time_zone="Europe/Paris"))
    assert (near.traits.country, near.traits.latitude, near.traits.longitude) == ("GB", 0.0, -0.1)
    far = as_held(asked, Pass(SOON, country="DE", region="BE"))
    assert far.traits == Traits("DE", "mobile", "en", "BE")


def test_a_user_is_previewed_as_that_user_and_not_as_a_stranger(
    stack: Stack, handler: Handler
) -> None:
    bob = acts("u:bob", ["i2", "i6", "i10"])
    stack.table.write_profile(SITE, "u:bob", encode(fold(Profile(), bob)), expected=0)
    found = body(preview(handler, "slot-json", visitor="u:bob"))["fragments"]["for-you"]
    assert found["rung"] == "model"
    stranger = body(preview(handler, "slot-json", visitor="v:u:bob"))["fragments"]["for-you"]
    assert stranger["rung"] != "model"


def test_html_is_answered_as_html(handler: Handler) -> None:
    answer = preview(handler, "slot-html")
    assert answer["headers"]["Content-Type"] == "text/html; charset=utf-8"
    assert answer["headers"]["Cache-Control"] == "private, no-store"
    assert 'data-hem-token=""' in answer["body"]
    real = call(handler, "slot-html")["body"]
    assert answer["body"].partition(">")[2] == real.partition(">")[2]


def test_a_page_of_another_origin_may_send_the_header() -> None:
    (api,) = (one for one in resources().values() if one["Type"] == "AWS::Serverless::HttpApi")
    assert HEADER in api["Properties"]["CorsConfiguration"]["AllowHeaders"]


def test_even_a_public_slot_is_private_as_a_preview(handler: Handler) -> None:
    answer = preview(handler, "slot-html", "explain=1")
    assert answer["headers"]["Cache-Control"] == "private, no-store"
    assert json.loads(answer["body"])["explain"]


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ("", "for holders of a preview header"),
        ("e30.AAAA", "not one of ours"),
        (mint(Pass(1), KEYS), "has ended"),
        (mint(Pass(SOON), (b"another key, just as long",)), "not one of ours"),
        (sign("preview", b"[]", KEYS[0]), "of another version"),
        (sign("visitor", b'{"until":9999999999999}', KEYS[0]), "not one of ours"),
    ],
    # A header says until when it holds: named by it, the test would have another name each time.
    ids=["none", "forged", "ended", "other key", "other version", "other purpose"],
)
def test_without_a_header_of_ours_nothing_is_explained(
    handler: Handler, header: str, why: str
) -> None:
    payload = event("fragments", "slot-json")
    payload["headers"]["hemline-preview"] = header
    payload["rawQueryString"] = "explain=1"
    answer = handler(payload, None)
    assert answer["statusCode"] == 401
    assert why in body(answer)["detail"]
    assert answer["headers"]["Cache-Control"] == "private, no-store"


def test_nothing_of_explanations_is_loaded_at_start() -> None:
    script = "import sys, app; print('\\n'.join(sys.modules))"
    environment = {**os.environ, "HEMLINE_KEYS": "a secret that is long enough"}
    done = children.run(
        [sys.executable, "-c", script],
        cwd=ROOT / "functions/fragments",
        env={**environment, "AWS_ENDPOINT_URL": "http://127.0.0.1:1"},
        capture=True,
        text=True,
        timeout=60,
        check=True,
    )
    loaded = set(done.stdout.split())
    assert "hemline.decide.token" in loaded
    assert not {name for name in loaded if name.endswith((".trace", ".explain", ".preview"))}
