"""`bench ingest`: batches of 500 records into profiles and archive, ours beside the naive one.

Both write to one throw-away emulator, which runs in a process of its own: the CPU is that of our
code and client alone. The time on the wall is mostly the emulator's.
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import boto3

from hemline.adapters.aws import connect
from hemline.adapters.aws_credentials import Credentials
from hemline.adapters.aws_http import drop_connections
from hemline.adapters.dynamodb import DynamoTable
from hemline.adapters.memory import MemoryObjects, MemoryTable
from hemline.adapters.s3 import S3Objects
from hemline.learn.profile import BOUGHT, ENGAGED, SHOWN, TYPES, decode
from hemline.model.event import Event, Line, Record, encode_record
from hemline.usecases.ingest_batch import WORKERS, IngestDeps, StreamRecord, ingest_batch
from workbench.bench import naive_ingest
from workbench.bench.decide import Different
from workbench.bench.measure import Row, row, rounds
from workbench.cloud import emulator
from workbench.laptop import ENVIRONMENTS

BATCH = 500
PROFILES = (60, 219)
SITE = "bench"
NOW = 1_780_000_000_000
_KINDS = ("exposure", "view", "click", "add_to_cart", "purchase")
_KEYS = Credentials("000000000042", "bench")
"""Twelve digits: an account of its own in the emulator."""


class Stores(NamedTuple):
    """Two tables and two buckets of the emulator, one for each variant."""

    endpoint: str
    resource: Callable[[str], Any]
    """Service → a boto3 resource."""


def rows(*, repeats: int = 5) -> list[Row]:
    """Both numbers of profiles. Raises Different unless both variants keep the same events."""
    found: list[Row] = []
    with stores() as made:
        for profiles in PROFILES:
            found += _rows(made, profiles, repeats)
    return found


def _rows(made: Stores, profiles: int, repeats: int) -> list[Row]:
    batches = [batch(number, profiles) for number in range(repeats + 1)]
    with ThreadPoolExecutor(WORKERS) as pool:
        tables = {name: f"{name}-{profiles}" for name in ("hemline", "naive")}
        for name in tables.values():
            _create(made, name)
        ours, theirs = _ours(made, tables["hemline"], pool), made.resource("dynamodb")
        naive_table = theirs.Table(tables["naive"])
        bucket = made.resource("s3").Bucket(tables["naive"])
        memory = ours._replace(profiles=MemoryTable(), objects=MemoryObjects())
        variants = {
            "hemline": _each(batches, lambda _, b: _ingest(b, ours)),
            "hemline in memory": _each(batches, lambda _, b: _ingest(b, memory)),
            "naive": _each(
                batches, lambda n, b: naive_ingest.ingest(b, naive_table, bucket, str(n))
            ),
        }
        samples = rounds(variants, calls=dict.fromkeys(variants, 1), repeats=repeats)
        _check(ours, naive_table, profiles)
    return [row(name, profiles, found, units=BATCH) for name, found in samples.items()]


def batch(number: int, profiles: int) -> list[bytes]:
    """500 records as they lie on the stream, spread over `profiles` subjects; new ids in each."""
    return [
        encode_record(
            Record(
                SITE,
                f"v:visitor-{n % profiles:03}",
                NOW + n,
                Event(
                    f"event-{number}-{n}",
                    _KINDS[n % len(_KINDS)],
                    NOW + number * 1000 + n,
                    lines=(Line(f"item-{(n * 7 + number) % 600:03}"),),
                ),
                "GB",
                "mobile",
            )
        )
        for n in range(BATCH)
    ]


def _each(
    batches: list[list[bytes]], act: Callable[[int, list[bytes]], None]
) -> Callable[[], None]:
    numbers = count()

    def call() -> None:
        number = next(numbers)
        act(number, batches[number])

    return call


def _ours(made: Stores, name: str, pool: ThreadPoolExecutor) -> IngestDeps:
    def client(service: str) -> Any:  # noqa: ANN401 - one of two adapters takes it
        return connect(
            service, region=emulator.REGION, endpoint=made.endpoint, credentials=lambda: _KEYS
        )

    table, objects = DynamoTable(client("dynamodb"), name), S3Objects(client("s3"), name)
    return IngestDeps(SITE, table, objects, pool)


_sequence = count(1)


def _ingest(records: list[bytes], deps: IngestDeps) -> None:
    shard = "shardId-000000000000"
    stream = [StreamRecord(shard, str(next(_sequence)), data, NOW) for data in records]
    result = ingest_batch(stream, deps, NOW)
    if result.failures:
        raise Different(f"some events were not applied: {result.faults}")


def _check(deps: IngestDeps, naive_table: Any, profiles: int) -> None:  # noqa: ANN401 - a boto3 resource
    names = [f"v:visitor-{n:03}" for n in range(profiles)]
    for name, stored in deps.profiles.read_profiles(SITE, names).items():
        profile = decode(stored.blob)
        ours = sorted(
            (action.time, TYPES[action.kind], item)
            for ring in (BOUGHT, ENGAGED, SHOWN)
            for action in profile.actions(ring)
            for item in action.items
        )
        theirs = naive_ingest.events(naive_table, SITE, name)
        if ours != theirs:
            raise Different(f"{name} has {len(ours)} actions, and {len(theirs)} in the naive table")


@contextmanager
def stores() -> Iterator[Stores]:
    """An emulator for the length of a block."""
    with TemporaryDirectory() as folder:
        python = ENVIRONMENTS / "cloud/bin/python"
        with emulator.running(python, Path(folder)) as running:
            yield Stores(running.endpoint, lambda service: _resource(service, running.endpoint))
            drop_connections()


def _resource(service: str, endpoint: str) -> Any:  # noqa: ANN401 - made at run time from a service's model
    make: Any = boto3.resource
    return make(
        service,
        endpoint_url=endpoint,
        region_name=emulator.REGION,
        aws_access_key_id=_KEYS.access_key,
        aws_secret_access_key=_KEYS.secret_key,
    )


def _create(made: Stores, name: str) -> None:
    made.resource("s3").create_bucket(Bucket=name)
    keys: Mapping[str, str] = {"pk": "HASH", "sk": "RANGE"}
    made.resource("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": k, "KeyType": kind} for k, kind in keys.items()],
        AttributeDefinitions=[{"AttributeName": k, "AttributeType": "S"} for k in keys],
    )


