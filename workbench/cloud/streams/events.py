"""The two documents of a Kinesis event source mapping: a function's event, and a batch given up.

Pure: the shapes are those of AWS, written in one place.
"""

import base64
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from workbench.cloud.streams.delivery import DeliveryEntry, Exhausted
from workbench.cloud.template import ACCOUNT, EventSource


class Origin(NamedTuple):
    """The source of a batch: event source mapping, shard and region."""

    source: EventSource
    shard: str
    region: str

    @property
    def stream(self) -> str:
        """The stream's ARN."""
        return f"arn:aws:kinesis:{self.region}:{ACCOUNT}:stream/{self.source.stream}"

    @property
    def function(self) -> str:
        """The function's ARN."""
        return f"arn:aws:lambda:{self.region}:{ACCOUNT}:function:{self.source.function}"


def kinesis_event(entries: Sequence[DeliveryEntry], origin: Origin) -> dict[str, object]:
    """The event that a function is called with."""
    return {"Records": [_record(entry, origin) for entry in entries]}


def failed_document(batch: Exhausted, origin: Origin, now: datetime) -> dict[str, object]:
    """What AWS writes to the bucket for a batch that it gave up; `payload` is the whole event."""
    first, last = batch.entries[0], batch.entries[-1]
    return {
        "requestContext": {
            "requestId": f"{origin.shard}:{first.sequence}",
            "functionArn": origin.function,
            "condition": batch.condition,
            "approximateInvokeCount": batch.attempts,
        },
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": "Unhandled",
        },
        "version": "1.0",
        "timestamp": now.isoformat(timespec="milliseconds"),
        "KinesisBatchInfo": {
            "shardId": origin.shard,
            "startSequenceNumber": first.sequence,
            "endSequenceNumber": last.sequence,
            "approximateArrivalOfFirstRecord": _iso(first.arrived),
            "approximateArrivalOfLastRecord": _iso(last.arrived),
            "batchSize": len(batch.entries),
            "streamArn": origin.stream,
        },
        "payload": json.dumps(kinesis_event(batch.entries, origin)),
    }


def destination_key(origin: Origin, at: datetime, unique: str) -> str:
    """The object key under which AWS writes a failed batch."""
    folder = f"aws/lambda/{origin.source.name}/{origin.shard}/{at:%Y/%m/%d}"
    return f"{folder}/{at:%Y-%m-%dT%H.%M.%S}-{unique}"


def _record(entry: DeliveryEntry, origin: Origin) -> dict[str, object]:
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": entry.partition,
            "sequenceNumber": entry.sequence,
            "data": base64.b64encode(entry.data).decode(),
            "approximateArrivalTimestamp": entry.arrived,
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{origin.shard}:{entry.sequence}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": f"arn:aws:iam::{ACCOUNT}:role/{origin.source.function}",
        "awsRegion": origin.region,
        "eventSourceARN": origin.stream,
    }


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
