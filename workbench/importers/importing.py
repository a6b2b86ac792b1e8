"""The loop of every import: sends batches down a road and makes a report."""

import time
from collections.abc import Callable, Iterator

from hemline.model.errors import HemlineError
from workbench.importers.http_road import Road
from workbench.importers.report import ImportReport
from workbench.importers.wire import Batch, Event, Placed, Unreadable, WireEvents, batches

Watch = Callable[[ImportReport], None]
"""Called after each batch, for a progress bar."""


def run(stream: WireEvents, road: Road, watch: Watch = lambda _: None) -> ImportReport:
    """Send every event that can be read. An error ends the import; what was sent stays sent.

    The report has the counts, and the error that ended it early.
    """
    report, started = ImportReport(), time.monotonic()
    try:
        for batch in batches(_readable(stream, report)):
            _send(batch, road, report)
            report.seconds = time.monotonic() - started
            watch(report)
    except HemlineError as error:
        report.stop(error)
    return report


def _readable(stream: WireEvents, report: ImportReport) -> Iterator[Event]:
    for made in stream.events:
        report.read += 1
        if isinstance(made, Unreadable):
            report.reject(made.reason, made.where)
            continue
        if isinstance(made, Placed) and made.replaces:
            report.replace(made.where, made.replaces)
        yield made


def _send(batch: Batch, road: Road, report: ImportReport) -> None:
    sent = road.send(batch)
    report.accepted += sent.accepted
    for one in sent.rejected:
        report.reject(one.reason, f"{batch.where(one.index)}: {one.id or '?'}")
