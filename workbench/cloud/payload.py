"""Translates HTTP to Lambda events and back, as an HTTP API of API Gateway does (payload format 2.0).

Pure: values in, values out; no sockets.
"""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote

from workbench.cloud.template import ACCOUNT, Route

API_ID = "hemline"
_TEXT = ("text/", "application/json", "application/javascript", "application/xml")
_TEXT_SUFFIXES = ("+json", "+xml")


class GatewayRequest(NamedTuple):
    """One HTTP request as received. Header names keep their case, order and repeats."""

    method: str
    path: str
    """As sent: percent-encoded."""
    query: str
    headers: Sequence[tuple[str, str]]
    body: bytes
    source_ip: str
    protocol: str
    """`HTTP/1.1`."""


class Arrival(NamedTuple):
    """What the gateway adds to a request."""

    id: str
    """The request id."""
    time: datetime
    """When it arrived; with a time zone."""


class Response(NamedTuple):
    """One HTTP response to send."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class BadResponse(Exception):  # noqa: N818 - API Gateway's own term is "malformed"
    """The function returned something that is not an HTTP response; API Gateway answers 500."""


def event(
    request: GatewayRequest,
    route: Route,
    path_parameters: Mapping[str, str],
    arrival: Arrival,
) -> dict[str, object]:
    """The payload 2.0 event of a request; empty keys are absent, as on AWS."""
    headers = joined(request.headers)
    cookies = [c.strip() for c in headers.pop("cookie", "").split(";") if c.strip()]
    body, encoded = body_text(request.body, headers.get("content-type", ""))
    query = query_parameters(request.query)
    optional = {
        "cookies": cookies,
        "queryStringParameters": query,
        "pathParameters": dict(path_parameters),
        "body": body,
    }
    return {
        "version": "2.0",
        "routeKey": route.key,
        "rawPath": unquote(request.path),
        "rawQueryString": request.query,
        "headers": headers,
        "requestContext": _context(request, route, headers, arrival),
        "isBase64Encoded": encoded,
        **{key: value for key, value in optional.items() if value},
    }


def joined(headers: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Lower-case names; repeats joined by a comma (cookies by a semicolon, as HTTP/2 does)."""
    found: dict[str, str] = {}
    for name, value in headers:
        key = name.lower()
        glue = "; " if key == "cookie" else ","
        found[key] = f"{found[key]}{glue}{value}" if key in found else value
    return found


def query_parameters(query: str) -> dict[str, str]:
    """Decoded; repeats joined by a comma."""
    found: dict[str, str] = {}
    for key, value in parse_qsl(query, keep_blank_values=True):
        found[key] = f"{found[key]},{value}" if key in found else value
    return found


def body_text(body: bytes, content_type: str) -> tuple[str, bool]:
    """The body as the event carries it, and whether that is base64."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind.startswith(_TEXT) or kind.endswith(_TEXT_SUFFIXES):
        try:
            return body.decode(), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(body).decode(), bool(body)


def response(payload: bytes) -> Response:
    """The HTTP response for a function's return value. Raises BadResponse."""
    try:
        value = json.loads(payload)
    except ValueError:
        raise BadResponse("no JSON") from None
    if not isinstance(value, dict) or "statusCode" not in value:
        # API Gateway treats a value without a status as the body of a 200.
        return Response(200, [("content-type", "application/json")], payload)
    return Response(_status(value["statusCode"]), _headers(value), _body(value))


_WAYS_OUT = {
    404: (
        "No route has this path and method.",
        "See docs/openapi.json for the routes.",
    ),
    413: (
        "The body is larger than a function accepts: 6 MB, and less in base64.",
        "Send it in parts.",
    ),
    500: ("The function failed.", "Try again; its log says why."),
    503: ("Too many requests wait already, or the function is too slow.", "Try again in 1 second."),
}


def refusal(status: int) -> Response:
    """One of API Gateway's own error answers, with the texts of `_WAYS_OUT`; caches may not store it.

    `message` is what API Gateway sends; the other fields are ours and say what to do (RFC 9457).
    """
    return _REFUSALS[status]


def _refusal(status: int, detail: str, way_out: str) -> Response:
    phrase = HTTPStatus(status).phrase
    said = {"type": "about:blank", "title": phrase, "status": status, "detail": detail}
    said |= {"way_out": way_out, "message": _MESSAGES.get(status, phrase)}
    headers = [("content-type", "application/problem+json"), ("cache-control", "no-store")]
    if status == 503:
        headers.append(("retry-after", "1"))
    return Response(status, headers, json.dumps(said).encode())


_MESSAGES = {413: "Request Entity Too Large"}
# Built once: under overload a refusal must cost almost nothing.
_REFUSALS = {status: _refusal(status, *words) for status, words in _WAYS_OUT.items()}


def _context(
    request: GatewayRequest, route: Route, headers: Mapping[str, str], arrival: Arrival
) -> dict[str, object]:
    host = headers.get("host", "localhost")
    return {
        "accountId": ACCOUNT,
        "apiId": API_ID,
        "domainName": host,
        "domainPrefix": host.partition(".")[0],
        "http": {
            "method": request.method,
            "path": unquote(request.path),
            "protocol": request.protocol,
            "sourceIp": request.source_ip,
            "userAgent": headers.get("user-agent", ""),
        },
        "requestId": arrival.id,
        "routeKey": route.key,
        "stage": "$default",
        "time": arrival.time.astimezone(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": int(arrival.time.timestamp() * 1000),
    }


def _status(value: object) -> int:
    try:
        status = int(str(value))
    except ValueError:
        raise BadResponse(f"statusCode is {value!r}") from None
    if not 100 <= status <= 599:
        raise BadResponse(f"statusCode is {value!r}")
    return status


def _headers(value: dict[str, object]) -> list[tuple[str, str]]:
    headers, cookies = value.get("headers") or {}, value.get("cookies") or []
    if not isinstance(headers, dict) or not isinstance(cookies, list):
        raise BadResponse("headers must be an object and cookies an array")
    found = [(str(k).lower(), _text(v)) for k, v in headers.items()]
    if not any(name == "content-type" for name, _ in found):
        found.append(("content-type", "text/plain; charset=utf-8"))
    return [*found, *(("set-cookie", _text(c)) for c in cookies)]


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise BadResponse(f"a header is {value!r}")


def _body(value: dict[str, object]) -> bytes:
    body = value.get("body")
    if body is None:
        return b""
    text = body if isinstance(body, str) else json.dumps(body)
    if not value.get("isBase64Encoded"):
        return text.encode(errors="replace")
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise BadResponse("the body is not base64") from None
