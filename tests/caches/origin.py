"""What stands behind a cache: the gateway of template.yaml's routes over warm functions, and a site's page.

A header of the test makes an answer fail, as functions and gateways do now and then. No cache keys on it.
"""

import contextlib
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from aiohttp import web

from tests.caches.world import World
from tests.harness.functions import ROOT
from workbench.background_server import drain_loop
from workbench.cloud import gateway
from workbench.cloud.pool import Busy, InvokeResult
from workbench.cloud.template import load

FAULT = "x-test-fault"
"""`500`, `503`, or `cut`: an answer that ends in the middle."""
PAGE = (
    '<h1>For everybody</h1><esi:include src="/v1/fragments/for-you?format=html"/>'
    '<esi:include src="/v1/fragments/bestsellers?format=html"/>'
)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Origin:
    """Its port, how often each address was asked for, and what may be kept and sets a cookie."""

    def __init__(self, world: World) -> None:
        self.port = 0
        self.asked: list[str] = []
        self.wrong: list[str] = []
        names = {"fragments": "FragmentsFunction", "collect": "CollectFunction"}
        names["account"] = "AccountFunction"
        self.handlers = {names[name]: world.function(name).handler for name in names}

    @contextlib.asynccontextmanager
    async def served(self) -> AsyncIterator["Origin"]:
        """For `workbench.background_server`."""
        stack = load(ROOT / "template.yaml", region="us-east-1", secret="s" * 32, parameters={})
        functions = {name: self._function(name) for name in stack.functions}
        shop = [web.get("/", self._page)]
        app = gateway.application(stack, functions, lambda *_: None, shop)
        app.middlewares.append(self._watched())
        app.on_response_prepare.append(self._looked_at)
        runner = web.AppRunner(app, shutdown_timeout=1)
        await runner.setup()
        door = socket.create_server(("127.0.0.1", 0))
        await web.SockSite(runner, door).start()
        self.port = door.getsockname()[1]
        yield self
        await drain_loop(door)
        await runner.cleanup()

    def _function(self, name: str) -> gateway.Invoke:
        async def invoke(payload: bytes) -> InvokeResult:
            event: dict[str, Any] = json.loads(payload)
            fault = event["headers"].get(FAULT)
            if fault == "503":
                raise Busy
            if fault == "500":
                return InvokeResult(b"", "it failed")
            return InvokeResult(json.dumps(self.handlers[name](event, None)).encode())

        return invoke

    async def _page(self, _request: web.Request) -> web.Response:
        headers = {"Cache-Control": "public, max-age=60", "ETag": '"page"'}
        return web.Response(text=PAGE, content_type="text/html", headers=headers)

    def _watched(self) -> Any:
        @web.middleware
        async def watch(request: web.Request, handler: Handler) -> web.StreamResponse:
            self.asked.append(f"{request.method} {request.raw_path}")
            if request.headers.get(FAULT) != "cut":
                return await handler(request)
            headers = {"Cache-Control": "public, max-age=60", "Content-Length": "5000"}
            half = web.StreamResponse(headers=headers)
            await half.prepare(request)
            await half.write(b"half of it")
            if request.transport:
                request.transport.close()
            return half

        return watch

    async def _looked_at(self, request: web.Request, response: web.StreamResponse) -> None:
        kept = response.headers.get("Cache-Control", "")
        if "Set-Cookie" in response.headers and "no-store" not in kept:
            self.wrong.append(f"{request.method} {request.raw_path} sets a cookie: {kept!r}")
