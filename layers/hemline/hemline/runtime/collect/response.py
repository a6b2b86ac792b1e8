"""The answer of the collect endpoint: each event's outcome, and the cookies it sets."""

from http import HTTPStatus

import msgspec

from hemline.learn.profile import capsule
from hemline.model.errors import BadInput, NotDurable
from hemline.runtime import cookies
from hemline.runtime.cookies import CAPSULE_COOKIE, VISITOR_COOKIE
from hemline.runtime.http import PRIVATE, HttpRequest, HttpResponse, problem
from hemline.runtime.identity import CAPSULE_HEADER, carries, moving, sign_visitor
from hemline.usecases.ingest.collect import NO_CONSENT, NOT_DURABLE
from hemline.usecases.ingest.collected import Collected


def answer_of(collected: Collected, request: HttpRequest, keys: tuple[bytes, ...]) -> HttpResponse:
    """202 with the outcome of every event; 400 when none is valid; 503 when some are not durable."""
    return _handed_out(collected, request, keys)


def _response_of(collected: Collected) -> HttpResponse:
    accepted, rejected = collected.accepted, collected.rejected
    if collected.rejected_for(NOT_DURABLE):
        return problem(NotDurable(collected.fault), accepted=accepted, rejected=rejected)
    wrong = len(rejected) - collected.rejected_for(NO_CONSENT)
    if wrong and not accepted:
        error = BadInput("events", "none of them could be accepted.", "See rejected for each one.")
        return problem(error, accepted=accepted, rejected=rejected)
    headers = {**PRIVATE, "Content-Type": "application/json"}
    body = msgspec.json.encode({"accepted": accepted, "rejected": rejected})
    return HttpResponse(HTTPStatus.ACCEPTED, body, headers)


def _handed_out(
    collected: Collected, request: HttpRequest, keys: tuple[bytes, ...]
) -> HttpResponse:
    """The answer with the caller's new id and capsule: as cookies, or as a header for an app."""
    answer, kept = _response_of(collected), list[str]()
    # An id moves to the new cookie name only together with a capsule, so only after an accepted event.
    visitor = collected.minted or (moving(request, keys) if collected.capsule else None)
    if visitor:
        kept += cookies.handed(request, VISITOR_COOKIE, sign_visitor(visitor, keys))
    if collected.capsule:
        text = capsule.encode(collected.capsule, keys)
        cookie, header = carries(request)
        if header:
            answer = answer._replace(headers={**answer.headers, CAPSULE_HEADER: text})
        if cookie:
            kept += cookies.handed(request, CAPSULE_COOKIE, text)
    return answer._replace(cookies=tuple(kept))
