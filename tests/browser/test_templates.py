"""Every attack, in every field, in a real browser: nothing runs, and scripts are told what was said."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Dialog, Page, Request

from hemline.decide.templates import escape, slot
from hemline.decide.templates.render import SECTION, LinkedProgram, programs
from tests.harness.browsing import eventually
from tests.strategies.xss import PAYLOADS, Stage

pytestmark = pytest.mark.browser
HEAD = "<!doctype html><meta charset=utf-8><script>window.hits = 0; window.hemx = () => hits++</script>"

# What waits for somebody, or for a picture that fails: a handler that an attribute brought would run.
TOUCH = """
for (const kind of ["click", "mouseover", "focus", "error", "load", "toggle", "pointerenter"])
  for (const element of document.querySelectorAll("body *")) element.dispatchEvent(new Event(kind));
"""


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that reaches nothing: what it asks for is noted, and not answered."""
    context = browser.new_context(offline=True)
    page = context.new_page()
    yield page
    context.close()


def shown(page: Page, stage: Stage) -> tuple[list[str], list[str]]:
    """Loads one page with everything that shows any payload: (what ran, scripts and frames asked for)."""
    ran: list[str] = []
    asked: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        ran.append(dialog.message)
        dialog.dismiss()

    def look(request: Request) -> None:
        if (
            request.resource_type in {"script", "stylesheet", "object"}
            or request.frame != page.main_frame
        ):
            asked.append(request.url)

    page.on("dialog", dismiss)
    page.on("request", look)
    index = stage.snapshot.index
    parts = [
        markup.decode()
        for payload in PAYLOADS
        for _, markup in stage.shown(index[payload], payload, payload)
    ]
    body = "".join(f"<div>{part}</div>" for part in parts)
    page.set_content(f"{HEAD}{body}<p id=end>end</p>", wait_until="commit")
    eventually(page, lambda: page.query_selector("#end"))
    page.evaluate(TOUCH)
    if hits := page.evaluate("window.hits"):
        ran.append(f"{hits} calls")
    return ran, asked


def test_nothing_that_anybody_says_runs(page: Page) -> None:
    ran, asked = shown(page, Stage(PAYLOADS))
    assert (ran, asked) == ([], [])
    schemes = page.evaluate(
        "[...new Set([...document.querySelectorAll('a[href]')].map((a) => a.protocol))]"
    )
    assert set(schemes) <= {"http:", "https:", "about:", "mailto:", "tel:", ":"}


def test_a_script_is_told_what_was_said(page: Page) -> None:
    stage = Stage(PAYLOADS)
    shown(page, stage)
    assert page.evaluate("told[0]") == PAYLOADS[-1]
    assert page.evaluate("told[2].id") == PAYLOADS[-1]
    texts = page.evaluate(
        "[...document.querySelectorAll('script.data')].map((s) => JSON.parse(s.text).t)"
    )
    assert texts == PAYLOADS


def test_it_turns_red_when_values_are_not_escaped(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(PAYLOADS)
    monkeypatch.setitem(escape.ESCAPES, "text", str)
    made = programs(stage.snapshot.edition.raw(SECTION))
    held = slot._of(stage.snapshot)
    for name in made:
        held[name] = held[name]._replace(linked=LinkedProgram(made[name]))
    ran, asked = shown(page, stage)
    assert ran or asked
