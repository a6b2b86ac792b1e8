"""The account function on its scenarios, with table, stream and bucket of the emulator."""

import json
import time
from types import ModuleType
from typing import Any

import pytest

from hemline.adapters.aws import connect
from hemline.adapters.dynamodb import DynamoTable
from hemline.learn import capsule as capsules
from hemline.learn.profile import Profile, encode, fold
from hemline.model.consent import Purpose
from hemline.model.event import Record, decode_record
from hemline.model.keys import alias
from hemline.model.user_token import UserKey, mint_user_token
from hemline.runtime.identity import sign_visitor
from hemline.usecases.archive import append, line
from hemline.usecases.ports import Part
from tests.support.clouds import REGION, Cloud
from tests.support.deciding import acts
from tests.support.editions import KEYS, SITE
from tests.support.functions import environment, event, load

pytestmark = pytest.mark.cloud

KEY = UserKey("1", b"u" * 32)


class Desk:
    """The function, and what lies behind it."""

    def __init__(self, cloud: Cloud, app: ModuleType, stream: str, table: str) -> None:
        self.cloud, self.app, self.stream = cloud, app, stream
        self.table = DynamoTable(connect("dynamodb", region=REGION, endpoint=cloud.endpoint), table)
        self.objects = app.deps.objects

    def __call__(
        self,
        scenario: str,
        visitor: str = "",
        user: str = "",
        cookies: tuple[str, ...] = (),
        **headers: str,
    ) -> dict[str, Any]:
        payload = event("account", scenario)
        payload["cookies"] = [
            *cookies,
            *([f"hem_v={sign_visitor(visitor, KEYS)}"] if visitor else []),
        ]
        if user:
            headers["authorization"] = f"Bearer {token(user)}"
        payload["headers"] |= {name.replace("_", "-"): value for name, value in headers.items()}
        answer: dict[str, Any] = self.app.handler(payload, None)
        assert answer["headers"]["Cache-Control"] == "private, no-store"
        return answer

    def stand(self, subject: str) -> Any:
        stored = self.table.read_part(SITE, subject, Part.PROFILE)
        assert stored
        return stored.standing

    def held(self) -> list[Record]:
        return [decode_record(data) for _, data in self.cloud.records(self.stream)]

    def remember(self, *records: Record) -> None:
        """In profile and archive, as ingest would bring them."""
        subject = records[0].subject
        blob = encode(fold(Profile(), records))
        self.table.write_profile(SITE, subject, blob, expected=0)
        append(self.objects, [line(subject[2:], str(at), r) for at, r in enumerate(records, 1)])


def token(user: str) -> str:
    return mint_user_token(user, KEY, time.time_ns() // 10**9, seconds=60, site=SITE)


def body(answer: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer["body"])
    return found


def kept(answer: dict[str, Any]) -> dict[str, str]:
    """Cookie → value, of those that an answer sets."""
    pairs = (cookie.partition(";")[0].partition("=") for cookie in answer.get("cookies", ()))
    return {name: value for name, _, value in pairs}


@pytest.fixture
def desk(emulator: Cloud, monkeypatch: pytest.MonkeyPatch) -> Desk:
    stream, table, bucket = emulator.make_stream(1), emulator.make_table(), emulator.make_bucket()
    names = environment(emulator, stream=stream, table=table, bucket=bucket)
    names |= {
        "HEMLINE_USER_KEYS": f"1:{KEY.secret.decode()}",
        "HEMLINE_ORIGINS": "https://www.example",
    }
    return Desk(emulator, load("account", names, monkeypatch), stream, table)


def test_signing_in_makes_one_person_of_device_and_user(desk: Desk) -> None:
    desk.remember(*acts("v:phone", ["p1", "p2"]))
    answer = desk("identify", "phone", "ann")
    assert answer["statusCode"] == 200
    found = body(answer)
    assert (found["user"], found["merged"]) == ("ann", True)
    assert found["visitor"] == sign_visitor("phone", KEYS)
    assert capsules.decode(kept(answer)["hem_c"], KEYS).subject == "u:ann"
    assert "hem_v" not in kept(answer)
    stored = desk.table.read_part(SITE, "u:ann", Part.PROFILE)
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
    new = kept(answer)["hem_v"]
    assert new not in {"", sign_visitor("tablet", KEYS)}
    assert {"HttpOnly", "Secure", "SameSite=Lax"} <= set(answer["cookies"][0].split("; "))


def test_a_browser_that_opts_out_is_linked_to_nobody(desk: Desk) -> None:
    answer = desk("identify", "phone", "ann", sec_gpc="1")
    assert body(answer)["merged"] is False
    assert desk.table.read_part(SITE, "v:phone", Part.LINKS) is None
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
    assert desk.table.read_part(SITE, "v:phone", Part.PROFILE) is None


def test_signing_in_needs_a_token_and_everything_needs_somebody(desk: Desk) -> None:
    assert desk("identify", "phone")["statusCode"] == 401
    assert desk("identify-forged", "phone")["statusCode"] == 401
    for scenario in ("export", "export-by-naming-an-id", "consent", "forget"):
        assert desk(scenario)["statusCode"] == 401
    forged = ("hem_v=YW5u.AAAAAAAAAAAAAAAAAAAAAA",)
    assert desk("export", cookies=forged)["statusCode"] == 401


def test_everything_is_told_with_where_it_comes_from(desk: Desk) -> None:
    desk.remember(*acts("v:phone", ["p1", "p2"]))
    found = body(desk("export", "phone"))
    assert found["subject"] == "v:phone"
    seen = found["profile"]["actions"]["engaged"]
    assert {item for one in seen for item in one["items"]} == {"p1", "p2"}
    assert all(one["time"] for one in seen)
    (events,) = found["events"]["days"].values()
    assert [one["event"]["type"] for one in events] == ["click", "click"]
    assert found["events"]["complete"] is True
    assert found["profile"]["from"] == "table, item profile"
    assert found["consent"]["purposes"]["messaging"]["allowed"] is False
    assert found["not_kept"]


def test_nobody_is_told_of_anybody_else(desk: Desk) -> None:
    desk.remember(*acts("v:phone", ["secret-1"]))
    desk.remember(*acts("v:desk", ["p2"]))
    desk.remember(*acts("u:ann", ["secret-2"]))
    for answer in (
        desk("export-by-naming-an-id", "desk"),
        desk("export", "desk", hemline_visitor=sign_visitor("phone", KEYS)),
        desk("export", user="bob", cookies=(f"hem_v={sign_visitor('phone', KEYS)}",)),
        desk("export", "desk", cookies=("hem_v=phone",)),
    ):
        assert "secret" not in answer["body"]
    assert "secret-1" in desk("export", "phone")["body"]
    assert "secret-2" in desk("export", user="ann")["body"]


def test_a_user_is_told_of_linked_visitors_too_and_a_visitor_only_of_themselves(desk: Desk) -> None:
    desk.remember(*acts("v:phone", ["p1"]))
    desk.remember(*acts("u:ann", ["secret"]))
    desk("identify", "phone", "ann")
    told = desk("export", user="ann")["body"]
    assert "p1" in told
    assert "secret" in told
    assert "secret" not in desk("export", "phone")["body"]


def test_an_export_goes_on_where_it_stopped(desk: Desk) -> None:
    day = 86_400_000
    log = [
        r for n in range(3) for r in acts("v:phone", [f"p{n}"], when=1_700_000_000_000 + n * day)
    ]
    desk.remember(*log)
    hasty = iter(range(0, 1000, 100))
    desk.app.deps = desk.app.deps._replace(clock=lambda: float(next(hasty)))
    first = body(desk("export", "phone"))["events"]
    assert (list(first["days"]), first["complete"]) == (["2023-11-14"], False)
    payload = event("account", "export")
    payload["cookies"] = [f"hem_v={sign_visitor('phone', KEYS)}"]
    payload["rawQueryString"] = f"after={first['next']}"
    rest = json.loads(desk.app.handler(payload, None)["body"])["events"]
    assert list(rest["days"]) == ["2023-11-15"]
    payload["rawQueryString"] = "after=yesterday"
    assert desk.app.handler(payload, None)["statusCode"] == 400


def test_what_is_said_counts_at_once_and_comes_with_the_capsule(desk: Desk) -> None:
    answer = desk("consent", "phone")
    assert body(answer) == {
        "purposes": {"analytics": True, "personalisation": False, "messaging": False}
    }
    capsule = capsules.decode(kept(answer)["hem_c"], KEYS)
    assert capsule.subject == "v:phone"
    assert capsules.refuses(capsule)
    assert desk.stand("v:phone").consent.states(Purpose.PERSONALISATION) is False
    (record,) = desk.held()
    assert record.event.properties == {"personalisation": False}
    assert record.purposes == ("analytics",)


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
    assert kept(answer)["hem_c"] == answer["headers"]["Hemline-Capsule"]
    assert "Hemline-Capsule" not in desk("consent", "phone", "ann")["headers"]


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
    payload |= {"cookies": [f"hem_v={sign_visitor('phone', KEYS)}"], "body": text}
    answer = desk.app.handler(payload, None)
    assert answer["statusCode"] == 400
    found = json.loads(answer["body"])
    assert found["field"] == field
    assert found["way_out"]


def test_another_site_s_page_cannot_act_in_a_visitor_s_name(desk: Desk) -> None:
    assert desk("consent-from-another-site", "phone")["statusCode"] == 403
    for headers in (
        {"origin": "https://evil.example", "sec_fetch_site": "cross-site"},
        {"origin": "null", "sec_fetch_site": "cross-site"},
        {"origin": "https://shop.example.evil.example"},
        {"origin": "", "sec_fetch_site": "cross-site"},
        {"origin": "", "sec_fetch_site": "same-site"},
    ):
        assert desk("forget", "phone", **headers)["statusCode"] == 403, headers
    assert desk.table.read_part(SITE, "v:phone", Part.PROFILE) is None
    assert (
        desk("consent", "phone", origin="https://www.example", sec_fetch_site="cross-site")[
            "statusCode"
        ]
        == 200
    )


def test_who_asks_to_be_forgotten_is_forgotten_at_once(desk: Desk) -> None:
    desk.remember(*acts("v:phone", ["p1"]))
    desk.remember(*acts("u:ann", ["p2"]))
    desk("identify", "phone", "ann")
    answer = desk("forget", user="ann")
    found = body(answer)
    assert found["people"] == 2
    assert found["follows"]["settled_at"] > found["at"]
    assert kept(answer) == {"hem_v": "", "hem_c": ""}
    assert all("Max-Age=0" in cookie for cookie in answer["cookies"])
    for subject in ("v:phone", "u:ann"):
        assert desk.stand(subject).forgotten == found["at"]
    told = body(desk("export", "phone"))
    assert told["events"]["days"] == {}
    assert told["profile"]["actions"] == {"bought_or_in_cart": [], "engaged": [], "shown": []}


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
