"""The naive variant as a Lambda function: the whole service as globals of one file.

It reads the same edition from the same bucket, and the same profile (as JSON) from the same table.
"""

import os
import time
from typing import Any

import boto3
import msgspec
from pydantic import BaseModel

from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.render.reasons import item_of
from hemline.model.edition import unpack
from hemline.model.keys import edition_object, profile_partition
from hemline.model.signed import verify
from workbench.bench.naive.decide import NaiveService

NAIVE_SORT = "naive"
_SITE = os.environ["HEMLINE_SITE"]
_KEYS = tuple(key.encode() for key in os.environ["HEMLINE_KEYS"].split(","))
_make: Any = boto3.resource
_table = _make("dynamodb").Table(os.environ["HEMLINE_TABLE"])
_bucket = _make("s3").Bucket(os.environ["HEMLINE_BUCKET"])


class NaiveRequest(BaseModel):
    """One slot of the request."""

    name: str
    candidates: list[str]


class Body(BaseModel):
    """The request."""

    slots: list[NaiveRequest]


def _service() -> tuple[NaiveService, Snapshot]:
    pointer = _table.get_item(Key={"pk": f"{_SITE}|", "sk": "pointer"})["Item"]
    data = _bucket.Object(edition_object(_SITE, pointer["digest"])).get()["Body"].read()
    snapshot = Snapshot(unpack(data, site=_SITE))
    currency = snapshot.header.currency
    found = [item_of(snapshot, index) for index in range(len(snapshot.item_ids))]
    items = tuple(
        item if item.currency else msgspec.structs.replace(item, currency=currency)
        for item in found
    )
    ranker = bytes(snapshot.edition.raw("ranker_onnx"))
    return NaiveService(snapshot, items, ranker, _KEYS[0]), snapshot


_naive, _snapshot = _service()


def handler(event: dict[str, Any], _context: object) -> dict[str, object]:
    """One HTTP API event in, one answer out."""
    wanted = Body.model_validate_json(event["body"]).slots[0]
    visitor = verify("visitor", event["headers"]["hemline-visitor"], _KEYS).decode()
    key = {"pk": profile_partition(_SITE, f"v:{visitor}"), "sk": NAIVE_SORT}
    stored = _table.get_item(Key=key)["Item"]["json"]
    now = time.time_ns() // 1_000_000
    limit = _snapshot.slots[wanted.name].limit
    answer = _naive.decide(stored, wanted.candidates, limit, now - now % 60_000, slot=wanted.name)
    body = f'{{"fragments":{{"{wanted.name}":{answer}}}}}'
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": body}
