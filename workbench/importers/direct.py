"""`--direct`: runs the collect and ingest use cases on the stack's stores, without HTTP and stream.

For big histories. It writes what the collect endpoint and ingest would write: the same validation, the
same fold, the same archive lines; only the shard's name differs. The shard is named after the file, and
an event's sequence number is its position, so importing the same file again changes nothing.
"""

import hashlib
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from hemline.adapters.memory import MemoryStream
from hemline.model.errors import BadInput, HemlineError, Unavailable
from hemline.usecases.ingest.batch import WORKERS, IngestDeps, ingest_batch
from hemline.usecases.ingest.collect import Caller, CollectDeps, collect_events
from hemline.usecases.ingest.collected import Rejected
from hemline.usecases.ingest.read import StreamRecord
from hemline.usecases.ports import ObjectStore, PersonStore
from workbench.importers.http_road import SentBatch
from workbench.importers.wire import Batch


class DirectStores(NamedTuple):
    """The stores of one site."""

    site: str
    profiles: PersonStore
    objects: ObjectStore


class DirectRoad:
    """A Road into the stores. `name` identifies the import: the file's digest."""

    def __init__(self, stores: DirectStores, name: str) -> None:
        self._stores, self._shard = stores, f"direct-{name}"
        self._pool = ThreadPoolExecutor(WORKERS)
        self._next = 1

    def close(self) -> None:
        """Stop its threads."""
        self._pool.shutdown()

    def send(self, batch: Batch) -> SentBatch:
        """Validate, archive and fold one batch. Raises Unavailable when a store refuses it."""
        now = time.time_ns() // 1_000_000
        held = MemoryStream()
        deps = CollectDeps(held, self._stores.site, _no_visitor)
        try:
            collected = collect_events(batch.body, Caller(signed=True), deps, now)
        except BadInput as error:
            if len(batch.events) == 1:
                return SentBatch(0, [Rejected(0, None, str(error))])
            raise
        records = [
            StreamRecord(self._shard, str(self._next + n), entry.data, now)
            for n, entry in enumerate(held.entries)
        ]
        self._next += len(records)
        ingest = IngestDeps(*self._stores, self._pool)
        result = ingest_batch(records, ingest, now)
        if result.failures:
            raise Unavailable("stores", ", ".join(result.faults) or "a profile was not written")
        if result.counts["quarantined"]:
            raise HemlineError(f"{result.counts['quarantined']} accepted events went to quarantine")
        return SentBatch(collected.accepted, collected.rejected)


def digest(path: Path) -> str:
    """The first 16 hexadecimal digits of a file's SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def _no_visitor() -> str:
    raise AssertionError("a signed batch names its visitors")  # pragma: no cover
