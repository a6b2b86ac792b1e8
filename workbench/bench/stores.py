"""A temporary emulator with a table and a bucket per variant, for the benchmarks that need AWS."""

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
"""The access key is a twelve-digit account id, which gives the bench its own account in the emulator."""


class BenchStores(NamedTuple):
    """The emulator's address, with methods that create and open stores in it."""

    endpoint: str

    def create(self, name: str) -> None:
        """Create a table and a bucket with this name."""
        self.resource("s3").create_bucket(Bucket=name)
        keys = {"pk": "HASH", "sk": "RANGE"}
        self.resource("dynamodb").create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": k, "KeyType": kind} for k, kind in keys.items()],
            AttributeDefinitions=[{"AttributeName": k, "AttributeType": "S"} for k in keys],
        )

    def table(self, name: str) -> DynamoTable:
        """The table, through Hemline's adapter."""
        return DynamoTable(self._client("dynamodb"), name)

    def objects(self, name: str) -> S3Objects:
        """The bucket, through Hemline's adapter."""
        return S3Objects(self._client("s3"), name)

    def resource(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes the class at run time
        """A boto3 resource, which is what the naive variant uses."""
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
    """Run an emulator for the length of the block."""
    with TemporaryDirectory() as folder:
        python = ENVIRONMENTS / "cloud/bin/python"
        with emulator.running(python, Path(folder)) as running:
            yield BenchStores(running.endpoint)
            drop_connections()
