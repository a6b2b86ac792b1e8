"""Whose page may say something in a visitor's name, and that no other page's call leaves a trace.

A browser does all of this for real in tests/browser/test_cross_site.py.
"""

from typing import Any

import pytest

from hemline.runtime.collect import request as collect_in
from hemline.runtime.identity import sign_visitor
from hemline.runtime.origins import check_origin
from tests.builders.editions import KEYS
from tests.harness.clouds import Cloud
from tests.harness.collect_function import Door
from tests.harness.functions import environment, event, load

pytestmark = pytest.mark.cloud

FORMS = (
    "text/plain",
    "text/plain;charset=UTF-8",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "TEXT/PLAIN",
)


@pytest.fixture
def door(emulator: Cloud, monkeypatch: pytest.MonkeyPatch) -> Door:
    stream = emulator.make_stream(1)
    allowed = environment(emulator, stream=stream) | {"HEMLINE_ORIGINS": "https://www.example"}
    return Door(emulator, load("collect", allowed, monkeypatch), stream)


def call(door: Door, *, cookie: bool = True, **headers: str) -> dict[str, Any]:
    payload = event("collect", "single")
    payload["headers"] |= {name.replace("_", "-"): value for name, value in headers.items()}
    if cookie:
        payload["cookies"] = [f"__Host-hem_v={sign_visitor('ann', KEYS)}"]
    return door(payload)


@pytest.mark.parametrize("cookie", [True, False], ids=["known", "without a cookie"])
@pytest.mark.parametrize(
    ("origin", "site", "status"),
    [
        ("https://evil.example", "cross-site", 403),
        ("https://evil.example", "", 403),
        ("null", "cross-site", 403),
        ("null", "", 403),
        ("", "cross-site", 403),
        ("", "same-site", 403),
        ("https://blog.shop.example", "same-site", 403),
        ("https://blog.shop.example", "", 403),
        ("http://shop.example", "", 403),  # of whoever sits on the network
        ("https://shop.example", "cross-site", 403),
        ("https://evil.example", "none", 403),
        ("https://www.example,https://evil.example", "cross-site", 403),
        ("https://shop.example", "same-origin", 202),
        ("https://shop.example", "", 202),
        ("https://behind-a-cdn.example", "same-origin", 202),
        ("https://www.example", "cross-site", 202),
        ("https://www.example", "same-site", 202),
        ("", "none", 202),
        ("", "", 202),
    ],
)
def test_another_site_s_page_says_nothing_in_a_visitor_s_name(
    door: Door, origin: str, site: str, status: int, *, cookie: bool
) -> None:
    answer = call(door, cookie=cookie, origin=origin, sec_fetch_site=site)
    assert answer["statusCode"] == status
    assert len(door.held()) == (status == 202)
    assert ("cookies" in answer) == (status == 202), (
        "an answer that sets a cookie changes something"
    )
    if status == 403:
        assert '"way_out":"Call from' in answer["body"]


@pytest.mark.parametrize("kind", FORMS)
def test_a_form_of_an_old_browser_that_says_nothing_of_its_page_is_refused(
    door: Door, kind: str
) -> None:
    for referer in ("", "https://evil.example/a", "https://shop.example.evil.example/"):
        answer = call(door, cookie=False, content_type=kind, referer=referer)
        assert (answer["statusCode"], answer.get("cookies")) == (403, None), referer
    assert door.held() == []
    for referer in ("https://shop.example/item/1", "https://www.example/"):
        assert call(door, cookie=False, content_type=kind, referer=referer)["statusCode"] == 202


@pytest.mark.parametrize(
    "headers",
    [
        {"user_agent": "curl/8.5.0"},
        {"user_agent": "python-requests/2.32"},
        {"hemline_visitor": sign_visitor("app-7", KEYS)},
        {"content_type": ""},
        {"content_type": "application/json"},
        {"content_type": "application/octet-stream"},
    ],
    ids=repr,
)
def test_what_no_form_can_send_needs_no_origin(door: Door, headers: dict[str, str]) -> None:
    answer = call(door, cookie=False, **{"content_type": "text/plain", **headers})
    assert answer["statusCode"] == 202


def test_an_app_of_another_origin_needs_leave_as_any_page_does(door: Door) -> None:
    held = {"hemline_visitor": sign_visitor("ann", KEYS)}
    assert call(door, cookie=False, origin="https://evil.example", **held)["statusCode"] == 403
    assert call(door, cookie=False, origin="https://www.example", **held)["statusCode"] == 202


def test_a_door_that_judges_only_calls_with_a_cookie_is_found_out(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seeded: what stood there before. SameSite holds the cookie back, and the answer sets another."""

    def seeded(request: Any, origins: tuple[str, ...]) -> None:
        if request.cookies:
            check_origin(request, origins)

    monkeypatch.setattr(collect_in, "check_origin", seeded)
    answer = call(door, cookie=False, origin="https://evil.example", sec_fetch_site="cross-site")
    assert answer["statusCode"] == 202
    assert answer["cookies"], "the attacker's page has taken the visitor's place"
