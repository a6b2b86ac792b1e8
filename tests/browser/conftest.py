"""A real Chromium, the shop's own pages, and a fragments API that each test scripts."""

import asyncio
import contextlib
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.harness.browsing import PATIENT, RECORD, Shop, at_rest
from tests.harness.scripted_shop import application
from workbench import children
from workbench.background_server import drain_loop, run_in_background

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


def found_browser() -> str:
    """Where the machine's browser is; skips the test when it has none."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip(f"no browser on this machine: install one of {', '.join(NAMES)}")
    return path


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for the whole session."""
    path = found_browser()
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield opened
        opened.close()


@pytest.fixture
def shop() -> Iterator[Shop]:
    """A fresh shop on a free port."""

    @contextlib.asynccontextmanager
    async def served() -> AsyncIterator[Shop]:
        made, never = Shop(), asyncio.Event()
        runner = web.AppRunner(application(made, never), shutdown_timeout=1)
        await runner.setup()
        door = socket.create_server(("127.0.0.1", 0))
        await web.SockSite(runner, door).start()
        made.url = f"http://127.0.0.1:{door.getsockname()[1]}"
        yield made
        await drain_loop(door)
        never.set()
        await runner.cleanup()

    with run_in_background(served) as made:
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


Surf = Callable[[str], None]


@pytest.fixture
def surf(shop: Shop, tmp_path: Path) -> Iterator[Surf]:
    """Opens a path in a browser that nobody drives: with one attached, pages are not drawn ahead,
    and none comes back from the browser's memory. Its pages do by script what a test wants of them."""
    started: list[children.Process] = []

    def one(path: str) -> None:
        profile = f"--user-data-dir={tmp_path / f'profile-{len(started)}'}"
        flags = ["--headless=new", *FLAGS[1:], profile]
        command = [found_browser(), *flags, shop.url + path]
        null = subprocess.DEVNULL
        started.append(children.start(command, stdout=null, stderr=null))

    yield one
    for process in started:
        process.kill()  # with all of its helpers
        process.wait(20)
