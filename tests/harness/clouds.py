"""An emulated AWS account: where it listens, and fresh tables, streams and buckets in it."""

import time
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import boto3
from botocore.config import Config

from tests.builders.template import table_definition

REGION = "us-east-1"
_names = count(1)


@dataclass
class Cloud:
    """`name` is what the contract tests print: moto or ministack."""

    name: str
    endpoint: str
    clients: dict[str, Any] = field(default_factory=dict)

    def boto(self, service: str) -> Any:
        """A boto3 client, to look from the other side at what our own client did."""
        if service not in self.clients:
            config = Config(connect_timeout=5, read_timeout=30, retries={"total_max_attempts": 1})
            make: Any = boto3.client  # one typed overload a service, none for a name in a variable
            self.clients[service] = make(
                service, endpoint_url=self.endpoint, region_name=REGION, config=config
            )
        return self.clients[service]

    def make_table(self) -> str:
        """An empty table with the keys of template.yaml."""
        name = f"table-{next(_names)}"
        self.boto("dynamodb").create_table(
            TableName=name, BillingMode="PAY_PER_REQUEST", **table_definition()
        )
        return name

    def make_stream(self, shards: int = 2) -> str:
        """An empty stream, ready."""
        name = f"stream-{next(_names)}"
        kinesis = self.boto("kinesis")
        kinesis.create_stream(StreamName=name, ShardCount=shards)
        until = time.monotonic() + 30
        while _status(kinesis, name) != "ACTIVE":
            assert time.monotonic() < until, "the stream never became active"
            time.sleep(0.05)
        return name

    def make_bucket(self) -> str:
        """An empty bucket."""
        name = f"bucket-{next(_names)}"
        self.boto("s3").create_bucket(Bucket=name)
        return name

    def records(self, stream: str) -> list[tuple[str, bytes]]:
        """(partition key, data) of all that the stream holds, shard after shard."""
        kinesis = self.boto("kinesis")
        found: list[tuple[str, bytes]] = []
        for shard in kinesis.list_shards(StreamName=stream)["Shards"]:
            iterator = kinesis.get_shard_iterator(
                StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
            while True:
                page = kinesis.get_records(ShardIterator=iterator, Limit=1000)
                if not page["Records"]:
                    break
                found += [(r["PartitionKey"], r["Data"]) for r in page["Records"]]
                iterator = page["NextShardIterator"]
        return found

    def close(self) -> None:
        """Close the clients' sockets."""
        for client in self.clients.values():
            client.close()


def _status(kinesis: Any, stream: str) -> str:
    summary = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]
    return str(summary["StreamStatus"])
