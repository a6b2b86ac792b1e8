"""The HTTP API on loopback: template.yaml's routes in front, the demo shop behind, on one origin.

Answers what API Gateway answers by itself: preflights, 404, 413, 500, 503. Knows no function's
meaning.
"""

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime

from aiohttp import web

from workbench.cloud import payload
from workbench.cloud.keeping import Say
from workbench.cloud.payload import Arrival, BadResponse, Request, Response
from workbench.cloud.pool import Answer, Busy
from workbench.cloud.template import Cors, Route, Stack

API = "/v1/"
"""What belongs to the API; everything else is the shop's."""

_INTEGRATION_SECONDS = 30.0
_LARGEST_BODY = 10 * 1024 * 1024
_HOP = frozenset({"connection", "content-length", "transfer-encoding", "keep-alive", "date"})

Invoke = Callable[[bytes], Awaitable[Answer]]
"""One function: event as JSON → its answer. May raise Busy."""
Edge = Callable[[Request], Request]
"""What a CDN's own function does to a request on its way here."""


def application(
    stack: Stack,
    functions: Mapping[str, Invoke],
    say: Say,
    shop: Iterable[web.AbstractRouteDef] = (),
    edge: Edge = lambda request: request,
) -> web.Application:
    """Every route of the stack, and the shop's; `functions` by logical id."""
    # API Gateway hands a compressed body on as it is.
    as_sent = {"auto_decompress": False}
    app = web.Application(client_max_size=_LARGEST_BODY, handler_args=as_sent)
    for route in stack.routes:
        invoke = functions[route.function]
        handler = _handler(route, invoke, stack.cors, say, edge)
        app.router.add_route("*" if route.method == "ANY" else route.method, _path(route), handler)
    app.router.add_route("*", API + "{rest:.*}", _unrouted(stack.cors))
    app.router.add_routes(shop)
    return app


def _path(route: Route) -> str:
    return route.path.replace("+}", ":.+}")


def _handler(
    route: Route, invoke: Invoke, cors: Cors | None, say: Say, edge: Edge
) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        came = await _read(request)
        answered = (
            payload.message(413, "Request Entity Too Large")
            if came is None
            else await _call(edge(came), request.match_info, route, invoke, say)
        )
        return _send(answered, cors_headers(cors, request.headers.get("Origin")))

    return handle


def _unrouted(cors: Cors | None) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        extra = cors_headers(cors, request.headers.get("Origin"))
        if (
            request.method == "OPTIONS"
            and cors
            and "Access-Control-Request-Method" in request.headers
        ):
            return _send(Response(204, preflight(cors), b""), extra)
        return _send(payload.message(404, "Not Found"), extra)

    return handle


async def _read(request: web.Request) -> Request | None:
    """The whole request, or None when its body is more than API Gateway takes."""
    try:
        body = await request.read()
    except web.HTTPRequestEntityTooLarge:
        return None
    return Request(
        method=request.method,
        path=request.raw_path.partition("?")[0],
        query=request.raw_path.partition("?")[2],
        headers=list(request.headers.items()),
        body=body,
        source_ip=request.remote or "127.0.0.1",
        protocol=f"HTTP/{request.version.major}.{request.version.minor}",
    )


async def _call(
    came: Request, parameters: Mapping[str, str], route: Route, invoke: Invoke, say: Say
) -> Response:
    arrival = Arrival(str(uuid.uuid4()), datetime.now(UTC))
    event = payload.event(came, route, parameters, arrival)
    try:
        async with asyncio.timeout(_INTEGRATION_SECONDS):
            answer = await invoke(json.dumps(event).encode())
    except TimeoutError:
        return payload.message(503, "Service Unavailable")
    except Busy:
        say("gateway", f"{route.key}: too many requests wait already")
        return payload.message(503, "Service Unavailable")
    if answer.error:
        say("gateway", f"{route.key}: {answer.error}")
        return payload.message(500, "Internal Server Error")
    try:
        return payload.response(answer.body)
    except BadResponse as error:
        say("gateway", f"{route.key}: the function's answer is malformed: {error}")
        return payload.message(500, "Internal Server Error")


def cors_headers(cors: Cors | None, origin: str | None) -> list[tuple[str, str]]:
    """What API Gateway adds to an answer for a page of `origin`; nothing for one not allowed."""
    if cors is None or origin is None or origin not in cors.origins:
        return []
    found = [("access-control-allow-origin", origin), ("vary", "Origin")]
    if cors.credentials:
        found.append(("access-control-allow-credentials", "true"))
    if cors.exposed:
        found.append(("access-control-expose-headers", ",".join(cors.exposed)))
    return found


def preflight(cors: Cors) -> list[tuple[str, str]]:
    """What it answers an OPTIONS request with, beside `cors_headers`."""
    return [
        ("access-control-allow-methods", ",".join(cors.methods)),
        ("access-control-allow-headers", ",".join(cors.headers)),
        ("access-control-max-age", str(cors.max_age)),
    ]


def _send(answered: Response, extra: list[tuple[str, str]]) -> web.Response:
    sent = web.Response(status=answered.status, body=answered.body)
    sent.headers.popall("content-type", None)
    for name, value in [*answered.headers, *extra]:
        if name not in _HOP:
            sent.headers.add(name, value)
    return sent
