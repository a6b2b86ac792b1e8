"""A real Chromium, the shop's own pages, and a fragments API that each test scripts."""

import asyncio
import contextlib
import json
import shutil
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from aiohttp import web
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.support.browsing import ME, PATIENT, RECORD, Shop, at_rest
from workbench.beside import beside, settled
from workbench.demo.pages import routes

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # It stands for a person here; a browser that says it is headless is kept out of profiles.
    "--user-agent=Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/125.0 Safari/537.36",
)
NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for the whole session."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip(f"no browser on this machine: install one of {', '.join(NAMES)}")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield opened
        opened.close()


def _application(shop: Shop, never: asyncio.Event) -> web.Application:
    async def fragments(request: web.Request) -> web.Response:
        shop.asked.append(json.loads(await request.text()))
        shop.cookies.append(dict(request.cookies))
        if shop.answer is None:
            await never.wait()
            return web.Response()
        status, kind, body = shop.answer
        return web.Response(status=status, text=body, content_type=kind)

    async def events(request: web.Request) -> web.Response:
        assert request.content_type == "text/plain"  # what a beacon may send without a preflight
        told = json.loads(await request.text())["events"]
        if shop.refuses:
            shop.refused += told
            return web.json_response({"title": "no"}, status=shop.refuses.pop(0))
        shop.events += told
        return web.json_response({"accepted": 1, "rejected": []}, status=202)

    async def known(_request: web.Request) -> web.Response:
        return web.json_response(ME)

    async def without_csp(_request: web.Request, response: web.StreamResponse) -> None:
        if not shop.csp:
            response.headers.pop("Content-Security-Policy", None)

    app = web.Application()
    app.on_response_prepare.append(without_csp)
    app.add_routes([web.post("/v1/fragments", fragments), web.post("/v1/events", events)])
    app.add_routes([web.get("/v1/me", known)])
    app.add_routes(routes())
    return app


@pytest.fixture
def shop() -> Iterator[Shop]:
    """A fresh shop on a free port."""

    @contextlib.asynccontextmanager
    async def served() -> AsyncIterator[Shop]:
        made, never = Shop(), asyncio.Event()
        runner = web.AppRunner(_application(made, never), shutdown_timeout=1)
        await runner.setup()
        door = socket.create_server(("127.0.0.1", 0))
        await web.SockSite(runner, door).start()
        made.url = f"http://127.0.0.1:{door.getsockname()[1]}"
        yield made
        await settled(door)
        never.set()
        await runner.cleanup()

    with beside(served) as made:
        yield made


Open = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, shop: Shop) -> Iterator[Open]:
    """Opens a path of the shop in a browser of its own; the context's options are arguments."""
    contexts: list[BrowserContext] = []

    def one(
        path: str = "/",
        *,
        prepare: str = "",
        clock: bool = False,
        patient: bool = True,
        **options: Any,
    ) -> Page:
        options = {"viewport": {"width": 1440, "height": 900}, **options}
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.set_default_timeout(20_000)
        if clock:
            page.clock.install()
        page.add_init_script(RECORD + (PATIENT if patient else "") + prepare)
        page.goto(shop.url + path)
        return page

    yield one
    for context in contexts:
        at_rest(context)
        context.close()
