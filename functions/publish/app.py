"""A schedule, or an operator's command → a new edition of the site, live at once.

Safe to run twice and at the same time: of two publishes the slower one changes nothing and says so.
What is raised fails the invocation, so that the alarm on errors and Lambda's own retries see it.
"""

import time

import msgspec
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from hemline.model.errors import BadInput, Conflict
from hemline.runtime.guard import guarded
from hemline.runtime.limits import Clients
from hemline.runtime.publish.wiring import (
    Command,
    check_live,
    command_of,
    compile_site,
    moment_of,
    wire,
)
from hemline.runtime.settings import load
from hemline.usecases.publishing.publish import (
    NOTHING_GIVEN,
    Given,
    inputs,
    is_held,
    publish_edition,
    roll_back,
)

settings = load()
clients = Clients("publish", settings)
places = wire(settings, clients)
seen: set[tuple[object, str]] = set()
"""Edition and inputs of this process's last scheduled publish: an idle site costs a listing, not a fold."""
logger = Logger(service="publish")
metrics = Metrics(namespace="Hemline", service="publish")
metrics.set_default_dimensions(Site=settings.site)


@guarded
@clients.budget.within
def handler(event: dict[str, object], _context: object) -> dict[str, object]:
    """Figures of the edition that was published, or why none was."""
    command = command_of(event, settings.site)
    try:
        return _run(command) if command else _scheduled()
    except Conflict as lost:
        logger.warning("lost", extra={"reason": str(lost)})
        return {"swapped": False, "lost": str(lost)}
    except BadInput as wrong:
        if command:
            raise
        # A stack that waits for its first site file is no incident.
        logger.warning("nothing to publish", extra={"reason": str(wrong)})
        return {"swapped": False, "waits": str(wrong)}


def _scheduled() -> dict[str, object]:
    if is_held(settings.site, places):
        # The next quarter of an hour must not undo what a person has done on purpose.
        logger.warning("held: an older edition was made live; publish by command to go on")
        return {"swapped": False, "held": True}
    # Before the publish: what is archived meanwhile is for the next one.
    current = inputs(settings.site, places)
    pointer = places.pointers.read_pointer(settings.site)
    if pointer and (pointer.digest, current) in seen:
        return {"swapped": False, "idle": True}
    check_live(places, settings)
    result = _publish(time.time_ns() // 1_000_000)
    seen.clear()
    seen.add((result["edition"], current))
    return result


def _run(command: Command) -> dict[str, object]:
    if command.rollback:
        entry = roll_back(settings.site, places, command.wanted)
        logger.warning("rolled back", extra={"edition": entry.edition[:16]})
        return msgspec.structs.asdict(entry)
    built = moment_of(command, time.time_ns() // 1_000_000)
    if command.site_file is None:
        check_live(places, settings)
        return _publish(built)
    site = compile_site(command.site_file, settings)
    return _publish(built, Given(site, allow_removals=command.allow_removals))


def _publish(built: int, given: Given = NOTHING_GIVEN) -> dict[str, object]:
    result = publish_edition(settings.site, places, built=built, given=given)
    for line in result.notes:
        logger.warning(line)
    logger.info("published", extra={"edition": result.edition[:16], "swapped": result.swapped})
    flagged = {f"Flagged{flag.capitalize()}": count for flag, count in result.flagged.items()}
    for name, count in {"Items": result.items, "Counted": result.counted, **flagged}.items():
        metrics.add_metric(name, MetricUnit.Count, count)
    metrics.flush_metrics()
    return msgspec.structs.asdict(result) | {"notes": list(result.notes)}
