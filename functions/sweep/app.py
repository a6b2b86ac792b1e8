"""On a schedule: erases forgotten people from archive, quarantine and failed batches, old versions too.

Resumes where the last call stopped; ends when all is done or time runs short. It is a separate function
because code that can delete the archive must not be reachable from outside.
"""

import time

import msgspec

from hemline.runtime.guard import guarded
from hemline.runtime.limits import Clients
from hemline.runtime.logs import log, metric
from hemline.runtime.settings import load
from hemline.runtime.sweep.wiring import LambdaContext, wire
from hemline.usecases.people.forget_archive import sweep_on

settings = load()
clients = Clients("sweep", settings)
deps = wire(settings, clients)
_LEAST_MS = 90_000
"""Remaining time needed to begin another piece of the sweep; a piece takes less."""


@guarded
@clients.budget.within
def handler(_event: object, context: LambdaContext) -> dict[str, object]:
    """What was done: counts and object keys, no personal data."""
    now = time.time_ns() // 1_000_000
    swept = sweep_on(deps, now, lambda: context.get_remaining_time_in_millis() > _LEAST_MS)
    if swept.unreadable:
        log("ERROR", "nobody can be looked for in these", objects=swept.unreadable)
    log("INFO", "swept", looked=swept.looked, done=swept.done)
    metric(
        "Hemline",
        {"Site": settings.site},
        Swept=swept.deleted + swept.cleaned,
        Forgetting=swept.waiting,
        Unreadable=len(swept.unreadable),
    )
    return msgspec.structs.asdict(swept)
