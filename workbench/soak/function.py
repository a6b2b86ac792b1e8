"""The ingest function as an event source mapping calls it. It may be killed at any step.

It keeps a list of its own of what the archive holds, and checks at each profile write that the archive
has those events already. If it died in between, no replay could explain the profile.
"""

import gzip
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import Executor

import msgspec

from hemline.usecases.ingest.batch import IngestDeps, IngestResult, StreamRecord, ingest_batch
from workbench.cloud.streams.delivery import DeliveryEntry, FunctionError
from workbench.soak.books.checks import Check
from workbench.soak.books.verdict import VerdictStores
from workbench.soak.faulty import FaultyObjects, FaultyTable, Invocation, Killed
from workbench.soak.plan import FaultPlan
from workbench.soak.poison import SITE
from workbench.soak.scheduler import Scheduler

Ingest = Callable[[Sequence[StreamRecord], IngestDeps, int], IngestResult]


class _Place(msgspec.Struct):
    sequence: str


_places = msgspec.json.Decoder(_Place)


class SoakFunction:
    """Runs invocations and counts what goes wrong. `pool` runs the writes of one invocation."""

    def __init__(
        self,
        plan: FaultPlan,
        scheduler: Scheduler,
        places: VerdictStores,
        pool: Executor,
        ingest: Ingest = ingest_batch,
    ) -> None:
        self.plan, self.scheduler = plan, scheduler
        self.counts: Counter[str] = Counter()
        """Outcome → records, as ingest reported it, over all invocations."""
        self.invocations = 0
        self.watching = True
        """False in a replay: the first verdict has already compared the archive."""
        self.exempt: AbstractSet[str] = frozenset()
        """Subjects who may refuse: their records may be neither archived nor folded."""
        self._places, self._pool, self._ingest = places, pool, ingest
        self._archived: set[int] = set()
        self._ahead = self._miscounted = 0

    def call(self, shard: str, entries: Sequence[DeliveryEntry]) -> dict[str, object]:
        """One invocation's answer. Raises FunctionError when it was killed."""
        self.invocations += 1
        invocation = Invocation(self.plan, self.scheduler, self, _numbers(entries))
        people = FaultyTable(self._places.people, invocation)
        objects = FaultyObjects(self._places.objects, invocation)
        deps = IngestDeps(SITE, people, objects, self._pool)
        records = [StreamRecord(shard, e.sequence, e.data, int(e.arrived * 1000)) for e in entries]
        try:
            result = self._ingest(records, deps, records[-1].arrived)
            invocation.step("before the answer")
        except Killed as place:
            raise FunctionError(f"killed {place}") from None
        self._miscounted += sum(result.counts.values()) != len(records)
        self.counts.update(result.counts)
        return {"batchItemFailures": [{"itemIdentifier": number} for number in result.failures]}

    def archived(self, data: bytes) -> None:
        """An object of the archive is durable."""
        if self.watching:
            lines = _places.decode_lines(gzip.decompress(data))
            self._archived.update(int(line.sequence) for line in lines)

    def profiled(self, subject: str, batch: Sequence[int]) -> None:
        """A profile with these records in it is about to be durable."""
        if self.watching and subject not in self.exempt:
            self._ahead += not self._archived.issuperset(batch)

    def checks(self) -> list[Check]:
        """The invariants of the function itself."""
        return [
            Check("profile writes ahead of the archive", 0, self._ahead),
            Check("answers that do not add up", 0, self._miscounted),
        ]

    def figures(self) -> dict[str, int]:
        """Counts for the report."""
        reported = {f"reported {name}": count for name, count in self.counts.items()}
        return {"invocations": self.invocations, **reported}


def _numbers(entries: Sequence[DeliveryEntry]) -> dict[str, list[int]]:
    numbers: dict[str, list[int]] = defaultdict(list)
    for entry in entries:
        numbers[entry.partition].append(int(entry.sequence))
    return numbers
