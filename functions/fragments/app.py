"""GET /v1/fragments/{slot} and POST /v1/fragments: what this visitor should see here, now.

Always answers: anything late, broken or missing steps down the ladder. Only a caller's mistake
(unknown slot, malformed body) is a 4xx. There are no 5xx.
"""

import gc
import time

# Objects made before the first request live as long as the function. Scanning them for garbage would
# cost a tenth of start-up now and pauses in requests later.
gc.disable()

from hemline.model.errors import HemlineError
from hemline.runtime.fragments.request import page_request_of
from hemline.runtime.fragments.response import answer_of
from hemline.runtime.fragments.wiring import wire
from hemline.runtime.guard import guarded
from hemline.runtime.http import HttpRequest, HttpResponse, Payload, problem
from hemline.runtime.identity import visit_of
from hemline.runtime.limits import Clients
from hemline.runtime.logs import log, metric
from hemline.runtime.settings import load
from hemline.usecases.serving.decide_page import PageDecision, decide

settings = load()
deps = wire(settings, Clients("fragments", settings))
gc.freeze()
gc.enable()


@guarded
def handler(event: Payload, _context: object) -> dict[str, object]:
    """One HTTP API event (payload 2.0) in, one answer out."""
    started = time.perf_counter()
    request = HttpRequest(event)
    try:
        if request.header("hemline-preview") or request.parameter("explain") == "1":
            return _preview(request).to_payload()
        page_request = page_request_of(request)
        now = time.time_ns() // 1_000_000
        decided = decide(page_request, visit_of(request, settings, now), deps, now)
    except HemlineError as error:
        return problem(error).to_payload()
    took_ms = (time.perf_counter() - started) * 1000
    _report(decided, took_ms)
    return answer_of(decided, request, page_request.format, took_ms).to_payload()


def _preview(request: HttpRequest) -> HttpResponse:
    from hemline.runtime.fragments.preview import answer  # noqa: PLC0415 - only previews need it

    return answer(request, deps, settings, time.time_ns() // 1_000_000)


def _report(decided: PageDecision, took_ms: float) -> None:
    rungs = [fragment.rung.value for fragment in decided.fragments.values()]
    for rung in dict.fromkeys(rungs):
        metric("Hemline", {"Site": settings.site, "Rung": rung}, Fragments=rungs.count(rung))
    for name, state in decided.breakers.items():
        metric("Hemline", {"Site": settings.site, "Breaker": f"{name} {state}"}, Breakers=1)
    unfinished = sum(fragment.unfinished for fragment in decided.fragments.values())
    if unfinished:
        metric("Hemline", {"Site": settings.site}, PatternsGivenUp=unfinished)
    faults, breakers = list(decided.faults), dict(decided.breakers)
    log("INFO", "decided", rungs=rungs, ms=round(took_ms, 2), left=faults, breakers=breakers)
