"""The fragments function for signed-in users: their own profile, or nobody's when the token is bad."""

import json
import time
from typing import Any

import pytest

from hemline.learn.profile.fold import Profile, encode, fold
from hemline.model.consent import NO
from hemline.model.subject_status import SubjectStatus
from hemline.model.user_token import UserKey, mint_user_token
from hemline.runtime.identity import sign_visitor
from hemline.usecases.ports import PersonItem, Stored
from tests.builders.editions import KEYS, SITE, build_file, catalogue
from tests.builders.rankers import linear
from tests.functions.test_fragments import SLOTS, Handler, Stack
from tests.harness.clouds import Cloud
from tests.harness.deciding import acts
from tests.harness.functions import event

pytestmark = pytest.mark.cloud

KEY = UserKey("1", b"u" * 40)
PHONE, ANN = acts("v:phone", ["i1", "i5", "i9"]), acts("u:ann", ["i2", "i6", "i10"], "purchase")


@pytest.fixture
def stack(emulator: Cloud, monkeypatch: pytest.MonkeyPatch) -> Stack:
    made = Stack(emulator, monkeypatch)
    made.names["user_keys"] = f"1:{KEY.secret.decode()}"
    ranker = linear(together=2.0, own_engaged=1.0, category_share=1.0)
    made.publish(*build_file(catalogue(24), SLOTS, history=[*PHONE, *ANN], ranker=ranker))
    for log in (PHONE, ANN):
        made.table.write_profile(SITE, log[0].subject, encode(fold(Profile(), log)), expected=0)
    return made


def shown(handler: Handler, visitor: str = "", bearer: str = "") -> tuple[Any, str, str]:
    """Items, rung and Cache-Control."""
    payload = event("fragments", "slot-json")
    payload["cookies"] = [f"__Host-hem_v={sign_visitor(visitor, KEYS)}"] if visitor else []
    payload["headers"] = {**payload["headers"]} | ({"authorization": bearer} if bearer else {})
    answer = handler(payload, None)
    assert answer["statusCode"] == 200
    found = json.loads(answer["body"])["fragments"]["for-you"]
    return found["items"], found["rung"], answer["headers"]["Cache-Control"]


def token(seconds: int = 60) -> str:
    now = time.time_ns() // 10**9
    return f"Bearer {mint_user_token('ann', KEY, now, seconds=seconds, site=SITE)}"


def test_a_bearer_reads_the_users_profile_whatever_the_cookie_says(stack: Stack) -> None:
    handler = stack.function().handler
    as_user = shown(handler, "phone", token())
    assert as_user == shown(handler, "", token())
    assert as_user[0] != shown(handler, "phone")[0]
    assert as_user[1:] == ("model", "private, no-store")


def test_a_bad_bearer_gets_what_nobody_gets_and_not_what_the_cookie_would(stack: Stack) -> None:
    handler = stack.function().handler
    nobody = shown(handler)
    assert shown(handler, "phone") != nobody
    for bad in (token(-5), token() + "x", "Bearer x"):
        assert shown(handler, "phone", bad) == nobody


def test_what_a_user_said_on_another_device_counts_here_too(stack: Stack) -> None:
    handler = stack.function().handler
    old = stack.table.read_part(SITE, "u:ann", PersonItem.PROFILE)
    assert old
    assert shown(handler, "", token())[1] == "model"
    stack.table.write_part(
        SITE, "u:ann", PersonItem.PROFILE, Stored(old.blob, 2, SubjectStatus(consent=NO))
    )
    assert shown(handler, "", token())[0] == shown(handler)[0]
