"""`bench ingest`: batches of 500 records into profiles and archive, Hemline against the naive variant.

Both write to the same store, which runs in its own process and answers at once, so that the CPU measured
is that of the code and its client only. `hemline in memory` leaves the client out.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

from hemline.adapters.memory import MemoryObjects, MemoryTable
from hemline.learn.profile.fold import BOUGHT, ENGAGED, SHOWN, TYPES, decode
from hemline.model.events.event import Event, OrderLine, Record, encode_record
from hemline.usecases.ingest.batch import WORKERS, IngestDeps, StreamRecord, ingest_batch
from workbench.bench import instant
from workbench.bench.decide import AnswersDiffer
from workbench.bench.measure import BenchRow, one_core, rounds, row
from workbench.bench.naive import ingest
from workbench.bench.stores import BenchStores

BATCH = 500
PROFILES = (60, 219)
SITE = "bench"
NOW = 1_780_000_000_000
_KINDS = ("exposure", "view", "click", "add_to_cart", "purchase")


def rows(*, repeats: int = 5) -> list[BenchRow]:
    """Both numbers of profiles. Raises AnswersDiffer unless both variants keep the same events."""
    found: list[BenchRow] = []
    with instant.running() as endpoint, one_core():
        made = BenchStores(endpoint)
        for profiles in PROFILES:
            found += _rows(made, profiles, repeats)
    return found


def _rows(made: BenchStores, profiles: int, repeats: int) -> list[BenchRow]:
    batches = [batch(number, profiles) for number in range(repeats + 1)]
    with ThreadPoolExecutor(WORKERS) as pool:
        tables = {name: f"{name}-{profiles}" for name in ("hemline", "naive")}
        name = tables["hemline"]
        ours = IngestDeps(SITE, made.table(name), made.objects(name), pool)
        naive_table = made.resource("dynamodb").Table(tables["naive"])
        bucket = made.resource("s3").Bucket(tables["naive"])
        memory = ours._replace(people=MemoryTable(), objects=MemoryObjects())
        variants = {
            "hemline": _each(batches, lambda _, b: _ingest(b, ours)),
            "hemline in memory": _each(batches, lambda _, b: _ingest(b, memory)),
            "naive": _each(batches, lambda n, b: ingest.ingest(b, naive_table, bucket, str(n))),
        }
        samples = rounds(variants, calls=dict.fromkeys(variants, 1), repeats=repeats)
        _check(ours, naive_table, profiles)
    return [row(name, profiles, found, units=BATCH) for name, found in samples.items()]


def batch(number: int, profiles: int) -> list[bytes]:
    """500 encoded stream records for `profiles` subjects; each batch has new event ids."""
    return [
        encode_record(
            Record(
                SITE,
                f"v:visitor-{n % profiles:03}",
                NOW + n,
                Event(
                    f"event-{number}-{n}",
                    # Mixed kinds: a single one would overflow its ring and drop old actions, which
                    # the naive table would still have.
                    _KINDS[(3 * n + n // profiles + number) % len(_KINDS)],
                    NOW + number * 1000 + n,
                    lines=(OrderLine(f"item-{(n * 7 + number) % 600:03}"),),
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


_sequence = count(1)


def _ingest(records: list[bytes], deps: IngestDeps) -> None:
    shard = "shardId-000000000000"
    stream = [StreamRecord(shard, str(next(_sequence)), data, NOW) for data in records]
    result = ingest_batch(stream, deps, NOW)
    if result.failures:
        raise AnswersDiffer(f"some events were not applied: {result.faults}")


def _check(deps: IngestDeps, naive_table: Any, profiles: int) -> None:  # noqa: ANN401 - a boto3 resource
    names = [f"v:visitor-{n:03}" for n in range(profiles)]
    for name, stored in deps.people.read_profiles(SITE, names).items():
        profile = decode(stored.blob)
        ours = sorted(
            (action.time, TYPES[action.kind], item)
            for ring in (BOUGHT, ENGAGED, SHOWN)
            for action in profile.actions(ring)
            for item in action.items
        )
        theirs = ingest.events(naive_table, SITE, name)
        if ours != theirs:
            raise AnswersDiffer(
                f"{name} has {len(ours)} actions, and {len(theirs)} in the naive table"
            )
