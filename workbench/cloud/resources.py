"""Creates the tables, streams and buckets of template.yaml in the emulator when they are missing.

Their properties come from the template, so that the laptop's table has the same keys as the one on AWS.
Knows no function.
"""

from collections.abc import Callable
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from workbench.cloud.template import Stack

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
"""The emulator accepts any; these map to the account in the template's ARNs."""

_EXISTS_CODES = {
    "ResourceInUseException",
    "BucketAlreadyOwnedByYou",
    "BucketAlreadyExists",
}


def client(service: str, endpoint: str, region: str) -> Any:  # noqa: ANN401 - one factory for three services
    """A boto3 client for the emulator, with bounded waits."""
    make: Callable[..., Any] = boto3.client
    return make(
        service,
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        config=Config(connect_timeout=2, read_timeout=10, retries={"total_max_attempts": 2}),
    )


def create(stack: Stack, endpoint: str, region: str) -> None:
    """Create what is missing; existing resources and their data stay unchanged."""
    dynamodb = client("dynamodb", endpoint, region)
    for name, properties in stack.tables.items():
        _once(dynamodb.create_table, TableName=name, **_only(properties, *_TABLE_KEYS))
    kinesis = client("kinesis", endpoint, region)
    for name, properties in stack.streams.items():
        _once(kinesis.create_stream, StreamName=name, **_stream(properties))
    s3 = client("s3", endpoint, region)
    for name, properties in stack.buckets.items():
        _once(s3.create_bucket, Bucket=name)
        if "VersioningConfiguration" in properties:
            kept = properties["VersioningConfiguration"]
            s3.put_bucket_versioning(Bucket=name, VersioningConfiguration=kept)


_TABLE_KEYS = (
    "BillingMode",
    "AttributeDefinitions",
    "KeySchema",
    "GlobalSecondaryIndexes",
    "StreamSpecification",
)


def _only(properties: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: properties[key] for key in keys if key in properties}


def _stream(properties: dict[str, Any]) -> dict[str, Any]:
    shards = properties.get("ShardCount")
    wanted = _only(properties, "StreamModeDetails")
    return {**wanted, "ShardCount": int(shards)} if shards is not None else wanted


def _once(call: Callable[..., object], **arguments: object) -> None:
    try:
        call(**arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] not in _EXISTS_CODES:
            raise
