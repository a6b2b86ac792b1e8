"""The gateway over real sockets, with functions of one line behind it."""

import asyncio
import base64
import gzip
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer

from tests.harness import event_loops
from workbench.cloud import gateway
from workbench.cloud.payload import GatewayRequest
from workbench.cloud.pool import Busy, InvokeResult
from workbench.cloud.template import Stack, load

TEMPLATE = Path(__file__).resolve().parents[4] / "template.yaml"
Function = Callable[[bytes], Awaitable[InvokeResult]]
Client = TestClient[web.Request, web.Application]


@pytest.fixture(scope="module")
def stack() -> Stack:
    return load(TEMPLATE, region="us-east-1", secret="s" * 32, parameters={})


async def echo(payload: bytes) -> InvokeResult:
    event = json.loads(payload)
    body = json.dumps(
        {"route": event["routeKey"], "path": event.get("pathParameters"), "body": event.get("body")}
    )
    return InvokeResult(
        json.dumps(
            {"statusCode": 200, "headers": {"etag": '"x"'}, "cookies": ["a=1", "b=2"], "body": body}
        ).encode()
    )


def asked(
    stack: Stack,
    function: Function,
    use: Callable[[Client], Awaitable[Any]],
    *shop: Any,
    full: Callable[[], bool] | None = None,
) -> Any:
    """What `use` finds with a client of the gateway, and what the gateway said."""
    said: list[str] = []

    async def run() -> Any:
        functions = dict.fromkeys(stack.functions, function)
        rooms = dict.fromkeys(stack.functions, full) if full else None
        app = gateway.application(
            stack, functions, lambda _, line: said.append(line), *shop, full=rooms
        )
        async with TestClient(TestServer(app)) as client:
            return await use(client)

    return event_loops.run(run()), said


def test_every_route_of_the_template_reaches_its_function(stack: Stack) -> None:
    async def use(client: Client) -> list[Any]:
        calls = [
            client.get("/v1/fragments/hero?limit=3"),
            client.delete("/v1/fragments/hero"),
            client.get("/v1/none"),
            client.post("/v1/fragments", json={"slots": []}),
            client.post("/v1/events", data="{}", headers={"content-type": "text/plain"}),
            client.post("/v1/identify"),
            client.get("/v1/me"),
            client.put("/v1/me/consent", json={"purposes": {}}),
            client.delete("/v1/me"),
        ]
        return [await (await call).json(content_type=None) for call in calls]

    found, _ = asked(stack, echo, use)
    assert [f["route"] for f in found] == [
        "GET /v1/fragments/{slot}",
        "$default",
        "$default",
        "POST /v1/fragments",
        "POST /v1/events",
        "POST /v1/identify",
        "GET /v1/me",
        "PUT /v1/me/consent",
        "DELETE /v1/me",
    ]
    assert found[0]["path"] == {"slot": "hero"}
    assert found[4]["body"] == "{}"
    reached = {route.key for route in stack.routes if route.method != "HEAD"}
    assert {f["route"] for f in found} == reached, "a new route needs a line here"


def test_headers_and_cookies_of_an_answer_arrive(stack: Stack) -> None:
    async def use(client: Client) -> ClientResponse:
        return await client.get("/v1/fragments/hero")

    found, _ = asked(stack, echo, use)
    assert found.headers["ETag"] == '"x"'
    assert found.headers.getall("Set-Cookie") == ["a=1", "b=2"]


async def fails(_: bytes) -> InvokeResult:
    return InvokeResult(b"{}", "ValueError: bad")


async def is_busy(_: bytes) -> InvokeResult:
    raise Busy("FragmentsFunction")


async def talks_nonsense(_: bytes) -> InvokeResult:
    return InvokeResult(b'{"statusCode": "nonsense"}')


@pytest.mark.parametrize(
    ("function", "status", "message"),
    [
        (fails, 500, "Internal Server Error"),
        (talks_nonsense, 500, "Internal Server Error"),
        (is_busy, 503, "Service Unavailable"),
    ],
)
def test_a_broken_function_is_answered_for_as_api_gateway_does(
    stack: Stack, function: Function, status: int, message: str
) -> None:
    async def use(client: Client) -> ClientResponse:
        got = await client.get("/v1/fragments/hero")
        await got.read()
        return got

    found, said = asked(stack, function, use)
    assert found.status == status
    assert is_own(found, status)["message"] == message
    assert found.headers.get("Retry-After") == ("1" if status == 503 else None)
    assert said, "the developer is told why"


def is_own(got: ClientResponse, status: int) -> Any:
    """One of the gateway's own answers: a problem that no cache may keep; its document."""
    assert got.headers["Cache-Control"] == "no-store"
    assert got.content_type == "application/problem+json"
    document = json.loads(got._body or b"null")
    assert document["status"] == status
    assert document["way_out"]
    return document


def test_a_function_that_never_answers_is_answered_for_in_time(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "_INTEGRATION_SECONDS", 0.05)

    async def hangs(_: bytes) -> InvokeResult:
        await asyncio.Event().wait()
        raise AssertionError

    async def use(client: Client) -> int:
        return (await client.get("/v1/fragments/hero")).status

    assert asked(stack, hangs, use)[0] == 503


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/none"), ("DELETE", "/v1/events"), ("GET", "/v1/events"), ("HEAD", "/v1/none")],
)
def test_what_no_route_names_is_not_found_and_no_cache_keeps_that(
    stack: Stack, method: str, path: str
) -> None:
    """A stack without a route for the rest, as the naive one of the benchmarks."""
    routes = tuple(route for route in stack.routes if route.path)

    async def use(client: Client) -> ClientResponse:
        got = await client.request(method, path)
        await got.read()
        return got

    found, _ = asked(stack._replace(routes=routes), echo, use)
    assert (found.status, found.headers["Cache-Control"]) == (404, "no-store")
    if method != "HEAD":
        is_own(found, 404)


def test_a_page_of_an_allowed_origin_gets_its_preflight_and_another_does_not(stack: Stack) -> None:
    async def ask(client: Client, origin: str) -> Any:
        headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        return (await client.options("/v1/events", headers=headers)).headers

    async def use(client: Client) -> Any:
        return await ask(client, "https://example.com"), await ask(client, "https://evil.example")

    (good, bad), _ = asked(stack, echo, use)
    assert good["Access-Control-Allow-Origin"] == "https://example.com"
    assert good["Access-Control-Allow-Credentials"] == "true"
    assert "Access-Control-Allow-Origin" not in bad


def test_everything_else_is_the_shops(stack: Stack) -> None:
    async def page(_: web.Request) -> web.Response:
        return web.Response(text="welcome")

    async def use(client: Client) -> str:
        return await (await client.get("/")).text()

    assert asked(stack, echo, use, [web.get("/", page)])[0] == "welcome"


def test_what_a_cdn_adds_to_a_request_reaches_the_function(stack: Stack) -> None:
    async def tells(payload: bytes) -> InvokeResult:
        body = json.loads(payload)["headers"].get("authorization", "")
        return InvokeResult(json.dumps({"statusCode": 200, "body": body}).encode())

    async def use(client: Client) -> str:
        return await (await client.get("/v1/me")).text()

    def edge(request: GatewayRequest) -> GatewayRequest:
        return request._replace(headers=[*request.headers, ("Authorization", "Bearer t")])

    assert asked(stack, tells, use)[0] == ""
    assert asked(stack, tells, use, (), edge)[0] == "Bearer t"


def test_a_compressed_body_reaches_the_function_as_it_was_sent(stack: Stack) -> None:
    packed = gzip.compress(b'{"events": []}', mtime=0)

    async def use(client: Client) -> Any:
        headers = {"content-type": "application/json", "content-encoding": "gzip"}
        answer = await client.post("/v1/events", data=packed, headers=headers)
        return await answer.json(content_type=None)

    found, _ = asked(stack, echo, use)
    assert base64.b64decode(found["body"]) == packed


def test_head_is_answered_as_get_with_the_same_headers_and_no_body(stack: Stack) -> None:
    """Lambda sees the method, and the route of its own that API Gateway has for it."""
    seen: list[str] = []

    async def answers(event: bytes) -> InvokeResult:
        seen.append(json.loads(event)["routeKey"])
        headers = {"etag": '"x"', "cache-control": "public, max-age=60"}
        return InvokeResult(
            json.dumps({"statusCode": 200, "headers": headers, "body": "four"}).encode()
        )

    async def use(client: Client) -> list[tuple[dict[str, str], bytes]]:
        found = []
        for method in ("GET", "HEAD"):
            got = await client.request(method, "/v1/fragments/hero")
            kept = {k: v for k, v in got.headers.items() if k != "Date"}
            found.append((kept, await got.read()))
        return found

    (get, head), _ = asked(stack, answers, use)
    assert head[0] == get[0]
    assert (get[1], head[1]) == (b"four", b"")
    assert seen == ["GET /v1/fragments/{slot}", "HEAD /v1/fragments/{slot}"]
    gets = {route.path for route in stack.routes if route.method == "GET"}
    assert {route.path for route in stack.routes if route.method == "HEAD"} == gets
