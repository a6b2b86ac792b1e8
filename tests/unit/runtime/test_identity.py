"""Who asks and what they agreed to: nobody by naming an id, and a bad bearer is never anybody."""

from collections.abc import Mapping
from typing import Any

import pytest

from hemline.learn.profile.capsule import Capsule, encode, update
from hemline.model.consent import NO, Consent, Purpose
from hemline.model.errors import BadToken
from hemline.model.events.batch_signature import sign_batch
from hemline.model.user_token import UserKey, mint_user_token
from hemline.runtime import identity
from hemline.runtime.collect.request import caller_of
from hemline.runtime.http import HttpRequest, problem
from hemline.runtime.identity import asker_of, sign_visitor, visit_of
from hemline.runtime.settings import Settings, load
from tests.harness.streams import NOW, record

KEYS = (b"k" * 24,)
USER_KEY = UserKey("1", b"u" * 32)
SETTINGS = load({"HEMLINE_KEYS": "k" * 24, "HEMLINE_USER_KEYS": f"1:{'u' * 32}"})
TOKEN = mint_user_token("ann", USER_KEY, NOW // 1000, seconds=60, site="demo")
YES = Consent(granted=3, at=NOW)
BAD = [
    "Bearer ",
    "Bearer nonsense",
    f"Bearer {TOKEN[:-1]}",
    "bearer x.y.z",
    f"Bearer {mint_user_token('ann', USER_KEY, NOW // 1000 - 90, seconds=60, site='demo')}",
    f"Bearer {mint_user_token('ann', UserKey('1', b'x' * 32), NOW // 1000, seconds=60, site='demo')}",
]


def request(
    headers: Mapping[str, str] | None = None, visitor: str = "", capsule: Capsule | None = None
) -> HttpRequest:
    cookies = [f"__Host-hem_v={sign_visitor(visitor, KEYS)}"] if visitor else []
    cookies += [f"__Host-hem_c={encode(capsule, KEYS)}"] if capsule else []
    return HttpRequest({"headers": dict(headers or {}), "cookies": cookies})


def bearer(token: str = TOKEN) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def visit(asked: HttpRequest, settings: Settings = SETTINGS) -> Any:
    return visit_of(asked, settings, NOW)


def test_a_bearer_is_a_user_and_outweighs_the_cookie() -> None:
    asker = asker_of(request(bearer(), "phone"), SETTINGS, NOW)
    assert (asker.user, asker.visitor, asker.subject) == ("ann", "phone", "u:ann")
    assert visit(request(bearer(), "phone")).subject == "u:ann"


@pytest.mark.parametrize("header", BAD, ids=range(len(BAD)))
def test_a_bad_bearer_is_nobody_for_fragments_and_refused_for_everything_else(header: str) -> None:
    asked = request({"authorization": header}, "phone", Capsule("v:phone", YES))
    assert visit(asked).subject is None
    assert visit(asked).recent == ()
    with pytest.raises(BadToken) as found:
        caller_of(asked, b"", SETTINGS, NOW)
    answer = problem(found.value)
    assert answer.status == 401
    assert b'"field":"Authorization"' in answer.body
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


def test_without_user_keys_nobody_is_a_user() -> None:
    with pytest.raises(BadToken):
        asker_of(request(bearer()), SETTINGS._replace(user_keys=()), NOW)


def test_a_password_in_front_of_a_site_is_no_bearer() -> None:
    assert visit(request({"authorization": "Basic YTpi"}, "phone")).subject == "v:phone"


@pytest.mark.parametrize(
    "headers",
    [
        {"hemline-visitor": "phone"},
        {"hemline-user": "ann"},
        {"x-user-id": "ann"},
        {"hemline-visitor": sign_visitor("phone", (b"another key of ours",))},
    ],
    ids=["unsigned visitor", "user", "another user", "signed by another"],
)
def test_an_id_that_is_merely_named_is_nobody(headers: dict[str, str]) -> None:
    assert asker_of(request(headers), SETTINGS, NOW).subject is None
    assert visit(request(headers)).subject is None


def test_the_capsule_comes_by_header_too_and_is_read_by_its_own_alone() -> None:
    kept = update(Capsule("u:ann", YES), [record("u:ann", "e1")])
    headers = {**bearer(), "hemline-capsule": encode(kept, KEYS)}
    assert [act.event.id for act in visit(request(headers)).recent] == ["e1"]
    del headers["authorization"]
    assert visit(request(headers, "phone")) == ("v:phone", None, (), False)


def test_a_no_counts_whoever_s_capsule_says_it_and_a_yes_only_in_one_s_own() -> None:
    for kept, said in ((Capsule("v:desk", NO), False), (Capsule("v:desk", YES), None)):
        assert visit(request(visitor="phone", capsule=kept)).consent is said
    assert visit(request(visitor="phone", capsule=Capsule("v:phone", YES))).consent is True


def test_the_browser_s_opt_outs_outweigh_a_yes() -> None:
    kept = Capsule("v:phone", YES)
    assert visit(request({"sec-gpc": "1"}, "phone", kept)).consent is False
    asked = request({"dnt": "1"}, "phone", kept)
    assert visit(asked).dnt
    assert not asker_of(asked, SETTINGS, NOW).opted_out
    honours = SETTINGS._replace(honour_dnt=True)
    assert asker_of(asked, honours, NOW).opted_out
    assert caller_of(asked, b"", honours, NOW).opted_out


@pytest.mark.parametrize("said", ["1", "1,1", "1, 1", '"1"', "0,1", "true", "?1", "1;x", "yes"])
def test_an_opt_out_that_is_said_oddly_or_twice_is_one(said: str) -> None:
    kept = Capsule("v:phone", YES)
    assert visit(request({"sec-gpc": said}, "phone", kept)).consent is False
    assert visit(request({"dnt": said}, "phone", kept)).dnt
    stamp = sign_batch(b"{}", KEYS[0], NOW)
    signed = request({"sec-gpc": said, "hemline-signature": stamp})
    assert caller_of(signed, b"{}", SETTINGS, NOW).opted_out


@pytest.mark.parametrize("said", ["", "0", "0,0", " ", ","])
def test_no_opt_out_is_none(said: str) -> None:
    found = asker_of(request({"sec-gpc": said, "dnt": said}), SETTINGS, NOW)
    assert (found.gpc, found.dnt) == (False, False)


OTHER = mint_user_token("bob", USER_KEY, NOW // 1000, seconds=60, site="demo")


@pytest.mark.parametrize(
    ("header", "user"),
    [
        (f"Bearer {TOKEN},Bearer {TOKEN}", "ann"),
        (f"Bearer {TOKEN},Bearer {OTHER}", None),
        (f"Bearer nonsense,Bearer {TOKEN}", None),
        (f"Bearer {TOKEN}, Basic YTpi", "ann"),
        (f"Basic YTpi,Bearer {TOKEN}", "ann"),
        ("Basic YTpi,Bearer nonsense", None),
    ],
)
def test_of_two_authorizations_a_bearer_is_never_overlooked(header: str, user: str | None) -> None:
    asked = request({"authorization": header}, "phone")
    assert visit(asked).subject == (f"u:{user}" if user else None)
    if user is None:
        with pytest.raises(BadToken):
            caller_of(asked, b"", SETTINGS, NOW)


def test_settings_say_what_silence_means_by_country() -> None:
    found = load(
        {
            "HEMLINE_KEYS": "k" * 24,
            "HEMLINE_CONSENT_EXCEPTIONS": "FR, DE",
            "HEMLINE_HONOUR_DNT": "true",
        }
    )
    assert found.policy.exceptions == {"DE", "FR"}
    assert found.policy.honours_dnt
    assert not found.policy.when_not_stated(Purpose.PERSONALISATION, "DE")
    assert found.policy.when_not_stated(Purpose.PERSONALISATION, "GB")
    assert not found.policy.when_not_stated(Purpose.PERSONALISATION, ""), "it may be one of them"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HEMLINE_CONSENT_EXCEPTIONS", "Germany"),
        ("HEMLINE_HONOUR_DNT", "1"),
        ("HEMLINE_USER_KEYS", "1:short"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=name):
        load({"HEMLINE_KEYS": "k" * 24, name: value})


def test_a_door_that_takes_unsigned_ids_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "verify", lambda _purpose, text, _keys: text.encode())
    with pytest.raises(AssertionError):
        test_an_id_that_is_merely_named_is_nobody({"hemline-visitor": "phone"})
