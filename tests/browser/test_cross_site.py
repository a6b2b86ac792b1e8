"""What pages of other sites can do to a visitor of the shop, in a real browser: nothing at all.

Ann has refused everything. Every way that a browser has of calling another origin without its leave is
tried on her from another site, and from another origin of the shop's own site, to which her cookies go.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from hemline.runtime.account import request as account_in
from hemline.runtime.collect import request as collect_in
from hemline.runtime.identity import sign_visitor
from hemline.usecases.ports import PersonItem
from tests.builders.editions import KEYS, SITE
from tests.harness.browsing import at_rest, eventually
from tests.harness.clouds import Cloud
from tests.harness.two_sites import Sites, two_sites

pytestmark = [pytest.mark.browser, pytest.mark.cloud, pytest.mark.xdist_group("browser")]

EVENTS = '{"events":[{"id":"evil","type":"view","item":"i1"}]}'
# The one field of a text/plain form makes a whole JSON document of itself.
HALVES = ('{"events":[{"id":"evil","type":"view","item":"i1","query":"', '"}]}')

FORM = """([url, type, name, value]) => {
  const form = document.createElement("form");
  Object.assign(form, { action: url, enctype: type, method: "post" });
  const field = document.createElement("textarea");
  Object.assign(field, { name, value });
  form.append(field);
  document.body.append(form);
  form.submit();
}"""
FETCH = """([url, options]) =>
  fetch(url, { credentials: "include", ...options }).then((r) => r.type + r.status, (e) => "failed")"""
BEACON = "([url, body]) => navigator.sendBeacon(url, body)"
IMAGE = """([url]) => new Promise((done) => {
  const image = new Image();
  image.onload = image.onerror = () => done("loaded");
  image.src = url;
})"""

PREFLIGHTED = {"cors consent", "cors forget", "cors with a preview"}
"""What never reaches a function: the gateway refuses the browser's question."""

Attack = Callable[[Page, Sites], Any]


def form(kind: str, path: str = "/v1/events", *, name: str = "", value: str = "") -> Attack:
    name, value = (name, value) if name else HALVES

    def submit(page: Page, sites: Sites) -> None:
        page.evaluate(FORM, [sites.shop + path, kind, name, value])

    return submit


def redirected(kind: str) -> Attack:
    """Through the attacker's own server, which sends the form's body on (307)."""

    def submit(page: Page, sites: Sites) -> None:
        onward = page.evaluate("location.origin") + "/onward?to=/v1/events"
        page.evaluate(FORM, [onward, kind, *HALVES])

    return submit


def fetched(path: str, **options: object) -> Attack:
    return lambda page, sites: page.evaluate(FETCH, [sites.shop + path, options])


def bounced(page: Page, sites: Sites) -> None:
    """A fetch to the attacker's own server, sent on to the API."""
    options = {"method": "POST", "mode": "no-cors", "body": EVENTS}
    page.evaluate(FETCH, ["/onward?to=/v1/events", options])


def beacon(page: Page, sites: Sites) -> None:
    page.evaluate(BEACON, [sites.shop + "/v1/events", EVENTS])


def opened(page: Page, sites: Sites) -> None:
    """As a link does: the visitor's cookie comes along, and the answer is shown to them alone."""
    page.evaluate("url => { location.href = url }", sites.shop + "/v1/me")


def no_cors(path: str, method: str = "POST", body: str | None = EVENTS) -> Attack:
    return fetched(path, mode="no-cors", method=method, **({"body": body} if body else {}))


CONSENT = '{"purposes":{"analytics":true,"personalisation":true}}'
PAGE = '{"slots":[{"name":"for-you"}]}'
JSON = {"content-type": "application/json"}
ATTACKS: dict[str, Attack] = {
    "text/plain form": form("text/plain"),
    "urlencoded form": form("application/x-www-form-urlencoded", name="events", value="1"),
    "multipart form": form("multipart/form-data", name="events", value="1"),
    "form that is sent on": redirected("text/plain"),
    "form to identify": form("text/plain", "/v1/identify"),
    "form to fragments": form("text/plain", "/v1/fragments", name=PAGE[:-1] + ',"x":"', value='"}'),
    "no-cors events": no_cors("/v1/events"),
    "no-cors identify": no_cors("/v1/identify"),
    "no-cors fragments": no_cors("/v1/fragments", body=PAGE),
    "no-cors slot": no_cors("/v1/fragments/for-you", "GET", None),
    "no-cors account": no_cors("/v1/me", "GET", None),
    "fetch that is sent on": bounced,
    "cors events": fetched("/v1/events", method="POST", body=EVENTS),
    "cors consent": fetched("/v1/me/consent", method="PUT", body=CONSENT, headers=JSON),
    "cors forget": fetched("/v1/me", method="DELETE"),
    "cors with a preview": fetched("/v1/fragments/for-you", headers={"hemline-preview": "x.y"}),
    "beacon": beacon,
    "image": lambda page, sites: page.evaluate(IMAGE, [sites.shop + "/v1/me"]),
    "link": opened,
}


@pytest.fixture(scope="module")
def sites(emulator: Cloud, browser: Browser) -> Iterator[Sites]:
    assert browser.is_connected()
    with pytest.MonkeyPatch.context() as patch, two_sites(emulator, patch) as found:
        yield found


@pytest.fixture
def context(sites: Sites, browser: Browser) -> Iterator[BrowserContext]:
    """A browser that was never anywhere."""
    sites.tls = False
    found = browser.new_context()
    found.set_default_timeout(20_000)
    yield found
    at_rest(found)
    found.close()


@pytest.fixture
def ann(sites: Sites, context: BrowserContext) -> Page:
    """A browser whose visitor did something, and then refused everything."""
    page = context.new_page()
    page.goto(sites.shop)
    assert own(page, sites, "/v1/events", "POST", EVENTS) == 202
    refused = CONSENT.replace("true", "false")
    assert own(page, sites, "/v1/me/consent", "PUT", refused) == 200
    return page


def own(page: Page, sites: Sites, path: str, method: str, body: str) -> int:
    """A call of the page's own script; the status."""
    script = "([url, method, body]) => fetch(url, { method, body }).then((r) => r.status)"
    status: int = page.evaluate(script, [sites.shop + path, method, body])
    return status


def jar(page: Page) -> list[tuple[Any, ...]]:
    return sorted((c["name"], c["value"], c["path"]) for c in page.context.cookies())


def is_refused(page: Page, sites: Sites) -> bool:
    """Whether the visitor's own page is told that nothing of them is taken."""
    script = "([url, body]) => fetch(url, { method: 'POST', body }).then((r) => r.json())"
    told = page.evaluate(script, [sites.shop + "/v1/events", EVENTS])
    return [one["reason"] for one in told["rejected"]] == ["no_consent"]


def attacked(ann: Page, sites: Sites, origin: str, name: str) -> None:
    """Asserts that the attack from a page of `origin` leaves no trace."""
    before, held, answers = jar(ann), len(sites.held()), len(sites.answers)
    visitor = next(r.subject for r in reversed(sites.held()) if r.event.type == "view")
    stood = sites.table.read_part(SITE, visitor, PersonItem.PROFILE)
    page = ann.context.new_page()
    page.goto(origin)
    ATTACKS[name](page, sites)
    if name not in PREFLIGHTED:
        eventually(ann, lambda: len(sites.answers) > answers)
    made = sites.answers[answers:]
    assert not [one for one in made if one[2]], "an answer set a cookie"
    assert all(status < 500 for _, status, _ in made)
    assert jar(ann) == before
    assert len(sites.held()) == held
    assert sites.table.read_part(SITE, visitor, PersonItem.PROFILE) == stood
    assert is_refused(ann, sites), "what was refused before is refused still"


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("whence", ["foreign", "sibling"])
def test_no_other_page_acts_for_a_visitor_or_takes_their_place(
    ann: Page, sites: Sites, whence: str, attack: str
) -> None:
    attacked(ann, sites, getattr(sites, whence), attack)


@pytest.mark.parametrize("attack", ["text/plain form", "beacon", "no-cors events"])
def test_a_browser_that_was_never_here_gets_no_id_from_another_page(
    sites: Sites, context: BrowserContext, attack: str
) -> None:
    page, held, answers = context.new_page(), len(sites.held()), len(sites.answers)
    page.goto(sites.foreign)
    ATTACKS[attack](page, sites)
    eventually(page, lambda: len(sites.answers) > answers)
    assert sites.answers[-1] == ("POST /v1/events", 403, [])
    assert (context.cookies(), len(sites.held())) == ([], held)


@pytest.mark.parametrize("whence", ["shop", "friend"])
def test_pages_of_the_shop_and_of_allowed_origins_act_as_ever(
    sites: Sites, context: BrowserContext, whence: str
) -> None:
    page, held = context.new_page(), len(sites.held())
    page.goto(getattr(sites, whence))
    call = fetched("/v1/events", method="POST", body=EVENTS)
    assert call(page, sites) in {"cors202", "basic202"}
    assert len(sites.held()) == held + 1
    beacon(page, sites)
    eventually(page, lambda: len(sites.held()) == held + 2)
    assert {cookie["name"] for cookie in context.cookies()} == {"hem_v", "hem_c"}


TOSS = "value => { document.cookie = `hem_v=${value}; path=/v1` }"


@pytest.mark.parametrize("tls", [True, False], ids=["over TLS", "on a laptop"])
def test_a_sibling_s_cookie_does_not_make_a_visitor_somebody_else(
    sites: Sites, context: BrowserContext, *, tls: bool
) -> None:
    """Eve puts her own visitor cookie into Ann's browser, for a longer path: it is sent first."""
    sites.tls = tls
    page = context.new_page()
    page.goto(sites.shop)
    assert own(page, sites, "/v1/events", "POST", EVENTS) == 202
    names = {cookie["name"] for cookie in context.cookies()}
    assert names == ({"__Host-hem_v", "__Host-hem_c"} if tls else {"hem_v", "hem_c"})
    ann = sites.held()[-1].subject
    evil = context.new_page()
    evil.goto(sites.sibling)
    evil.evaluate(TOSS, sign_visitor("eve", KEYS))
    evil.evaluate("value => { document.cookie = `__Host-hem_v=${value}; path=/v1` }", "x.y")
    assert own(page, sites, "/v1/events", "POST", EVENTS) == 202
    told = sites.held()[-1].subject
    assert told != "v:eve"
    # Over TLS the prefix says which one is hers; without it nobody can tell, and she is nobody known.
    assert (told == ann) == tls


def test_an_api_that_judges_only_calls_with_a_cookie_is_found_out(
    ann: Page, sites: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seeded: what stood there before. The browser holds the cookie back, and is handed a new one."""
    for door in (collect_in, account_in):
        judge = door.check_origin

        def seeded(request: Any, origins: tuple[str, ...], judge: Any = judge) -> None:
            if request.cookies:
                judge(request, origins)

        monkeypatch.setattr(door, "check_origin", seeded)
    with pytest.raises(AssertionError, match="an answer set a cookie"):
        attacked(ann, sites, sites.foreign, "text/plain form")
    assert not is_refused(ann, sites), "the refusal was undone: that is what it would cost"
