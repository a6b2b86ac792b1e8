"""The account function keeps what people say of consent: at once, and with the capsule."""

import json

import pytest

from hemline.learn.profile import capsule as capsules
from hemline.model.consent import Purpose
from hemline.runtime.identity import sign_visitor
from tests.builders.editions import KEYS
from tests.harness.account_harness import Desk, body, cookies_of
from tests.harness.functions import event

pytestmark = pytest.mark.cloud


def test_what_is_said_counts_at_once_and_comes_with_the_capsule(desk: Desk) -> None:
    answer = desk("consent", "phone")
    assert body(answer) == {
        "purposes": {"analytics": True, "personalisation": False, "messaging": False}
    }
    capsule = capsules.decode(cookies_of(answer)["__Host-hem_c"], KEYS)
    assert capsule.subject == "v:phone"
    assert capsules.refuses_personalisation(capsule)
    assert desk.stand("v:phone").consent.states(Purpose.PERSONALISATION) is False
    (record,) = desk.held()
    assert record.event.properties == {"personalisation": False}
    assert record.purposes == ("analytics",)


def test_a_first_choice_makes_a_visitor_for_whom_it_holds(desk: Desk) -> None:
    scenario = "consent"
    cookies = cookies_of(desk(scenario))
    capsule = capsules.decode(cookies["__Host-hem_c"], KEYS)
    assert sign_visitor(capsule.subject[2:], KEYS) == cookies["__Host-hem_v"]
    assert capsules.refuses_personalisation(capsule)
    assert desk.stand(capsule.subject).consent.states(Purpose.PERSONALISATION) is False
    again = desk(scenario, cookies=(f"__Host-hem_v={cookies['__Host-hem_v']}",))
    assert "__Host-hem_v" not in cookies_of(again), "it is theirs from now on"
    forged = ("__Host-hem_v=YW5u.AAAAAAAAAAAAAAAAAAAAAA",)
    assert cookies_of(desk(scenario, cookies=forged))["__Host-hem_v"] not in {
        "",
        cookies["__Host-hem_v"],
    }


def test_a_user_without_a_device_gets_no_visitor_by_choosing(desk: Desk) -> None:
    assert "__Host-hem_v" not in cookies_of(desk("consent", user="ann"))


def test_what_a_linked_device_says_counts_for_its_user(desk: Desk) -> None:
    desk("identify", "phone", "ann")
    desk("consent", "phone")
    assert desk.stand("u:ann").consent.states(Purpose.PERSONALISATION) is False


def test_an_app_gets_its_capsule_by_header(desk: Desk) -> None:
    answer = desk("consent", hemline_visitor=sign_visitor("phone", KEYS))
    assert capsules.decode(answer["headers"]["Hemline-Capsule"], KEYS).subject == "v:phone"
    assert "cookies" not in answer


def test_a_bearer_alone_may_be_an_app_or_a_browser_and_gets_it_both_ways(desk: Desk) -> None:
    answer = desk("consent", user="ann")
    assert cookies_of(answer)["__Host-hem_c"] == answer["headers"]["Hemline-Capsule"]
    assert "Hemline-Capsule" not in desk("consent", "phone", "ann")["headers"]


def test_a_browser_that_opts_out_and_is_nobody_yet_is_told_what_holds_and_kept_nowhere(
    desk: Desk,
) -> None:
    answer = desk("consent", sec_gpc="1")
    assert answer["statusCode"] == 200
    assert not any(body(answer)["purposes"].values())
    assert "cookies" not in answer
    assert desk.held() == []


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("{", "body"),
        ("[]", "body"),
        ("{}", "purposes"),
        ('{"purposes":{}}', "purposes"),
        ('{"purposes":{"personalization":true}}', "purposes.personalization"),
        ('{"purposes":{"personalisation":"yes"}}', "purposes.personalisation"),
        ('{"purposes":{"personalisation":1}}', "purposes.personalisation"),
        ('{"purposes":{"messaging":true},"user":"bob"}', "user"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_its_field(desk: Desk, text: str, field: str) -> None:
    payload = event("account", "consent")
    payload |= {"cookies": [f"__Host-hem_v={sign_visitor('phone', KEYS)}"], "body": text}
    answer = desk.app.handler(payload, None)
    assert answer["statusCode"] == 400
    found = json.loads(answer["body"])
    assert found["field"] == field
    assert found["way_out"]
