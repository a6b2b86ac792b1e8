"""Signs in to the demo shop as one of its people, without a password: the accounts are not real.

Stands for a site's own server, which alone may say who is signed in. It signs a user token and keeps it in
an HttpOnly cookie. `with_bearer` does what the site's CDN would do: it copies the cookie into the
`Authorization` header, so that every call of a signed-in visit has it, the snippet's beacons too.
"""

import time
from collections.abc import Mapping

import msgspec
from aiohttp import web

from hemline.model.user_token import keys_of, mint_user_token
from hemline.runtime.http import inert
from workbench import laptop
from workbench.cloud.payload import GatewayRequest

PEOPLE: Mapping[str, str] = {"ada": "Ada", "jun": "Jun", "mira": "Mira"}
"""User id → name of the demo shop's accounts."""
PATH = "/session"
SESSION = "tt_session"
_SECONDS = 3600
_PRIVATE = {"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"}


class _Who(msgspec.Struct):
    user: str


def with_bearer(request: GatewayRequest) -> GatewayRequest:
    """The request with its session cookie as `Authorization`, unless that header is already set."""
    lines = [value for name, value in request.headers if name.lower() == "cookie"]
    pairs = (one.strip().partition("=") for line in lines for one in line.split(";"))
    token = next((value for name, _, value in pairs if name == SESSION), "")
    if not token or any(name.lower() == "authorization" for name, _ in request.headers):
        return request
    return request._replace(headers=[*request.headers, ("Authorization", f"Bearer {token}")])


def routes() -> list[web.RouteDef]:
    """PUT and DELETE of the session, for one aiohttp application."""
    return [web.put(PATH, _sign_in), web.delete(PATH, _sign_out)]


async def _sign_in(request: web.Request) -> web.Response:
    # JSON only: another site's page would need a CORS preflight for it, which is never granted.
    if request.content_type != "application/json":
        return _respond(415, detail="Send JSON.")
    try:
        user = msgspec.json.decode(await request.read(), type=_Who).user
    except msgspec.DecodeError:
        user = ""
    if user not in PEOPLE:
        return _respond(400, detail=f"user is unknown here. Use one of {', '.join(PEOPLE)}.")
    try:
        stack = laptop.running()
    except laptop.NotRunning as why:
        return _respond(503, detail=str(why))
    key = keys_of(stack.user_keys)[0]
    token = mint_user_token(user, key, int(time.time()), seconds=_SECONDS, site=stack.site)
    answer = _respond(200, user=user)
    # The cookie expires with its token: an expired bearer would be refused at every call.
    answer.set_cookie(
        SESSION, token, max_age=_SECONDS, httponly=True, samesite="Strict", secure=request.secure
    )
    return answer


async def _sign_out(_request: web.Request) -> web.Response:
    answer = _respond(200, user=None)
    answer.del_cookie(SESSION, httponly=True, samesite="Strict")
    return answer


def _respond(status: int, **members: object) -> web.Response:
    body = inert(msgspec.json.encode(members))
    return web.Response(body=body, status=status, headers=_PRIVATE, content_type="application/json")
