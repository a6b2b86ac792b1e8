"""The naive stream consumer for `bench ingest`, as a competent beginner writes it.

A boto3 resource, pydantic for every record, one read and one write per event.
"""

import json
from typing import Any

from pydantic import BaseModel

from hemline.model.keys import PROFILE_SORT, profile_partition


class NaiveLine(BaseModel):
    """One item of an event."""

    item: str
    quantity: int = 1


class NaiveEvent(BaseModel):
    """What happened."""

    id: str
    type: str
    time: int
    lines: list[NaiveLine] = []


class NaiveRecord(BaseModel):
    """A record of the stream."""

    site: str
    subject: str
    received: int
    event: NaiveEvent
    country: str = ""
    device: str = ""


class NaiveIngestProfile(BaseModel):
    """A visitor's stored profile: event id → event."""

    events: dict[str, NaiveEvent] = {}


def ingest(records: list[bytes], table: Any, bucket: Any, batch: str) -> None:  # noqa: ANN401 - boto3 resources are made at run time
    """Archive the batch, then apply record after record."""
    bucket.put_object(Key=f"archive/{batch}.jsonl", Body=b"\n".join(records))
    for data in records:
        record = NaiveRecord.model_validate_json(data)
        key = {"pk": profile_partition(record.site, record.subject), "sk": PROFILE_SORT}
        found = table.get_item(Key=key, ConsistentRead=True).get("Item")
        profile = (
            NaiveIngestProfile.model_validate_json(found["json"]) if found else NaiveIngestProfile()
        )
        profile.events[record.event.id] = record.event
        table.put_item(Item={**key, "json": profile.model_dump_json()})


def events(table: Any, site: str, subject: str) -> list[tuple[int, str, str]]:  # noqa: ANN401 - as above
    """(time, type, item) of all stored events, sorted, for comparison with Hemline's profile."""
    key = {"pk": profile_partition(site, subject), "sk": PROFILE_SORT}
    kept = json.loads(table.get_item(Key=key)["Item"]["json"])["events"].values()
    return sorted((e["time"], e["type"], line["item"]) for e in kept for line in e["lines"])
