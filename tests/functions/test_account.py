"""The account function on its scenarios: who signs in, who is refused, who is forgotten."""

import pytest

from hemline.learn.profile import capsule as capsules
from hemline.model.keys import alias
from hemline.runtime.identity import sign_visitor
from hemline.usecases.ports import PersonItem
from tests.builders.editions import KEYS, SITE
from tests.harness.account_harness import Desk, body, cookies_of, token
from tests.harness.deciding import acts
from tests.harness.functions import event

pytestmark = pytest.mark.cloud


def test_signing_in_makes_one_person_of_device_and_user(desk: Desk) -> None:
    desk.remember(*acts("v:phone", ["p1", "p2"]))
    answer = desk("identify", "phone", "ann")
    assert answer["statusCode"] == 200
    found = body(answer)
    assert (found["user"], found["merged"]) == ("ann", True)
    assert found["visitor"] == sign_visitor("phone", KEYS)
    assert capsules.decode(cookies_of(answer)["__Host-hem_c"], KEYS).subject == "u:ann"
    assert "__Host-hem_v" not in cookies_of(answer)
    stored = desk.table.read_part(SITE, "u:ann", PersonItem.PROFILE)
    assert stored
    assert stored.blob
    (record,) = desk.held()
    assert (record.subject, record.event.type) == ("u:ann", "identify")
    assert record.event.properties == {"visitor": alias(SITE, "v:phone")}
    desk("identify", "phone", "ann")
    first, again = desk.held()
    assert first.event.id == again.event.id


def test_a_device_of_somebody_else_becomes_another_visitor(desk: Desk) -> None:
    desk("identify", "tablet", "ann")
    answer = desk("identify", "tablet", "bob")
    assert body(answer)["merged"] is False
    new = cookies_of(answer)["__Host-hem_v"]
    assert new not in {"", sign_visitor("tablet", KEYS)}
    assert {"HttpOnly", "Secure", "SameSite=Lax"} <= set(answer["cookies"][0].split("; "))


def test_a_browser_that_opts_out_is_linked_to_nobody(desk: Desk) -> None:
    answer = desk("identify", "phone", "ann", sec_gpc="1")
    assert body(answer)["merged"] is False
    assert desk.table.read_part(SITE, "v:phone", PersonItem.LINKS) is None
    assert "__Host-hem_v" not in cookies_of(desk("identify", user="ann", sec_gpc="1"))
    assert desk.held() == []


@pytest.mark.parametrize("scenario", ["identify", "export", "consent", "forget"])
def test_a_bad_token_is_nobody_and_never_the_cookie_s_visitor(desk: Desk, scenario: str) -> None:
    for bad in (
        "Bearer x",
        f"Bearer {token('ann')}x",
        "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.",
    ):
        answer = desk(scenario, "phone", authorization=bad)
        assert answer["statusCode"] == 401
        assert body(answer)["field"] == "Authorization"
    assert desk.held() == []
    assert desk.table.read_part(SITE, "v:phone", PersonItem.PROFILE) is None


def test_signing_in_needs_a_token_and_everything_needs_somebody(desk: Desk) -> None:
    assert desk("identify", "phone")["statusCode"] == 401
    assert desk("identify-forged", "phone")["statusCode"] == 401
    for scenario in ("export", "export-by-naming-an-id", "forget"):
        assert desk(scenario)["statusCode"] == 401
    forged = ("__Host-hem_v=YW5u.AAAAAAAAAAAAAAAAAAAAAA",)
    assert desk("export", cookies=forged)["statusCode"] == 401


def test_another_site_s_page_cannot_act_in_a_visitor_s_name(desk: Desk) -> None:
    assert desk("consent-from-another-site", "phone")["statusCode"] == 403
    for origin, site in (
        ("https://evil.example", "cross-site"),
        ("null", "cross-site"),
        ("https://shop.example.evil.example", ""),
        ("https://shop.example", "cross-site"),
        ("", "cross-site"),
        ("", "same-site"),
    ):
        answer = desk("forget", "phone", origin=origin, sec_fetch_site=site)
        assert answer["statusCode"] == 403, (origin, site)
    assert desk.table.read_part(SITE, "v:phone", PersonItem.PROFILE) is None
    for origin, site in (
        ("https://www.example", "cross-site"),  # allowed by the stack
        ("https://behind-a-cdn.example", "same-origin"),
        ("https://shop.example", ""),  # a browser that knows no Sec-Fetch-Site
    ):
        answer = desk("consent", "phone", origin=origin, sec_fetch_site=site)
        assert answer["statusCode"] == 200, origin


def test_who_asks_to_be_forgotten_is_forgotten_at_once(desk: Desk) -> None:
    desk.remember(*acts("v:phone", ["p1"]))
    desk.remember(*acts("u:ann", ["p2"]))
    desk("identify", "phone", "ann")
    answer = desk("forget", user="ann")
    found = body(answer)
    assert found["people"] == 2
    assert found["follows"]["settled_at"] > found["at"]
    assert cookies_of(answer) == {"__Host-hem_v": "", "__Host-hem_c": ""}
    assert all("Max-Age=0" in cookie for cookie in answer["cookies"])
    for subject in ("v:phone", "u:ann"):
        assert desk.stand(subject).forgotten == found["at"]
    told = body(desk("export", "phone"))
    assert told["events"]["days"] == {}
    assert told["profile"]["actions"] == {"bought_or_in_cart": [], "engaged": [], "shown": []}


def test_a_forgotten_device_that_chooses_becomes_a_new_visitor(desk: Desk) -> None:
    """Under the old id everything is dropped, so a yes to it would be an empty promise."""
    desk.remember(*acts("v:lost", ["p1"]))
    desk("consent", "lost")  # a no to personalisation
    before = capsules.Capsule(
        "v:lost", actions=(capsules.RecentAction("e", "click", 1, (("p1", 1),)),)
    )
    old = f"__Host-hem_c={capsules.encode(before, KEYS)}"
    desk("forget", "lost")
    payload = event("account", "consent") | {"body": '{"purposes": {"analytics": true}}'}
    payload["cookies"] = [f"__Host-hem_v={sign_visitor('lost', KEYS)}", old]
    answer = desk.app.handler(payload, None)
    assert body(answer)["purposes"] == {
        "analytics": True,
        "personalisation": False,
        "messaging": False,
    }
    cookies = cookies_of(answer)
    assert cookies["__Host-hem_v"] not in {"", sign_visitor("lost", KEYS)}
    kept = capsules.decode(cookies["__Host-hem_c"], KEYS)
    assert (sign_visitor(kept.subject[2:], KEYS), kept.actions) == (cookies["__Host-hem_v"], ())
    assert desk.stand(kept.subject).forgotten == 0


def test_a_forgotten_device_that_asks_is_told_so_and_loses_its_id_but_not_its_no(
    desk: Desk,
) -> None:
    desk("forget", "gone")
    answer = desk("export", "gone")
    assert not any(one["allowed"] for one in body(answer)["consent"]["purposes"].values())
    assert cookies_of(answer) == {"__Host-hem_v": "", "__Host-hem_c": ""}
    desk("consent", "no")
    desk("forget", "no")
    cookies = cookies_of(desk("export", "no"))
    assert cookies["__Host-hem_v"] == ""
    assert capsules.refuses_personalisation(capsules.decode(cookies["__Host-hem_c"], KEYS))
    assert "cookies" not in desk("export", "alive")


def test_a_log_names_nobody(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    for scenario in ("identify", "export", "consent", "forget"):
        desk(scenario, "phone-canary", "ann-canary")
        desk(scenario, "phone-canary", authorization="Bearer token-canary")
    assert "canary" not in "".join(capsys.readouterr())


def test_what_the_stream_does_not_hold_is_told_and_can_be_said_again(desk: Desk) -> None:
    real = desk.app.deps

    class Full:
        def put(self, _entries: object) -> list[str]:
            return ["full"]

    desk.app.deps = real._replace(stream=Full())
    answer = desk("identify", "phone", "ann")
    assert (answer["statusCode"], answer["headers"]["Retry-After"]) == (503, "2")
    desk.app.deps = real
    assert body(desk("identify", "phone", "ann"))["merged"] is True
