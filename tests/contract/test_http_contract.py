"""The HTTP contract against whoever calls: no answer leaves the published document, none is a 5xx.

Generated requests, hostile and honest, go through the gateway's translation into the real handlers;
what comes back is held to docs/openapi.json.
"""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import jsonschema
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hemline.model.decision import Rung
from hemline.model.site.slot import Slot, Variant
from hemline.runtime.identity import sign_visitor
from hemline.usecases.serving.decide_page import Deps
from tests.builders.editions import KEYS, SITE, ScoreByPrice, build, catalogue
from tests.harness.deciding import acts, live, table_with
from tests.harness.http_functions import Door, header
from workbench.cloud.payload import Response
from workbench.contracts import openapi

SLOTS = (
    Slot("hero", kind="content", variants=(Variant("any", {"headline": "<Any>"}),)),
    Slot("for-you"),
    Slot("shelf", personal=False, sources=("category", "popular")),
    Slot("order", kind="layout", sections=("c1", "c0")),
)
ANN = acts("v:ann", ["i1", "i5", "i9"])
EDITION = build(catalogue(24), SLOTS, history=ANN)
DOCUMENT = openapi.document()
DERIVED = ("cache-control", "hemline-rung", "hemline-scope", "hemline-edition", "server-timing")
Request = tuple[str, str, dict[str, str], bytes]


@pytest.fixture(scope="module")
def door() -> Iterator[Door]:
    with pytest.MonkeyPatch.context() as patch:
        deps = Deps(SITE, table_with(ANN), live(EDITION, ScoreByPrice()), KEYS, 0.05)
        yield Door(deps, patch)


def validator(name: str) -> jsonschema.Draft202012Validator:
    schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    return jsonschema.Draft202012Validator(schema)


PAGE_BODY = validator("PageBody")


def operation(method: str, path: str) -> dict[str, Any]:
    one = path if path in {"/v1/events", "/v1/fragments"} else "/v1/fragments/{slot}"
    found: dict[str, Any] = DOCUMENT["paths"][one][method.lower()]
    return found


def check(method: str, target: str, answer: Response) -> None:
    """Status, media type, body and headers are among those that the document gives this route."""
    path = target.partition("?")[0]
    stated = operation(method, path)["responses"].get(str(answer.status))
    assert stated is not None, f"{answer.status} is not in the contract"
    if answer.status != 304:
        kind = header(answer, "content-type").partition(";")[0]
        assert kind in stated["content"], kind
        if kind.endswith("json"):
            schema = stated["content"][kind]["schema"]["$ref"].rpartition("/")[2]
            validator(schema).validate(json.loads(answer.body))
    if answer.status >= 400 or path == "/v1/events":
        assert header(answer, "cache-control") == "private, no-store"
    elif "fragments" in path:
        assert all(header(answer, name) for name in DERIVED)
        assert not header(answer, "set-cookie"), "a fragment never sets a cookie"
    if answer.status >= 400:
        found = json.loads(answer.body)
        assert found["status"] == answer.status
        assert found.get("field") or answer.status == 401
        assert len(answer.body) < 2000 or "rejected" in found, "it repeats what was sent"


TEXTS = st.one_of(
    st.sampled_from(
        ["", "i1", "c1", "0", "-1", "1e3", "51", "a b", "a,b", "*", "\x00", "../x", "ü"]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.integers(1, 200).map("x".__mul__),
)
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
HEADERS = st.dictionaries(
    st.sampled_from(
        [
            "cookie",
            "hemline-visitor",
            "hemline-signature",
            "sec-gpc",
            "accept-language",
            "cloudfront-viewer-country",
            "cloudfront-is-mobile-viewer",
            "if-none-match",
            "content-type",
            "x-forwarded-proto",
            "host",
        ]
    ),
    TEXTS
    | st.sampled_from(
        [
            f"hem_v={sign_visitor('ann', KEYS)}; hem_c=forged.x",
            "hem_v=..; hem_v=a; hem_c=" + "A" * 2000,
            f"t=1,v1={'0' * 64}",
            "application/json",
            "multipart/form-data",
            "de-AT,en;q=0.5",
            "\udcff\udcfe",
        ]
    ),
    max_size=5,
)


def percent(text: str) -> str:
    return quote(text, safe="")


QUERIES = st.lists(
    st.tuples(
        st.sampled_from(["format", "limit", "page", "item", "category", "exclude", "x", "%ff"]),
        TEXTS.map(percent) | st.sampled_from(["%", "%zz", "%ff", "%ED%A0%80", "html", "7"]),
    ).map("=".join),
    max_size=6,
).map("&".join)
PATHS = st.sampled_from([slot.name for slot in SLOTS]) | TEXTS.filter(bool).map(percent)


@st.composite
def page_bodies(draw: st.DrawFn) -> Any:
    """Bodies that are right, nearly right, or junk in one place."""
    names = st.sampled_from([*(slot.name for slot in SLOTS), "nowhere"])
    ids = st.lists(st.sampled_from(["i1", "i2", "a b", ""]) | JUNK, max_size=3) | JUNK
    slot = st.fixed_dictionaries(
        {"name": names},
        optional={
            "limit": st.integers(-1, 60) | st.none() | JUNK,
            "candidates": ids,
            "exclude": ids,
            "limt": JUNK,
        },
    )
    page = st.fixed_dictionaries(
        {},
        optional={
            "type": TEXTS,
            "url": TEXTS | JUNK,
            "item": TEXTS | st.none(),
            "category": TEXTS | st.none(),
            "cart": ids,
        },
    )
    return draw(
        st.fixed_dictionaries(
            {"slots": st.lists(slot, max_size=3) | JUNK},
            optional={
                "page": page | JUNK,
                "format": st.sampled_from(["json", "html", "xml", None]),
                "x": JUNK,
            },
        )
        | JUNK
    )


DEEP = b"[" * 100_000 + b"]" * 100_000
BODIES = (
    page_bodies().map(json.dumps).map(str.encode)
    | st.binary(max_size=60)
    | st.sampled_from(
        [
            DEEP,
            b'{"slots":[{"name":"hero","x":' + DEEP[70_000:130_000] + b"}]}",
            b'{"slots":[{"name":"hero","limit":' + b"9" * 5000 + b"}]}",
            b'{"slots":[{"name":"hero","limit":' + b"9" * 4000 + b"}]}",
            b'{"slots":[{"name":"hero","limit":NaN}]}',
            b'{"slots":[{"name":"\\ud800"}]}',
            b'{"slots":[{"name":"\xed\xa0\x80"}]}',
            b'{"slots":[{"name":"' + b"x" * 60_000 + b'"}]}',
            b'{"slots":[{"name":"none"}],"slots":[{"name":"hero","name":"for-you"}]}',
            b"x" * 1_000_000,
        ]
    )
)
EVENTS = st.one_of(
    st.lists(
        st.fixed_dictionaries(
            {"id": TEXTS | JUNK, "type": st.sampled_from(["view", "item", "purchase", "x"])},
            optional={
                "item": TEXTS,
                "value": JUNK,
                "lines": JUNK,
                "time": JUNK,
                "properties": JUNK,
            },
        ),
        max_size=4,
    ).map(lambda events: json.dumps({"events": events}).encode()),
    BODIES,
    st.sampled_from(
        [
            b'{"events":[{"id":"a","type":"view","item":"x","value":' + b"9" * 5000 + b"}]}",
            b'{"events":[{"id":"a","type":"custom","properties":{"a":'
            + DEEP[95_000:105_000]
            + b"}}]}",
            b'{"events":[{"id":"\\ud800","type":"view","item":"x"}]}',
            json.dumps({"events": [{"id": str(n)} for n in range(501)]}).encode(),
        ]
    ),
)


@given(PATHS, QUERIES, HEADERS)
@example("for-you", "exclude=" + ",".join(f"i{n}" for n in range(10_000)), {})
@example("for-you", "&".join(f"a{n}=1" for n in range(60)), {})
@example("x" * 7000, "", {})
def test_whatever_a_get_asks_the_answer_is_in_the_contract(
    door: Door, path: str, query: str, headers: dict[str, str]
) -> None:
    target = f"/v1/fragments/{path}?{query}"
    check("GET", target, door.ask("GET", target, headers))


@given(BODIES, HEADERS)
def test_whatever_a_page_asks_the_answer_is_in_the_contract(
    door: Door, body: bytes, headers: dict[str, str]
) -> None:
    check("POST", "/v1/fragments", door.ask("POST", "/v1/fragments", headers, body))


@given(EVENTS, HEADERS)
def test_whatever_is_told_the_answer_is_in_the_contract_and_counts_every_event(
    door: Door, body: bytes, headers: dict[str, str]
) -> None:
    before = len(door.stream.entries)
    answer = door.ask("POST", "/v1/events", headers, body)
    check("POST", "/v1/events", answer)
    found = json.loads(answer.body)
    assert len(door.stream.entries) - before == found.get("accepted", 0)
    if "rejected" in found:
        sent = json.loads(
            body, parse_int=float
        )  # an int of 5,000 digits is refused by Python itself
        events = sent.get("events", [sent])
        assert found["accepted"] + len(found["rejected"]) == len(events)


@given(page_bodies())
def test_a_body_is_taken_exactly_when_the_published_schema_takes_it(door: Door, body: Any) -> None:
    answer = door.ask("POST", "/v1/fragments", {}, json.dumps(body).encode())
    names = [want["name"] for want in body["slots"]] if PAGE_BODY.is_valid(body) else []
    if not names or len(set(names)) < len(names):
        assert answer.status == 400
    else:
        assert answer.status == (404 if "nowhere" in names else 200)


@given(page_bodies())
def test_a_body_that_claims_to_be_base64_and_is_not_is_a_callers_mistake(
    door: Door, body: Any
) -> None:
    event = {
        "routeKey": "PUT /v1/me/consent",
        "requestContext": {"http": {"method": "POST"}},
        "body": json.dumps(body) + "§",
        "isBase64Encoded": True,
    }
    for app in door.apps.values():
        assert app.handler(event, None)["statusCode"] == 400


def test_the_check_sees_an_answer_that_is_not_in_the_contract(door: Door) -> None:
    answer = door.ask("GET", "/v1/fragments/hero")
    check("GET", "/v1/fragments/hero", answer)
    document = json.loads(answer.body)
    document["fragments"]["hero"]["rung"] = "guess"
    assert "guess" not in {rung.value for rung in Rung}
    spoiled = [
        answer._replace(status=500),
        answer._replace(status=302),
        answer._replace(body=json.dumps(document).encode()),
        answer._replace(headers=[h for h in answer.headers if h[0] != "hemline-scope"]),
        answer._replace(headers=[*answer.headers, ("set-cookie", "a=b")]),
    ]
    for bad in spoiled:
        with pytest.raises((AssertionError, jsonschema.ValidationError)):
            check("GET", "/v1/fragments/hero", bad)
