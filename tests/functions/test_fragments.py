"""The fragments function on its scenarios, with a real table and bucket of the emulator."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from hemline.adapters.aws.client import connect
from hemline.adapters.aws.dynamodb import DynamoTable
from hemline.adapters.aws.s3 import S3Objects
from hemline.learn.profile import capsule
from hemline.learn.profile.fold import Profile, encode, fold
from hemline.model.edition import Edition, Pointer
from hemline.model.keys import edition_object
from hemline.model.site.slot import Slot, Variant
from hemline.runtime.identity import sign_visitor
from tests.builders.editions import KEYS, NOW, SITE, build_file, catalogue
from tests.builders.rankers import linear
from tests.harness.clouds import REGION, Cloud
from tests.harness.deciding import acts
from tests.harness.functions import environment, event, load

pytestmark = pytest.mark.cloud

PATIENT = 1000
"""Milliseconds, the longest deadline there is: no test depends on how busy the machine is."""
SLOTS = [
    Slot(
        "hero", kind="content", deadline_ms=PATIENT, variants=(Variant("any", {"headline": "Any"}),)
    ),
    Slot("for-you", title="For you", limit=8, deadline_ms=PATIENT),
    Slot("bestsellers", personal=False, sources=("popular",), limit=5, deadline_ms=PATIENT),
    Slot("goes-well-with", sources=("together", "popular"), deadline_ms=PATIENT),
]
HISTORY = acts("v:ann", ["i1", "i5", "i9", "i1"])
Handler = Callable[[dict[str, Any], object], dict[str, Any]]


class Stack:
    """A table and a bucket, and the function that reads them."""

    def __init__(self, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
        self.cloud, self.monkeypatch = cloud, monkeypatch
        self.names = {"table": cloud.make_table(), "bucket": cloud.make_bucket()}
        self.table = DynamoTable(self._connect("dynamodb"), self.names["table"])
        self.objects = S3Objects(self._connect("s3"), self.names["bucket"])

    def _connect(self, service: str) -> Any:
        return connect(service, region=REGION, endpoint=self.cloud.endpoint)

    def publish(self, data: bytes, edition: Edition, expected: str | None = None) -> None:
        self.objects.put(edition_object(SITE, edition.digest), data)
        pointer = Pointer(edition.digest, NOW).signed(SITE, KEYS[0])
        self.table.swap_pointer(SITE, pointer, expected=expected)

    def function(self) -> Any:
        return load("fragments", environment(self.cloud, **self.names), self.monkeypatch)


@pytest.fixture
def stack(emulator: Cloud, monkeypatch: pytest.MonkeyPatch) -> Stack:
    return Stack(emulator, monkeypatch)


@pytest.fixture
def handler(stack: Stack) -> Handler:
    ranker = linear(together=2.0, own_engaged=1.0, category_share=1.0)
    stack.publish(*build_file(catalogue(24), SLOTS, history=HISTORY, ranker=ranker))
    stack.table.write_profile(SITE, "v:ann", encode(fold(Profile(), HISTORY)), expected=0)
    found: Handler = stack.function().handler
    return found


def call(handler: Handler, scenario: str, *, visitor: str = "", **headers: str) -> dict[str, Any]:
    payload = event("fragments", scenario)
    payload["headers"] |= {name.replace("_", "-"): value for name, value in headers.items()}
    if visitor:
        payload["cookies"] = [f"__Host-hem_v={sign_visitor(visitor, KEYS)}"]
    return handler(payload, None)


def body(answer: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer["body"])
    return found


def test_one_slot_as_json(handler: Handler) -> None:
    answer = call(handler, "slot-json")
    fragment = body(answer)["fragments"]["for-you"]
    assert answer["statusCode"] == 200
    assert len(fragment["items"]) == 4
    assert set(fragment["items"][0]) >= {"id", "title", "url", "image", "price", "reason"}
    assert answer["headers"]["Cache-Control"] == "private, no-store"
    assert "cookies" not in answer, "a fragment never sets a cookie: a cache would hand it on"


def test_one_slot_as_html_for_an_include_is_public_and_says_what_to_key_on(
    handler: Handler,
) -> None:
    answer = call(handler, "slot-html")
    assert answer["headers"]["Content-Type"].startswith("text/html")
    assert answer["headers"]["Cache-Control"] == "public, max-age=60"
    assert "CloudFront-Viewer-Country" in answer["headers"]["Vary"]
    assert answer["headers"]["Vary"].endswith(", Origin"), "a page of another origin is told so"
    again = call(handler, "slot-html", if_none_match=answer["headers"]["ETag"])
    assert (again["statusCode"], again["headers"]["Vary"]) == (304, answer["headers"]["Vary"])
    assert 'data-hem-token="' in answer["body"]
    assert answer["body"].count("hem-card__title") == 5


def test_a_page_that_is_drawn_ahead_is_answered_like_any_other_and_counts_nowhere(
    handler: Handler, stack: Stack
) -> None:
    def stored() -> list[Any]:
        table = stack.cloud.boto("dynamodb").scan(TableName=stack.names["table"])["Items"]
        objects = stack.cloud.boto("s3").list_objects_v2(Bucket=stack.names["bucket"])["Contents"]
        return [table, [(one["Key"], one["ETag"]) for one in objects]]

    before = stored()
    answer = call(handler, "page", visitor="ann", sec_purpose="prefetch;prerender")
    assert answer["statusCode"] == 200
    assert list(body(answer)["fragments"]) == ["hero", "for-you", "bestsellers"]
    assert "cookies" not in answer
    assert stored() == before, "only an event counts, and that is sent when somebody looks"


def test_a_whole_page_in_one_call(handler: Handler) -> None:
    answer = call(handler, "page", visitor="ann")
    fragments = body(answer)["fragments"]
    assert list(fragments) == ["hero", "for-you", "bestsellers"]
    assert all("html" in fragment for fragment in fragments.values())
    assert answer["headers"]["Hemline-Scope"] == "visitor"


def test_one_mistyped_slot_costs_the_page_that_slot_alone(handler: Handler) -> None:
    answer = call(handler, "page-mistyped", visitor="ann")
    whole = call(handler, "page", visitor="ann")
    assert answer["statusCode"] == 200
    assert list(body(answer)["fragments"]) == ["hero", "for-you", "bestsellers"]
    (error,) = body(answer)["errors"]
    assert (error["status"], error["field"]) == (404, "slots[1].name")
    assert "for-you" in error["way_out"]
    assert "'for-yuo'" in error["detail"]
    for name in ("Cache-Control", "Hemline-Scope"):
        assert answer["headers"][name] == whole["headers"][name]
    assert "errors" not in body(whole)


def test_the_same_answer_again_is_a_304_with_the_same_headers(handler: Handler) -> None:
    first = call(handler, "slot-html")
    again = call(handler, "slot-html", if_none_match=first["headers"]["ETag"])
    if again["statusCode"] == 200:  # the minute turned between the two calls
        first, again = again, call(handler, "slot-html", if_none_match=again["headers"]["ETag"])
    assert (again["statusCode"], again["body"]) == (304, "")
    assert again["headers"]["Cache-Control"] == first["headers"]["Cache-Control"]


@pytest.mark.parametrize(
    ("scenario", "status", "field"),
    [
        ("unknown-slot", 404, "slot"),
        ("bad-limit", 400, "limit"),
        ("page-malformed", 400, "slots[0].limit"),
        ("page-not-json", 400, "body"),
    ],
)
def test_a_callers_mistake_names_the_field(
    handler: Handler, scenario: str, status: int, field: str
) -> None:
    answer = call(handler, scenario)
    assert (answer["statusCode"], body(answer)["field"]) == (status, field)
    assert answer["headers"]["Content-Type"] == "application/problem+json"
    assert answer["headers"]["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize("scenario", ["opted-out", "forged-visitor"])
def test_whoever_is_not_known_or_does_not_consent_is_not_read(
    handler: Handler, scenario: str, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = call(handler, scenario)
    assert answer["statusCode"] == 200
    assert body(answer)["fragments"]["for-you"]["rung"] == "segment"
    assert "visitor.view is missing" in capsys.readouterr().out


def test_the_capsule_counts_before_the_stream_does(handler: Handler) -> None:
    payload = event("fragments", "slot-json")
    kept = capsule.update(capsule.Capsule("v:new"), acts("v:new", ["i2", "i6"]))
    payload["cookies"] = [
        f"__Host-hem_v={sign_visitor('new', KEYS)}",
        f"__Host-hem_c={capsule.encode(kept, KEYS)}",
    ]
    without = call(handler, "slot-json", visitor="new")
    assert (
        body(without)["fragments"]["for-you"]["items"]
        != body(handler(payload, None))["fragments"]["for-you"]["items"]
    )


def test_somebody_elses_capsule_is_not_read(handler: Handler) -> None:
    payload = event("fragments", "slot-json")
    kept = capsule.update(capsule.Capsule("v:other"), acts("v:other", ["i2", "i6"]))
    payload["cookies"] = [
        f"__Host-hem_v={sign_visitor('new', KEYS)}",
        f"__Host-hem_c={capsule.encode(kept, KEYS)}",
    ]
    without = call(handler, "slot-json", visitor="new")
    assert body(without)["fragments"] == body(handler(payload, None))["fragments"]


def test_with_no_table_bucket_or_edition_the_static_rung_answers(stack: Stack) -> None:
    stack.names = {"table": "never-made", "bucket": "never-made"}
    answer = call(stack.function().handler, "slot-json", visitor="ann")
    assert answer["statusCode"] == 200
    assert body(answer)["fragments"]["for-you"]["rung"] == "static"
    assert answer["headers"]["Cache-Control"] == "private, no-store"


def test_a_warm_function_follows_the_pointer_and_keeps_the_last_good_edition(stack: Stack) -> None:
    first = build_file(catalogue(24), SLOTS, history=HISTORY)
    stack.publish(*first)
    app = stack.function()
    before = body(call(app.handler, "slot-json"))["edition"]
    data, second = build_file(catalogue(12), SLOTS)
    stack.publish(data[:-10], second, expected=first[1].digest)  # cut short on its way
    app.deps.live._looked = None
    assert body(call(app.handler, "slot-json"))["edition"] == before
    third = build_file(catalogue(10), SLOTS)
    stack.publish(*third, expected=second.digest)
    app.deps.live._looked = None
    assert body(call(app.handler, "slot-json"))["edition"] == third[1].digest[:16]


def test_an_unsigned_pointer_loads_nothing(stack: Stack) -> None:
    data, edition = build_file(catalogue(6), SLOTS)
    stack.objects.put(edition_object(SITE, edition.digest), data)
    forged = Pointer(edition.digest, NOW).signed(SITE, b"somebody else's key, long enough")
    stack.table.swap_pointer(SITE, forged, expected=None)
    assert body(call(stack.function().handler, "slot-json"))["edition"] == ""


def test_a_table_that_is_left_alone_is_named_in_the_answer_the_log_and_the_metrics(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.publish(*build_file(catalogue(24), SLOTS, history=HISTORY))
    app = stack.function()
    for _ in range(3):
        app.deps.health.table.failed()
    answer = call(app.handler, "slot-json", visitor="ann")
    assert body(answer)["fragments"]["for-you"]["rung"] == "segment"
    assert answer["headers"]["Hemline-Breakers"] == "table=open"
    assert answer["headers"]["Cache-Control"] == "private, no-store"
    said = capsys.readouterr().out
    assert '"breakers":{"table":"open"}' in said
    assert '"Breaker":"table open"' in said


@pytest.mark.parametrize("scenario", ["slot-json", "slot-html"])
@pytest.mark.parametrize("visitor", ["", "ann"])
def test_head_has_the_headers_of_a_get(handler: Handler, scenario: str, visitor: str) -> None:
    get, payload = call(handler, scenario, visitor=visitor), event("fragments", scenario)
    payload["routeKey"] = "HEAD /v1/fragments/{slot}"
    payload["requestContext"]["http"]["method"] = "HEAD"
    if visitor:
        payload["cookies"] = [f"hem_v={sign_visitor(visitor, KEYS)}"]
    head = handler(payload, None)
    timing = {"Server-Timing"}
    assert {k: v for k, v in head["headers"].items() if k not in timing} == {
        k: v for k, v in get["headers"].items() if k not in timing
    }
    assert head["statusCode"] == get["statusCode"] == 200
    private = "no-store" in head["headers"]["Cache-Control"]
    assert private == ("visitor" in head["headers"]["Hemline-Scope"])
