"""Answers of the account calls, and the cookies they set. Never cacheable."""

from collections.abc import Mapping
from http import HTTPStatus

import msgspec

from hemline.learn.profile import capsule as capsules
from hemline.learn.profile.capsule import Capsule
from hemline.model.consent import Consent, Policy, Purpose, allowed, strictest
from hemline.runtime import cookies
from hemline.runtime.cookies import CAPSULE_COOKIE, VISITOR_COOKIE
from hemline.runtime.http import PRIVATE, HttpRequest, HttpResponse
from hemline.runtime.identity import CAPSULE_HEADER, Asker, carries, moving, sign_visitor
from hemline.usecases.people.account import AccountCaller, Identified
from hemline.usecases.people.forget_person import Forgotten

_encode = msgspec.json.Encoder().encode
Keys = tuple[bytes, ...]


def identified(found: Identified, asker: Asker, request: HttpRequest, keys: Keys) -> HttpResponse:
    """200 and the device's cookies; a new visitor id when the old one belonged to another user."""
    visitor = sign_visitor(found.linked.visitor, keys)
    body = {"user": found.user, "visitor": visitor, "merged": found.linked.merged}
    answer = _with_capsule(body, f"u:{found.user}", found.consent, asker, request, keys)
    return _with_visitor(answer, found.linked.visitor, asker, request, keys)


def exported(document: Mapping[str, object]) -> HttpResponse:
    """200 with one part of the export."""
    return _json(document)


def stated(  # noqa: PLR0913, PLR0917 - who is told what, and how they asked
    consent: Consent,
    person: AccountCaller,
    policy: Policy,
    asker: Asker,
    request: HttpRequest,
    keys: Keys,
) -> HttpResponse:
    """200 with the purposes allowed from now on, and a capsule that carries the consent."""
    found = () if person.opted_out else allowed(consent, policy, person.country)
    body = {"purposes": {purpose.value: purpose in found for purpose in Purpose}}
    answer = _with_capsule(body, person.subject, consent, asker, request, keys)
    return _with_visitor(answer, person.visitor, asker, request, keys)


def without_id(
    answer: HttpResponse, consent: Consent, asker: Asker, request: HttpRequest, keys: Keys
) -> HttpResponse:
    """Removes the cookie of an erased visitor; the next event gets a new id. The device keeps a refusal."""
    said = strictest((consent, asker.capsule.consent if asker.capsule else consent))
    kept = Capsule(asker.subject or "", Consent(refused=said.refused, at=said.at))
    no = cookies.ended(request, CAPSULE_COOKIE)
    if said.refused:
        no = cookies.handed(request, CAPSULE_COOKIE, capsules.encode(kept, keys))
    return answer._replace(cookies=(*cookies.ended(request, VISITOR_COOKIE), *no))


def opted_out() -> HttpResponse:
    """200 for a browser that opts out and has no id yet: its opt-out refuses every purpose."""
    return _json({"purposes": {purpose.value: False for purpose in Purpose}})


def erased(found: Forgotten, request: HttpRequest) -> HttpResponse:
    """200 with what is erased now and what follows later; removes the cookies."""
    body = {
        "erased": ["profile", "links", "events in the archive, for every reader"],
        "people": len(found.subjects),
        "at": found.at,
        "follows": {
            "events in stored bytes": "with the next sweeps of the archive",
            "statistics": "with the next edition",
            "settled_at": found.settled_at,
        },
    }
    names = (VISITOR_COOKIE, CAPSULE_COOKIE)
    gone = tuple(one for name in names for one in cookies.ended(request, name))
    return _json(body)._replace(cookies=gone)


def _with_visitor(
    answer: HttpResponse, visitor: str | None, asker: Asker, request: HttpRequest, keys: Keys
) -> HttpResponse:
    """Sets the visitor cookie when the id or its cookie name changed, unless the browser opts out."""
    known = visitor == asker.visitor and moving(request, keys) != visitor
    if visitor is None or known or asker.opted_out:
        return answer
    kept = cookies.handed(request, VISITOR_COOKIE, sign_visitor(visitor, keys))
    return answer._replace(cookies=(*kept, *answer.cookies))


def _with_capsule(  # noqa: PLR0913, PLR0917 - who is told what, and how they asked
    body: Mapping[str, object],
    subject: str,
    consent: Consent,
    asker: Asker,
    request: HttpRequest,
    keys: Keys,
) -> HttpResponse:
    old = asker.capsule
    mine = old if old and capsules.belongs_to(old, subject) else Capsule(subject)
    text = capsules.encode(
        capsules.update(msgspec.structs.replace(mine, consent=consent), ()), keys
    )
    answer, (cookie, header) = _json(body), carries(request)
    if header:
        answer = answer._replace(headers={**answer.headers, CAPSULE_HEADER: text})
    kept = cookies.handed(request, CAPSULE_COOKIE, text) if cookie else ()
    return answer._replace(cookies=kept)


def _json(body: Mapping[str, object]) -> HttpResponse:
    return HttpResponse(
        HTTPStatus.OK, _encode(body), {**PRIVATE, "Content-Type": "application/json"}
    )
