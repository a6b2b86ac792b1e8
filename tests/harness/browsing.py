"""What browser tests share: the scripted shop's state, what a page records of itself, bounded waits."""

import contextlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Error, Page

# What every page under test records of itself: layout shifts, and each answer that was dealt with.
RECORD = """
window.recorded = { shift: 0, shown: [] };
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) recorded.shift += entry.value;
}).observe({ type: "layout-shift", buffered: true });
document.addEventListener("hemline:shown", ({ detail }) => recorded.shown.push(String(detail.error ?? "")));
"""
# A busy machine may be slow: pages under test wait for as long as it takes, unless that is the test.
PATIENT = "AbortSignal.timeout = () => new AbortController().signal;"

# What is known of the visitor of the scripted shop, as `GET /v1/me` would tell.
ME: dict[str, Any] = {
    "subject": "v:somebody",
    "profile": {
        "first_seen": 1_790_000_000_000,
        "last_seen": 1_790_000_600_000,
        "actions": {
            "bought_or_in_cart": [],
            "engaged": [
                {"time": 1_790_000_600_000, "type": "view", "items": {"orla-teapot-sage": 1}},
            ],
            "shown": [],
        },
    },
    "consent": {
        "said_at": 0,
        "purposes": {
            "analytics": {"allowed": True, "because": "the site's default"},
            "personalisation": {"allowed": True, "because": "the site's default"},
            "messaging": {"allowed": False, "because": "the site's default"},
        },
    },
    "links": {"users": [], "taken_back": []},
    "events": {"days": {}, "complete": True},
    "not_kept": ["what you do on sites that are not this one"],
}

Answer = tuple[int, str, str] | None
"""Status, content type, body; None: no answer at all, ever."""


@dataclass
class Shop:
    """The shop's pages with a scripted API behind them."""

    url: str = ""
    csp: bool = True
    answer: Answer = (404, "application/json", "{}")
    asked: list[dict[str, Any]] = field(default_factory=list)
    cookies: list[dict[str, str]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    refuses: list[int] = field(default_factory=list)
    """Statuses that the next calls with events get; what they said is in `refused`."""
    refused: list[dict[str, Any]] = field(default_factory=list)
    judge: Callable[[list[dict[str, Any]]], int] = lambda _: 0
    """The status that a call with these events is refused with; 0 takes them."""
    sizes: list[int] = field(default_factory=list)
    """Bytes of each call with events, in order."""
    heads: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """Path and headers (names in lower case) of each call of the API."""
    pages: dict[str, str] = field(default_factory=dict)
    """More pages, by path: HTML without a Content-Security-Policy."""
    said: list[str] = field(default_factory=list)
    """What pages posted to `/said`."""

    def says(self, fragments: dict[str, object]) -> None:
        """Answer every page with these fragments from now on."""
        body = json.dumps({"edition": "e" * 16, "fragments": fragments})
        self.answer = (200, "application/json", body)

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The events of a type that came in."""
        return [event for event in self.events if event["type"] == kind]


def at_rest(context: BrowserContext) -> None:
    """Closing a context while one of its pages is on its way somewhere may hang for good."""
    for page in context.pages:
        with contextlib.suppress(Error):
            page.goto("about:blank", timeout=20_000)


def plain(body: str, **data: str) -> str:
    """A page with nothing but the snippet and `body`."""
    told = " ".join(f'data-{name}="{value}"' for name, value in data.items())
    script = f"<script defer src='/hemline.js' {told}></script>"
    script += "<script defer src='/hemline-alerts.js'></script>"
    return f"<!doctype html><title>plain</title><body>{script}{body}"


def settled(page: Page) -> list[str]:
    """Waits until the snippet has dealt with its answer; the errors it met, empty text for none."""
    # Not wait_for_function: it evaluates text inside the page, which the shop's CSP refuses.
    found: list[str] = eventually(page, lambda: page.evaluate("recorded.shown"))
    return found


def eventually(page: Page, found: Callable[[], Any], *, tries: int = 400) -> Any:
    """The first truthy result; fails after `tries`. Lets the browser work in between."""
    for _ in range(tries):
        if result := found():
            return result
        page.wait_for_timeout(25)
    pytest.fail("it never came")


def patiently(found: Callable[[], Any], *, tries: int = 600) -> Any:
    """The first truthy result, of a browser that nobody drives; fails after half a minute."""
    for _ in range(tries):
        if result := found():
            return result
        time.sleep(0.05)
    pytest.fail("it never came")
