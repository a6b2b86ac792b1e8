"""Publishes a new edition of the site, live at once, on a schedule or an operator's command.

Safe to run twice and concurrently: of two publishes the slower one changes nothing and says so.
An exception fails the invocation, so the error alarm and Lambda's retries see it.
"""

import time

import msgspec
from aws_lambda_powertools import Logger, Metrics

from hemline.model.errors import BadInput, Conflict
from hemline.runtime.guard import guarded
from hemline.runtime.limits import Clients
from hemline.runtime.publish import wiring
from hemline.runtime.publish.response import published
from hemline.runtime.publish.wiring import Command, check_live
from hemline.runtime.settings import load
from hemline.usecases.publishing import publish
from hemline.usecases.publishing.publish import NOTHING_GIVEN, Given

settings = load()
clients = Clients("publish", settings)
deps = wiring.wire(settings, clients)
seen: set[tuple[object, str]] = set()
"""Edition and inputs of the last scheduled publish here: an idle site costs a listing, not a fold."""
logger = Logger(service="publish")
metrics = Metrics(namespace="Hemline", service="publish")
metrics.set_default_dimensions(Site=settings.site)


@guarded
@clients.budget.within
def handler(event: dict[str, object], _context: object) -> dict[str, object]:
    """Figures of the edition that was published, or why none was."""
    command = wiring.command_of(event, settings.site)
    try:
        return _run(command) if command else _scheduled()
    except Conflict as lost:
        logger.warning("lost", extra={"reason": str(lost)})
        return {"swapped": False, "lost": str(lost)}
    except BadInput as wrong:
        if command:
            raise
        # A new stack without a site file yet is not an incident.
        logger.warning("nothing to publish", extra={"reason": str(wrong)})
        return {"swapped": False, "waits": str(wrong)}


def _scheduled() -> dict[str, object]:
    if publish.is_held(settings.site, deps):
        # A scheduled publish must not undo an operator's rollback.
        logger.warning("held: an older edition was made live; publish by command to go on")
        return {"swapped": False, "held": True}
    # Read before the publish: events archived during it belong to the next one.
    current = publish.inputs(settings.site, deps)
    pointer = deps.pointers.read_pointer(settings.site)
    if pointer and (pointer.digest, current) in seen:
        return {"swapped": False, "idle": True}
    check_live(deps, settings)
    result = _publish(time.time_ns() // 1_000_000)
    seen.clear()
    seen.add((result["edition"], current))
    return result


def _run(command: Command) -> dict[str, object]:
    if command.rollback:
        entry = publish.roll_back(settings.site, deps, command.wanted)
        logger.warning("rolled back", extra={"edition": entry.edition[:16]})
        return msgspec.structs.asdict(entry)
    built = wiring.build_time_of(command, time.time_ns() // 1_000_000)
    if command.site_file is None:
        check_live(deps, settings)
    return _publish(built, wiring.given_by(command, settings))


def _publish(built: int, given: Given = NOTHING_GIVEN) -> dict[str, object]:
    result = publish.publish_edition(settings.site, deps, built=built, given=given)
    return published(result, logger, metrics)
