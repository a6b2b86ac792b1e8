"""A throw-away emulator with one table and one bucket a variant, for the benchmarks that need AWS."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import boto3

from hemline.adapters.aws.client import AwsClient, connect
from hemline.adapters.aws.connections import drop_connections
from hemline.adapters.aws.credentials import Credentials
from hemline.adapters.aws.dynamodb import DynamoTable
from hemline.adapters.aws.s3 import S3Objects
from workbench.cloud import emulator
from workbench.laptop import ENVIRONMENTS

KEYS = Credentials("000000000042", "bench")
"""Twelve digits: an account of its own in the emulator."""


class BenchStores(NamedTuple):
    """The emulator's address, and what is made in it."""

    endpoint: str

    def create(self, name: str) -> None:
        """A table and a bucket of this name."""
        self.resource("s3").create_bucket(Bucket=name)
        keys = {"pk": "HASH", "sk": "RANGE"}
        self.resource("dynamodb").create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": k, "KeyType": kind} for k, kind in keys.items()],
            AttributeDefinitions=[{"AttributeName": k, "AttributeType": "S"} for k in keys],
        )

    def table(self, name: str) -> DynamoTable:
        """Our own adapter over it."""
        return DynamoTable(self._client("dynamodb"), name)

    def objects(self, name: str) -> S3Objects:
        """Our own adapter over it."""
        return S3Objects(self._client("s3"), name)

    def resource(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes the class at run time
        """What a beginner uses."""
        make: Any = boto3.resource
        return make(
            service,
            endpoint_url=self.endpoint,
            region_name=emulator.REGION,
            aws_access_key_id=KEYS.access_key,
            aws_secret_access_key=KEYS.secret_key,
        )

    def _client(self, service: str) -> AwsClient:
        return connect(
            service, region=emulator.REGION, endpoint=self.endpoint, credentials=lambda _: KEYS
        )


@contextmanager
def stores() -> Iterator[BenchStores]:
    """An emulator for the length of a block."""
    with TemporaryDirectory() as folder:
        python = ENVIRONMENTS / "cloud/bin/python"
        with emulator.running(python, Path(folder)) as running:
            yield BenchStores(running.endpoint)
            drop_connections()
