"""HTTP ↔ Lambda translation, case by case, as API Gateway documents payload format 2.0."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.cloud.payload import (
    Arrival,
    BadResponse,
    GatewayRequest,
    body_text,
    event,
    joined,
    query_parameters,
    response,
)
from workbench.cloud.template import Route

ROUTE = Route("GET", "/v1/fragments/{slot}", "FragmentsFunction")
ARRIVAL = Arrival("id-1", datetime(2026, 3, 12, 19, 3, 58, 123000, UTC))


def made(**changes: Any) -> dict[str, Any]:
    plain = GatewayRequest(
        "GET", "/v1/fragments/hero", "", [("Host", "shop")], b"", "127.0.0.1", "HTTP/1.1"
    )
    return event(plain._replace(**changes), ROUTE, {"slot": "hero"}, ARRIVAL)


def test_a_plain_request_has_the_keys_that_aws_sends_and_no_others() -> None:
    assert made() == {
        "version": "2.0",
        "routeKey": "GET /v1/fragments/{slot}",
        "rawPath": "/v1/fragments/hero",
        "rawQueryString": "",
        "headers": {"host": "shop"},
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "hemline",
            "domainName": "shop",
            "domainPrefix": "shop",
            "http": {
                "method": "GET",
                "path": "/v1/fragments/hero",
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "",
            },
            "requestId": "id-1",
            "routeKey": "GET /v1/fragments/{slot}",
            "stage": "$default",
            "time": "12/Mar/2026:19:03:58 +0000",
            "timeEpoch": 1773342238123,
        },
        "isBase64Encoded": False,
        "pathParameters": {"slot": "hero"},
    }


def test_cookies_leave_the_headers_and_become_an_array() -> None:
    found = made(headers=[("Cookie", "hem_v=a.b; other=1"), ("cookie", "hem_c=c.d")])
    assert found["cookies"] == ["hem_v=a.b", "other=1", "hem_c=c.d"]
    assert "cookie" not in found["headers"]


def test_repeated_headers_are_joined_by_a_comma_under_one_lower_case_name() -> None:
    assert joined([("Accept", "a"), ("X-One", "1"), ("accept", "b")]) == {
        "accept": "a,b",
        "x-one": "1",
    }


@pytest.mark.parametrize(
    ("query", "parameters"),
    [
        ("limit=3", {"limit": "3"}),
        ("exclude=a&exclude=b", {"exclude": "a,b"}),
        ("a=&b", {"a": "", "b": ""}),
        ("q=caf%C3%A9+au+lait", {"q": "café au lait"}),
    ],
)
def test_query_is_decoded_and_repeats_are_joined(query: str, parameters: dict[str, str]) -> None:
    assert query_parameters(query) == parameters
    assert made(query=query)["rawQueryString"] == query


@pytest.mark.parametrize(
    ("content_type", "body", "text", "encoded"),
    [
        ("application/json", b'{"a":1}', '{"a":1}', False),
        ("application/json; charset=utf-8", "é".encode(), "é", False),
        ("application/problem+json", b"{}", "{}", False),
        ("text/plain;charset=UTF-8", b"hi", "hi", False),
        ("application/x-www-form-urlencoded", b"a=1", "YT0x", True),
        ("application/octet-stream", b"\x00\xff", "AP8=", True),
        ("", b"hi", "aGk=", True),
        ("application/json", b"\xff\xfe", "//4=", True),
        ("application/json", b"", "", False),
    ],
)
def test_body_is_text_when_its_type_says_so_and_base64_otherwise(
    content_type: str, body: bytes, text: str, *, encoded: bool
) -> None:
    assert body_text(body, content_type) == (text, encoded)


def test_path_is_decoded() -> None:
    assert made(path="/v1/fragments/caf%C3%A9")["rawPath"] == "/v1/fragments/café"


@given(
    st.binary(max_size=200), st.sampled_from(["text/plain", "application/json", "", "image/png"])
)
def test_no_byte_of_a_body_is_lost_on_the_way_in(body: bytes, content_type: str) -> None:
    text, encoded = body_text(body, content_type)
    assert (base64.b64decode(text) if encoded else text.encode()) == body


@pytest.mark.parametrize(
    ("value", "status", "headers", "body"),
    [
        # A status makes it a response.
        ({"statusCode": 204}, 204, {"content-type": "text/plain; charset=utf-8"}, b""),
        ({"statusCode": "201", "body": "x"}, 201, {}, b"x"),
        ({"statusCode": 200, "headers": {"ETag": '"a"'}}, 200, {"etag": '"a"'}, b""),
        (
            {"statusCode": 200, "headers": {"X-N": 3, "X-B": True}},
            200,
            {"x-n": "3", "x-b": "true"},
            b"",
        ),
        ({"statusCode": 200, "body": "aGk=", "isBase64Encoded": True}, 200, {}, b"hi"),
        ({"statusCode": 200, "headers": None, "cookies": None, "body": None}, 200, {}, b""),
        # Anything without one is itself the body.
        ({"ok": 1}, 200, {"content-type": "application/json"}, b'{"ok": 1}'),
        ("hello", 200, {"content-type": "application/json"}, b'"hello"'),
        (None, 200, {"content-type": "application/json"}, b"null"),
    ],
)
def test_return_value_becomes_a_response(
    value: object, status: int, headers: dict[str, str], body: bytes
) -> None:
    found = response(json.dumps(value).encode())
    assert (found.status, found.body) == (status, body)
    assert headers.items() <= dict(found.headers).items()


def test_each_cookie_of_a_response_is_a_header_of_its_own() -> None:
    found = response(b'{"statusCode": 200, "cookies": ["a=1; Path=/", "b=2"]}')
    assert [v for k, v in found.headers if k == "set-cookie"] == ["a=1; Path=/", "b=2"]


@pytest.mark.parametrize(
    "value",
    [
        {"statusCode": "ok"},
        {"statusCode": 99},
        {"statusCode": None},
        {"statusCode": 200, "headers": ["a"]},
        {"statusCode": 200, "headers": {"a": {}}},
        {"statusCode": 200, "cookies": "a=1"},
        {"statusCode": 200, "body": "no base64!", "isBase64Encoded": True},
    ],
)
def test_malformed_responses_are_refused(value: object) -> None:
    with pytest.raises(BadResponse):
        response(json.dumps(value).encode())


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(BadResponse):
        response(b"Task timed out")
