"""The one loop of every import: batches down a road, a report at the end."""

import time
from collections.abc import Callable, Iterator

from workbench.importers.door import Road
from workbench.importers.report import Report
from workbench.importers.wire import Batch, Stream, Unreadable, batches

Watch = Callable[[Report], None]
"""Called after each batch, for a progress bar."""


def run(stream: Stream, road: Road, watch: Watch = lambda _: None) -> Report:
    """Send everything. Raises Unavailable when the road stays closed; what was sent is sent."""
    report, started = Report(), time.monotonic()
    for batch in batches(_readable(stream, report)):
        _send(batch, road, report)
        report.seconds = time.monotonic() - started
        watch(report)
    return report


def _readable(stream: Stream, report: Report) -> Iterator[bytes]:
    for made in stream.events:
        report.read += 1
        if isinstance(made, Unreadable):
            report.reject(made.reason, made.where)
        else:
            yield made


def _send(batch: Batch, road: Road, report: Report) -> None:
    sent = road.send(batch)
    report.accepted += sent.accepted
    for one in sent.rejected:
        report.reject(one.reason, f"event {batch.start + one.index + 1}: {one.id or '?'}")
