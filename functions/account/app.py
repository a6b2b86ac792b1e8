"""What a person may ask of us: sign in, see everything, say what is allowed, be forgotten.

Who asks is a user token or the visitor's cookie, never an id that a caller names.
"""

import time
from collections.abc import Callable

from hemline.model.errors import HemlineError
from hemline.runtime import account_in, account_out
from hemline.runtime.guard import guarded
from hemline.runtime.http import Answer, Payload, Request, problem, status_of
from hemline.runtime.identity import Asker
from hemline.runtime.limits import Clients
from hemline.runtime.logs import log
from hemline.runtime.origins import is_cross_site
from hemline.runtime.settings import load
from hemline.runtime.wire_account import wire
from hemline.usecases import account
from hemline.usecases.account import Person
from hemline.usecases.forget_person import forget
from hemline.usecases.new_visitor import speaker, tombstone_of

settings = load()
clients = Clients("account", settings)
deps, forgetting = wire(settings, clients)


@guarded
@clients.budget.within
def handler(event: Payload, _context: object) -> dict[str, object]:
    """One HTTP API event (payload 2.0) in, one answer out."""
    request, now = Request(event), time.time_ns() // 1_000_000
    route = event["routeKey"]
    try:
        asker, person = account_in.asker(request, settings, now)
        answer = _ROUTES[route](request, asker, person, now)
    except HemlineError as error:
        # Which kind, never of whom: a conflict's own text names a subject.
        log("WARN", "refused", route=route, fault=type(error).__name__, status=status_of(error))
        return problem(error).to_payload()
    log("INFO", "answered", route=route)
    return answer.to_payload()


def _identify(request: Request, asker: Asker, person: Person, now: int) -> Answer:
    found = account.identify(person, deps, now)
    return account_out.identified(found, asker, request, settings.keys)


def _export(request: Request, asker: Asker, person: Person, now: int) -> Answer:
    page, tombstone = account_in.page_of(request), tombstone_of(person, deps)
    answer = account_out.exported(account.export(person, page, deps, now))
    if tombstone is None or is_cross_site(request, settings.origins):
        return answer
    return account_out.without_id(answer, tombstone.consent, asker, request, settings.keys)


def _state(request: Request, asker: Asker, person: Person, now: int) -> Answer:
    choices = account_in.choices_of(request)
    person, choices = speaker(person, choices, deps)
    if person.nobody:
        return account_out.opted_out()
    consent = account.state(person, choices, deps, now)
    return account_out.stated(consent, person, deps.policy, asker, request, settings.keys)


def _forget(request: Request, _asker: Asker, person: Person, now: int) -> Answer:
    return account_out.erased(forget(settings.site, person.subject, forgetting, now), request)


_ROUTES: dict[str, Callable[[Request, Asker, Person, int], Answer]] = {
    "POST /v1/identify": _identify,
    "GET /v1/me": _export,
    "HEAD /v1/me": _export,
    "PUT /v1/me/consent": _state,
    "DELETE /v1/me": _forget,
}
