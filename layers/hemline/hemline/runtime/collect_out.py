"""What a caller is told about the events it sent, and the cookies that only collect may set."""

import re
from http import HTTPStatus

import msgspec

from hemline.learn import capsule
from hemline.model.errors import BadInput, NotDurable
from hemline.runtime.http import PRIVATE, Answer, Request, problem
from hemline.runtime.identity import (
    CAPSULE_COOKIE,
    CAPSULE_HEADER,
    VISITOR_COOKIE,
    carries,
    sign_visitor,
)
from hemline.usecases.collect_events import NO_CONSENT, NOT_DURABLE, Collected

_LOOPBACK = re.compile(r"(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?")
# Browsers cap a cookie's life at 400 days; a visitor who returns gets a new capsule each time.
_MAX_AGE = 395 * 24 * 3600


def answer_of(collected: Collected, request: Request, keys: tuple[bytes, ...]) -> Answer:
    """202 with every event accounted for; 400 when all are wrong; 503 when some are not durable."""
    return _handed_out(collected, request, keys)


def _told(collected: Collected) -> Answer:
    accepted, rejected = collected.accepted, collected.rejected
    if collected.rejected_for(NOT_DURABLE):
        return problem(NotDurable(collected.fault), accepted=accepted, rejected=rejected)
    wrong = len(rejected) - collected.rejected_for(NO_CONSENT)
    if wrong and not accepted:
        error = BadInput("events", "none of them could be accepted.", "See rejected for each one.")
        return problem(error, accepted=accepted, rejected=rejected)
    headers = {**PRIVATE, "Content-Type": "application/json"}
    body = msgspec.json.encode({"accepted": accepted, "rejected": rejected})
    return Answer(HTTPStatus.ACCEPTED, body, headers)


def _handed_out(collected: Collected, request: Request, keys: tuple[bytes, ...]) -> Answer:
    """The answer with what the caller keeps: cookies, or for an app without any the capsule's header."""
    answer, cookies = _told(collected), []
    if collected.minted:
        cookies.append(f"{VISITOR_COOKIE}={sign_visitor(collected.minted, keys)}")
    if collected.capsule:
        text = capsule.encode(collected.capsule, keys)
        cookie, header = carries(request)
        if header:
            answer = answer._replace(headers={**answer.headers, CAPSULE_HEADER: text})
        if cookie:
            cookies.append(f"{CAPSULE_COOKIE}={text}")
    return answer._replace(cookies=tuple(f"{one}; {attributes(request)}" for one in cookies))


def attributes(request: Request, seconds: int = _MAX_AGE) -> str:
    """Of every cookie of ours: no script reads it, and no other site's page sends it."""
    found = f"Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax"
    return found if _is_plain_loopback(request) else f"{found}; Secure"


def _is_plain_loopback(request: Request) -> bool:
    """A laptop without TLS, where some browsers would drop a Secure cookie."""
    plain = request.header("x-forwarded-proto") != "https"
    return plain and bool(_LOOPBACK.fullmatch(request.header("host")))
