"""The HTTP API on loopback: the routes of template.yaml and the demo shop, on one origin.

Gives the answers that API Gateway gives by itself (preflights, 404, 413, 500, 503); caches may store none
of them. When a function's queue is full, a request is refused before its body is read: under overload
refusals must be cheap, or they take the time of the answers. Knows nothing of what functions do.
"""

import asyncio
import json
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime

from aiohttp import web

from workbench.cloud import payload
from workbench.cloud.payload import Arrival, BadResponse, GatewayRequest, Response
from workbench.cloud.pool import Busy, InvokeResult
from workbench.cloud.tasks import Say
from workbench.cloud.template import Cors, Route, Stack

API = "/v1/"
"""Path prefix of the API; every other path belongs to the shop."""

_INTEGRATION_SECONDS = 30.0
_LARGEST_BODY = 10 * 1024 * 1024
_LARGEST_PAYLOAD = 6_291_556
"""Most bytes of an event or an answer that Lambda accepts; base64 makes a body a third longer."""
_SAY_SECONDS = 1.0
# Headers of one connection: aiohttp sets its own, and passing these on would contradict it.
_HOP_BY_HOP = frozenset({"connection", "content-length", "transfer-encoding", "keep-alive", "date"})

Invoke = Callable[[bytes], Awaitable[InvokeResult]]
"""One function: event as JSON → its answer. May raise Busy."""
Full = Callable[[], bool]
"""Whether a function has no room for one more call."""
Edge = Callable[[GatewayRequest], GatewayRequest]
"""What a CDN function would change in a request before it arrives here."""


def application(  # noqa: PLR0913 - one argument for each part that is wired in
    stack: Stack,
    functions: Mapping[str, Invoke],
    say: Say,
    shop: Iterable[web.AbstractRouteDef] = (),
    edge: Edge = lambda request: request,
    *,
    full: Mapping[str, Full] | None = None,
) -> web.Application:
    """The aiohttp application with every route of the stack and of the shop.

    `functions` and `full` are keyed by logical id.
    """
    handlers = _Handlers(stack.cors, say, edge)
    # Like API Gateway, pass a compressed body on undecoded.
    as_sent = {"auto_decompress": False}
    app = web.Application(client_max_size=_LARGEST_BODY, handler_args=as_sent)
    rest: Handler = _nothing
    for route in stack.routes:
        invoke, is_full = functions[route.function], (full or {}).get(route.function)
        handler = handlers.handler(route, invoke, is_full)
        if not route.path:
            rest = handler
            continue
        app.router.add_route("*" if route.method == "ANY" else route.method, _path(route), handler)
    app.router.add_route("*", API + "{rest:.*}", handlers.unrouted(rest))
    app.router.add_routes(shop)
    return app


def _path(route: Route) -> str:
    return route.path.replace("+}", ":.+}")


Handler = Callable[[web.Request], Awaitable[web.Response]]


async def _nothing(_: web.Request) -> web.Response:
    return _send(payload.refusal(404), [])


class _Handlers:
    """Makes the handlers of all routes; logs refusals at most once a second."""

    def __init__(self, cors: Cors | None, say: Say, edge: Edge) -> None:
        self._cors, self._say, self._edge = cors, say, edge
        self._refused: Counter[str] = Counter()
        self._said = 0.0

    def handler(self, route: Route, invoke: Invoke, full: Full | None) -> Handler:
        """Handles a route with its function; answers 503 while the function's queue is full."""

        async def handle(request: web.Request) -> web.Response:
            extra = cors_headers(self._cors, request.headers.get("Origin"))
            if full is not None and full():
                return _send(self._busy(route), extra)
            came = await _read(request)
            if came is None:
                return _send(payload.refusal(413), extra)
            try:
                answered = await _call(
                    self._edge(came), request.match_info, route, invoke, self._say
                )
            except Busy:
                # The queue can fill up while the body is being read.
                answered = self._busy(route)
            return _send(answered, extra)

        return handle

    def unrouted(self, rest: Handler) -> Handler:
        """Answers preflights, as API Gateway does by itself, and leaves the others to `rest`."""

        async def handle(request: web.Request) -> web.Response:
            asks = "Access-Control-Request-Method" in request.headers
            if request.method == "OPTIONS" and self._cors and asks:
                extra = cors_headers(self._cors, request.headers.get("Origin"))
                return _send(Response(204, preflight(self._cors), b""), extra)
            return await rest(request)

        return handle

    def _busy(self, route: Route) -> Response:
        self._refused[route.key] += 1
        now = time.monotonic()
        if now - self._said >= _SAY_SECONDS:
            for key, count in self._refused.items():
                self._say("gateway", f"{key}: {count} refused, too many requests wait already")
            self._said = now
            self._refused.clear()
        return payload.refusal(503)


async def _read(request: web.Request) -> GatewayRequest | None:
    """The whole request, or None when its body is larger than API Gateway accepts."""
    try:
        body = await request.read()
    except web.HTTPRequestEntityTooLarge:
        return None
    return GatewayRequest(
        method=request.method,
        path=request.raw_path.partition("?")[0],
        query=request.raw_path.partition("?")[2],
        headers=list(request.headers.items()),
        body=body,
        source_ip=request.remote or "127.0.0.1",
        protocol=f"HTTP/{request.version.major}.{request.version.minor}",
    )


async def _call(
    came: GatewayRequest, parameters: Mapping[str, str], route: Route, invoke: Invoke, say: Say
) -> Response:
    """The function's answer, or API Gateway's own when there is none. Raises Busy."""
    arrival = Arrival(str(uuid.uuid4()), datetime.now(UTC))
    event = json.dumps(payload.event(came, route, parameters, arrival)).encode()
    if len(event) > _LARGEST_PAYLOAD:
        return payload.refusal(413)
    try:
        async with asyncio.timeout(_INTEGRATION_SECONDS):
            answer = await invoke(event)
    except TimeoutError:
        return payload.refusal(503)
    if answer.error:
        say("gateway", f"{route.key}: {answer.error}")
        return payload.refusal(500)
    if len(answer.body) > _LARGEST_PAYLOAD:
        say("gateway", f"{route.key}: the answer has {len(answer.body)} bytes, Lambda takes 6 MB")
        return payload.refusal(500)
    try:
        return payload.response(answer.body)
    except BadResponse as error:
        say("gateway", f"{route.key}: the function's answer is malformed: {error}")
        return payload.refusal(500)


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
    """The headers of the answer to a preflight, in addition to `cors_headers`."""
    return [
        ("access-control-allow-methods", ",".join(cors.methods)),
        ("access-control-allow-headers", ",".join(cors.headers)),
        ("access-control-max-age", str(cors.max_age)),
    ]


def _send(answered: Response, extra: list[tuple[str, str]]) -> web.Response:
    sent = web.Response(status=answered.status, body=answered.body)
    sent.headers.popall("content-type", None)
    for name, value in [*answered.headers, *extra]:
        if name not in _HOP_BY_HOP:
            sent.headers.add(name, value)
    return sent
