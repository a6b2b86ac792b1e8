"""A person's own data: sign in, export, state consent, be forgotten.

The caller is identified by a user token or the visitor's cookie, never by an id in the request.
"""

import time
from collections.abc import Callable

from hemline.model.errors import HemlineError
from hemline.runtime.account import request as account_in
from hemline.runtime.account import response
from hemline.runtime.account.wiring import wire
from hemline.runtime.guard import guarded
from hemline.runtime.http import HttpRequest, HttpResponse, Payload, problem, status_of
from hemline.runtime.identity import Asker
from hemline.runtime.limits import Clients
from hemline.runtime.logs import log
from hemline.runtime.origins import is_cross_site
from hemline.runtime.settings import load
from hemline.usecases.people import account
from hemline.usecases.people.account import AccountCaller
from hemline.usecases.people.ensure_visitor import resolve_subject, tombstone_of
from hemline.usecases.people.forget_person import forget

settings = load()
clients = Clients("account", settings)
deps, forgetting = wire(settings, clients)


@guarded
@clients.budget.within
def handler(event: Payload, _context: object) -> dict[str, object]:
    """One HTTP API event (payload 2.0) in, one answer out."""
    request, now = HttpRequest(event), time.time_ns() // 1_000_000
    route = event["routeKey"]
    try:
        asker, person = account_in.asker(request, settings, now)
        answer = _ROUTES[route](request, asker, person, now)
    except HemlineError as error:
        # Log the class of the error only: the text of a Conflict names a subject.
        log("WARN", "refused", route=route, fault=type(error).__name__, status=status_of(error))
        return problem(error).to_payload()
    log("INFO", "answered", route=route)
    return answer.to_payload()


def _identify(request: HttpRequest, asker: Asker, person: AccountCaller, now: int) -> HttpResponse:
    identity = account.identify(person, deps, now)
    return response.identified(identity, asker, request, settings.keys)


def _export(request: HttpRequest, asker: Asker, person: AccountCaller, now: int) -> HttpResponse:
    page, tombstone = account_in.page_of(request), tombstone_of(person, deps)
    answer = response.exported(account.export(person, page, deps, now))
    if tombstone is None or is_cross_site(request, settings.origins):
        return answer
    return response.without_id(answer, tombstone.consent, asker, request, settings.keys)


def _set_consent(
    request: HttpRequest, asker: Asker, person: AccountCaller, now: int
) -> HttpResponse:
    person, choices = resolve_subject(person, account_in.choices_of(request), deps)
    if person.nobody:
        return response.opted_out()
    consent = account.set_consent(person, choices, deps, now)
    return response.stated(consent, person, deps.policy, asker, request, settings.keys)


def _forget(request: HttpRequest, _asker: Asker, person: AccountCaller, now: int) -> HttpResponse:
    return response.erased(forget(settings.site, person.subject, forgetting, now), request)


_ROUTES: dict[str, Callable[[HttpRequest, Asker, AccountCaller, int], HttpResponse]] = {
    "POST /v1/identify": _identify,
    "GET /v1/me": _export,
    "HEAD /v1/me": _export,
    "PUT /v1/me/consent": _set_consent,
    "DELETE /v1/me": _forget,
}
