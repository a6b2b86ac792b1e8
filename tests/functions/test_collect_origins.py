"""Whose page may say something in a visitor's name."""

import pytest

from hemline.runtime.identity import sign_visitor
from tests.support.clouds import Cloud
from tests.support.collect_function import Door
from tests.support.editions import KEYS
from tests.support.functions import environment, event, load

pytestmark = pytest.mark.cloud


@pytest.mark.parametrize(
    ("origin", "site", "status"),
    [
        ("https://evil.example", "cross-site", 403),
        ("https://evil.example", "", 403),
        ("null", "cross-site", 403),
        ("https://shop.example", "same-origin", 202),
        ("https://behind-a-cdn.example", "same-origin", 202),
        ("https://www.example", "cross-site", 202),
        ("", "", 202),
    ],
)
def test_another_site_s_page_says_nothing_in_a_visitor_s_name(
    emulator: Cloud, monkeypatch: pytest.MonkeyPatch, origin: str, site: str, status: int
) -> None:
    stream = emulator.make_stream(1)
    allowed = environment(emulator, stream=stream) | {"HEMLINE_ORIGINS": "https://www.example"}
    door = Door(emulator, load("collect", allowed, monkeypatch), stream)
    payload = {**event("collect", "single"), "cookies": [f"hem_v={sign_visitor('ann', KEYS)}"]}
    payload["headers"] |= {"origin": origin, "sec-fetch-site": site}
    assert door(payload)["statusCode"] == status
    assert len(door.held()) == (status == 202)


def test_without_the_cookie_nothing_came_along_by_itself(
    emulator: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = emulator.make_stream(1)
    door = Door(
        emulator, load("collect", environment(emulator, stream=stream), monkeypatch), stream
    )
    payload = event("collect", "single")
    payload["headers"] |= {
        "hemline-visitor": sign_visitor("ann", KEYS),
        "origin": "https://evil.example",
    }
    assert door(payload)["statusCode"] == 202
