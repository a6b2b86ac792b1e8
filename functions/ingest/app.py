"""A batch of the event stream, into archive and profiles.

Delivery semantics: the answer names the first record that was not applied (ReportBatchItemFailures),
and the stream delivers again from there. Records beyond it that were applied are recognised as repeats.
Unreadable records go to quarantine, so they do not block the shard.
"""

import base64
import time
from collections.abc import Iterator, Mapping
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from hemline.runtime.guard import guarded
from hemline.runtime.ingest.wiring import wire
from hemline.runtime.limits import Clients
from hemline.runtime.settings import load
from hemline.usecases.ingest.batch import StreamRecord, ingest_batch

settings = load()
clients = Clients("ingest", settings)
deps = wire(settings, clients)
logger = Logger(service="ingest")
metrics = Metrics(namespace="Hemline", service="ingest")
metrics.set_default_dimensions(Site=settings.site)


@guarded
@clients.budget.within
@metrics.log_metrics
def handler(event: Mapping[str, Any], _context: object) -> dict[str, object]:
    """One Kinesis event in, a partial batch response out."""
    result = ingest_batch(list(_records(event)), deps, time.time_ns() // 1_000_000)
    for outcome, count in result.counts.items():
        metrics.add_metric(outcome.capitalize(), MetricUnit.Count, count)
    # Log counts and sequence numbers only: no subjects and no payloads.
    logger.info("ingested", extra={"counts": dict(result.counts)})
    if result.failures:
        about = {"checkpoints": result.failures, "faults": result.faults}
        logger.error("deliver again from here", extra=about)
    return {"batchItemFailures": [{"itemIdentifier": number} for number in result.failures]}


def _records(event: Mapping[str, Any]) -> Iterator[StreamRecord]:
    for record in event["Records"]:
        kinesis = record["kinesis"]
        yield StreamRecord(
            shard=record["eventID"].partition(":")[0],
            sequence=kinesis["sequenceNumber"],
            data=base64.b64decode(kinesis["data"]),
            arrived=int(kinesis["approximateArrivalTimestamp"] * 1000),
        )
