"""The shop's own pages with a scripted API behind them: its answers, and what it was asked, are in `Shop`."""

import asyncio
import json
from collections.abc import Awaitable, Callable

from aiohttp import web

from tests.harness.browsing import ME, Shop
from workbench.demo.pages import routes

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class _Api:
    """The calls of the API, and what pages say to the test."""

    def __init__(self, shop: Shop, never: asyncio.Event) -> None:
        self._shop, self._never = shop, never

    async def fragments(self, request: web.Request) -> web.Response:
        shop = self._shop
        shop.asked.append(json.loads(await request.text()))
        shop.cookies.append(dict(request.cookies))
        if shop.answer is None:
            await self._never.wait()
            return web.Response()
        status, kind, body = shop.answer
        return web.Response(status=status, text=body, content_type=kind)

    async def events(self, request: web.Request) -> web.Response:
        assert request.content_type == "text/plain"  # what a beacon may send without a preflight
        shop, text = self._shop, await request.text()
        shop.sizes.append(len(text.encode()))
        told = json.loads(text)["events"]
        if status := shop.refuses.pop(0) if shop.refuses else shop.judge(told):
            shop.refused += told
            return web.json_response({"title": "no"}, status=status)
        shop.events += told
        return web.json_response({"accepted": 1, "rejected": []}, status=202)

    async def me(self, _request: web.Request) -> web.Response:
        return web.json_response(ME)

    async def page(self, request: web.Request) -> web.Response:
        text = self._shop.pages.get(request.path)
        return web.Response(text=text, content_type="text/html", status=200 if text else 404)

    async def said(self, request: web.Request) -> web.Response:
        if request.method == "POST":
            self._shop.said.append(await request.text())
        return web.json_response(self._shop.said)


def application(shop: Shop, never: asyncio.Event) -> web.Application:
    """The whole of it; what is never answered ends with `never`."""
    api = _Api(shop, never)

    @web.middleware
    async def noted(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith("/v1/"):
            named = {name.lower(): value for name, value in request.headers.items()}
            shop.heads.append((request.path, named))
        return await handler(request)

    async def without_csp(request: web.Request, response: web.StreamResponse) -> None:
        if not shop.csp:
            response.headers.pop("Content-Security-Policy", None)

    app = web.Application(middlewares=[noted], client_max_size=2**24)
    app.on_response_prepare.append(without_csp)
    app.add_routes([web.post("/v1/fragments", api.fragments), web.post("/v1/events", api.events)])
    app.add_routes([web.get("/v1/me", api.me), web.route("*", "/said", api.said)])
    app.add_routes([web.get("/plain/{name}", api.page)])
    app.add_routes(routes())
    return app
