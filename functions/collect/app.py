"""POST /v1/events: answers once the stream holds the events. Also the 404 for unknown routes.

A caller's mistake is a 4xx that names the field, or a reason for each event. If the stream does not
hold an event, the answer is a 503 with Retry-After that lists the events to send again.
"""

import time

from hemline.model.errors import HemlineError, UnknownRoute
from hemline.runtime.collect.request import caller_of
from hemline.runtime.collect.response import answer_of
from hemline.runtime.collect.wiring import wire
from hemline.runtime.guard import guarded
from hemline.runtime.http import HttpRequest, Payload, problem
from hemline.runtime.limits import Clients
from hemline.runtime.logs import log, metric
from hemline.runtime.settings import load
from hemline.usecases.ingest.collect import NO_CONSENT, NOT_DURABLE, collect_events
from hemline.usecases.ingest.collected import Collected

settings = load()
clients = Clients("collect", settings)
deps = wire(settings, clients)

_WAY_OUT = "See docs/openapi.json for what there is."


@guarded
@clients.budget.within
def handler(event: Payload, _context: object) -> dict[str, object]:
    """One HTTP API event (payload 2.0) in, one answer out."""
    request = HttpRequest(event)
    now = time.time_ns() // 1_000_000
    try:
        if event.get("routeKey") == "$default":
            raise UnknownRoute("path", "names nothing with this method.", _WAY_OUT)
        body = request.body()
        collected = collect_events(body, caller_of(request, body, settings, now), deps, now)
    except HemlineError as error:
        return problem(error).to_payload()
    _report(collected)
    return answer_of(collected, request, settings.keys).to_payload()


def _report(collected: Collected) -> None:
    metric(
        "Hemline",
        {"Site": settings.site},
        Accepted=collected.accepted,
        Rejected=len(collected.rejected),
        NoConsent=collected.rejected_for(NO_CONSENT),
        NotDurable=collected.rejected_for(NOT_DURABLE),
    )
    if collected.fault:
        log("ERROR", "events are not durable", fault=collected.fault)
