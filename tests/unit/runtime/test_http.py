"""HTTP in and out: what API Gateway sends becomes a Request, errors become problem+json."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemline.model.errors import (
    BadInput,
    Encoded,
    NotAllowed,
    NotDurable,
    Refused,
    Unavailable,
    UnknownSlot,
)
from hemline.model.signed import sign, verify
from hemline.runtime.http import HttpRequest, HttpResponse, problem
from hemline.runtime.identity import sign_visitor, visitor_of
from hemline.runtime.settings import load

KEYS = (b"a secret that is long enough",)
ENVIRONMENT = {"HEMLINE_KEYS": "a secret that is long enough"}


def test_a_query_keeps_every_value_and_decodes() -> None:
    request = HttpRequest({"rawQueryString": "a=1&a=2&b=x%2Cy&c="})
    assert [list(request.parameters(name)) for name in "abcd"] == [["1", "2"], ["x,y"], [""], []]
    assert [request.parameter(name) for name in "bcd"] == ["x,y", "", None]


def test_a_parameter_of_two_values_is_neither_of_them() -> None:
    with pytest.raises(BadInput, match="a: stands 2 times in the query") as found:
        HttpRequest({"rawQueryString": "a=1&b=2&a=%31x"}).parameter("a")
    assert problem(found.value).status == 400


def test_a_parameter_that_says_the_same_again_is_taken() -> None:
    assert HttpRequest({"rawQueryString": "a=1&a=%31"}).parameter("a") == "1"


def test_a_query_of_many_parameters_is_refused_with_the_way_out() -> None:
    with pytest.raises(BadInput, match="more than 50 parameters"):
        HttpRequest({"rawQueryString": "&".join(f"a{i}=1" for i in range(60))}).parameter("a")


def test_a_body_that_claims_base64_and_is_not_is_refused() -> None:
    with pytest.raises(BadInput, match="base64"):
        HttpRequest({"body": "§§", "isBase64Encoded": True}).body()


@pytest.mark.parametrize("encoding", ["gzip", " GZIP ", "br, gzip", "x" * 500])
def test_a_compressed_body_is_refused_with_the_way_out(encoding: str) -> None:
    with pytest.raises(Encoded, match="without that header") as raised:
        HttpRequest({"body": "e30=", "headers": {"content-encoding": encoding}}).body()
    answer = problem(raised.value)
    assert (answer.status, json.loads(answer.body)["field"]) == (415, "body")
    assert len(answer.body) < 400


@pytest.mark.parametrize("encoding", ["", "identity", "Identity", "identity,identity"])
def test_a_body_that_is_as_it_is_is_taken(encoding: str) -> None:
    assert HttpRequest({"body": "{}", "headers": {"content-encoding": encoding}}).body() == b"{}"


def test_every_value_of_a_cookie_is_there_without_quotes_and_empty_ones() -> None:
    cookies = ["hem_v=", "hem_v=a", ' hem_v = "b" ', "hem_v=a", 'hem_c=""', "x=1=2", 'y="']
    assert HttpRequest({"cookies": cookies}).cookies == {
        "hem_v": ("a", "b"),
        "x": ("1=2",),
        "y": ('"',),
    }


def test_every_value_of_a_header_is_there_that_came_twice() -> None:
    asked = HttpRequest({"headers": {"sec-gpc": '1,, "0" ', "dnt": ""}})
    assert asked.listed("sec-gpc") == ("1", "0")
    assert asked.listed("dnt") == asked.listed("hemline-visitor") == ()


@pytest.mark.parametrize("kind", ["application/json", "application/problem+json"])
def test_no_json_answer_holds_markup_and_it_says_the_same(kind: str) -> None:
    said = {"<b>&amp;</b>": "<esi:include src='/x'/>", "n": 1, "e": "\\u003c & \u2028"}
    plain = msgspec.json.encode(said)
    assert b"<esi" in plain, "or nothing is shown by this test"
    body = HttpResponse(200, plain, {"Content-Type": kind}).to_payload()["body"]
    assert not set("<>&") & set(body)
    assert msgspec.json.decode(body) == said


def test_html_is_left_as_it_is() -> None:
    headers = {"Content-Type": "text/html; charset=utf-8"}
    assert HttpResponse(200, b"<p>&amp;</p>", headers).to_payload()["body"] == "<p>&amp;</p>"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (UnknownSlot("slot", "is not in this edition."), 404),
        (BadInput("events/0", "is not an object."), 400),
        (NotAllowed("no"), 401),
        (NotDurable("stream full", 7), 503),
        (Unavailable("table", "timeout"), 503),
        (Refused("corrupt"), 500),
    ],
)
def test_each_error_has_its_status_and_is_never_cacheable(error: Exception, status: int) -> None:
    answer = problem(error)  # type: ignore[arg-type]  # the table's first column is wider than needed
    assert answer.status == status
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert json.loads(answer.body)["status"] == status


def test_what_is_not_ready_says_when_to_try_again_and_names_nothing_inside() -> None:
    answer = problem(NotDurable("arn:aws:kinesis:secret-name", 7))
    assert answer.headers["Retry-After"] == "7"
    assert b"secret-name" not in answer.body
    assert b"secret-name" not in problem(Refused("s3://secret-name is corrupt")).body


def test_a_signed_visitor_is_recognised_from_cookie_and_header() -> None:
    signed = sign_visitor("abc", KEYS)
    assert visitor_of(HttpRequest({"cookies": [f"hem_v={signed}"]}), KEYS) == "abc"
    assert visitor_of(HttpRequest({"headers": {"hemline-visitor": signed}}), KEYS) == "abc"


def test_a_token_of_another_purpose_is_nobody() -> None:
    other = sign("capsule", b"abc", KEYS[0])
    assert visitor_of(HttpRequest({"cookies": [f"hem_v={other}"]}), KEYS) is None


@given(st.binary(max_size=80), st.integers(0, 10_000), st.integers(1, 127))
def test_any_changed_character_breaks_a_signature(payload: bytes, where: int, shift: int) -> None:
    text = sign("token", payload, KEYS[0])
    at = where % len(text)
    changed = text[:at] + chr((ord(text[at]) + shift) % 128) + text[at + 1 :]
    with pytest.raises(NotAllowed):
        verify("token", changed, KEYS)


def test_the_check_above_can_fail_without_the_canonical_spelling() -> None:
    # 5 bytes leave spare bits in the last base64 character: decoding alone would accept both.
    text = sign("token", b"12345", KEYS[0])
    head, tail = text.split(".")
    twin = head[:-1] + chr(ord(head[-1]) + 1)
    with pytest.raises(NotAllowed):
        verify("token", f"{twin}.{tail}", KEYS)


def test_keys_rotate() -> None:
    old = sign("token", b"x", b"an older secret, long enough")
    assert verify("token", old, (*KEYS, b"an older secret, long enough")) == b"x"


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"HEMLINE_KEYS": "short"}, "HEMLINE_KEYS"),
        ({"HEMLINE_KEYS": ""}, "HEMLINE_KEYS"),
        ({"HEMLINE_SITE": "Not A Site"}, "HEMLINE_SITE"),
        ({"HEMLINE_READ_TIMEOUT_MS": "-1"}, "HEMLINE_READ_TIMEOUT_MS"),
        ({"HEMLINE_CONSENT_DEFAULT": "maybe"}, "HEMLINE_CONSENT_DEFAULT"),
    ],
)
def test_a_wrong_environment_names_the_variable(change: dict[str, str], names: str) -> None:
    with pytest.raises(ValueError, match=names):
        load({**ENVIRONMENT, **change})


def test_the_environment_is_typed() -> None:
    settings = load({**ENVIRONMENT, "HEMLINE_READ_TIMEOUT_MS": "20"})
    assert (settings.read_timeout, settings.endpoint, settings.site) == (0.02, None, "demo")
