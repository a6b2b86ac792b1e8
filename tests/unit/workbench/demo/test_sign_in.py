"""Signing in to the demo shop: who is let in, what the browser keeps, and what a CDN makes of it."""

import time
from collections.abc import Awaitable, Callable
from http.cookies import SimpleCookie
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from hemline.model.user_token import keys_of, verify_user_token
from tests.harness import event_loops
from workbench import laptop
from workbench.cloud.payload import GatewayRequest
from workbench.demo import sign_in
from workbench.laptop import Running

Client = TestClient[web.Request, web.Application]
KEYS = f"laptop:{'u' * 32}"
STACK = Running(1, "", "", "eu-west-1", "shop", "t", "s", "b", "k" * 32, user_keys=KEYS)


@pytest.fixture(autouse=True)
def stack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(laptop, "running", lambda: STACK)


def asked(use: Callable[[Client], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        app = web.Application()
        app.add_routes(sign_in.routes())
        async with TestClient(TestServer(app)) as client:
            return await use(client)

    return event_loops.run(run())


def put(**body: Any) -> tuple[int, dict[str, Any], SimpleCookie]:
    async def use(client: Client) -> Any:
        answer = await client.put(sign_in.PATH, **body)
        return answer.status, await answer.json(), answer.cookies

    found: tuple[int, dict[str, Any], SimpleCookie] = asked(use)
    return found


@pytest.mark.parametrize("user", sign_in.PEOPLE)
def test_each_of_the_shop_s_people_gets_a_token_that_no_script_can_read(user: str) -> None:
    status, told, cookies = put(json={"user": user})
    assert (status, told) == (200, {"user": user})
    kept = cookies[sign_in.SESSION]
    assert (kept["httponly"], kept["samesite"], kept["path"]) == (True, "Strict", "/")
    now = int(time.time())
    assert verify_user_token(kept.value, keys_of(KEYS), site="shop", now=now) == user
    # The cookie is gone when the token ends: nobody is left with a bad bearer.
    assert int(kept["max-age"]) <= 3600


@pytest.mark.parametrize("body", [{"user": "mallory"}, {"user": 3}, {}, []])
def test_nobody_else_is_let_in(body: object) -> None:
    status, told, cookies = put(json=body)
    assert (status, sign_in.SESSION in cookies) == (400, False)
    assert "ada" in told["detail"]


def test_a_form_of_another_site_signs_nobody_in() -> None:
    status, _, cookies = put(data='{"user": "ada"}', headers={"content-type": "text/plain"})
    assert (status, sign_in.SESSION in cookies) == (415, False)


def test_signing_out_ends_the_cookie() -> None:
    async def use(client: Client) -> Any:
        return (await client.delete(sign_in.PATH)).cookies

    assert asked(use)[sign_in.SESSION]["max-age"] == "0"


def test_without_a_stack_it_says_how_to_start_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> Running:
        raise laptop.NotRunning("start it with `make run`")

    monkeypatch.setattr(laptop, "running", gone)
    status, told, _ = put(json={"user": "ada"})
    assert (status, told) == (503, {"detail": "start it with `make run`"})


def request(*headers: tuple[str, str]) -> GatewayRequest:
    return GatewayRequest("GET", "/v1/me", "", headers, b"", "127.0.0.1", "HTTP/1.1")


def bearer(*headers: tuple[str, str]) -> list[str]:
    found = sign_in.with_bearer(request(*headers)).headers
    return [value for name, value in found if name.lower() == "authorization"]


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ((), []),
        ([("Cookie", "hem_v=1; other=2")], []),
        ([("Cookie", f"{sign_in.SESSION}=")], []),
        ([("Cookie", f"x{sign_in.SESSION}=t")], []),
        ([("cookie", f"hem_v=1; {sign_in.SESSION}=t")], ["Bearer t"]),
        ([("Cookie", "hem_v=1"), ("Cookie", f"{sign_in.SESSION}=t")], ["Bearer t"]),
        ([("Cookie", f"{sign_in.SESSION}=t"), ("authorization", "Bearer own")], ["Bearer own"]),
    ],
)
def test_the_session_is_the_bearer_unless_the_call_brings_its_own(
    headers: list[tuple[str, str]], found: list[str]
) -> None:
    assert bearer(*headers) == found
