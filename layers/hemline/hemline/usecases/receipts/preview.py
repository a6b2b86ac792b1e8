"""Previews a page for a given visitor: decided and explained, counted nowhere."""

import time
from collections.abc import Collection
from typing import NamedTuple

from hemline.decide.facts.facts import FactSource
from hemline.decide.page import PageRequest
from hemline.decide.token import TokenContext
from hemline.model.decision import Visit
from hemline.model.durations import MINUTE_MS
from hemline.model.errors import Unavailable
from hemline.usecases.ports import ServingRead
from hemline.usecases.receipts.explain import Explained, explained, watched
from hemline.usecases.receipts.what_if import with_segments
from hemline.usecases.serving.decide_page import Deps, PageDecision
from hemline.usecases.serving.fact_providers import brake_fact, fact_providers
from hemline.usecases.serving.visitor_context import VisitorContext, consents, effective_visit

_TIMEOUT_SECONDS = 1.2
"""Seconds for the read, and for an edition: who previews would rather wait than see a lower rung."""


NEWCOMER = Visit("v:preview~", consent=True)
"""Whoever is in a segment, where nobody is named: somebody who agreed, with no history here.

No visitor id is spelt so, and nothing is read of it. As nobody at all, what needs a visitor could
never be seen by segment: a frequency cap, which shows nothing where it cannot count, or an own arm.
"""


class Previewed(NamedTuple):
    """Fragments without tokens, and how each came about."""

    decided: PageDecision
    explanations: dict[str, Explained]


def preview(
    page_request: PageRequest, visit: Visit, deps: Deps, now: int, segments: Collection[str] = ()
) -> Previewed:
    """Decide as a member of `segments`; a visit without a subject becomes NEWCOMER. `now` in epoch ms.

    Raises UnknownSlot, BadInput for a segment that there is not, Unavailable when there is no edition.
    """
    if segments and visit.subject is None:
        visit = NEWCOMER
    serving_read = _read(page_request, visit, deps)
    engine = deps.live.engine
    if engine is None:
        raise Unavailable("edition", "there is none yet")
    engine = with_segments(engine, dict.fromkeys(segments, True))
    visit = effective_visit(visit, serving_read, engine, page_request.traits.country)
    visitor = VisitorContext(visit, serving_read, engine, now - now % MINUTE_MS)
    source = FactSource(fact_providers(page_request, visitor) | brake_fact(deps.live.brake))
    seen = watched(
        engine, page_request, source, TokenContext(deps.keys, counts=False), time.perf_counter
    )
    explanations = {name: explained(seen, name, visitor.minute) for name in seen.fragments}
    decided = PageDecision(seen.fragments, engine.snapshot.digest, (), errors=page_request.left_out)
    return Previewed(decided, explanations)


def _read(page_request: PageRequest, visit: Visit, deps: Deps) -> ServingRead | Unavailable:
    # Whoever previews may be no visitor who agreed: the same rule as for every other request.
    agreed = consents(visit, deps.live.engine, page_request.traits.country)
    subject = visit.subject if agreed and visit is not NEWCOMER else None
    try:
        serving_read = deps.reader.read_for_serving(
            deps.site, subject, pointer=True, timeout=_TIMEOUT_SECONDS
        )
    except Unavailable as why:
        return why
    deps.live.follow(serving_read.pointer, serving_read.brake, _TIMEOUT_SECONDS)
    return serving_read
