"""Visitors whose events arrived in stages, and tables and rankers in every state that they meet.

The events went through the real ingest once; a profile is as it was after one of the batches, and the
archive holds all of them: whoever replays always meets a profile that went on.
"""

from collections.abc import Callable, Sequence
from itertools import count
from typing import NamedTuple

import numpy as np

from hemline.adapters.memory import MemoryObjects, MemoryTable
from hemline.decide.ladder import Ranker
from hemline.model.events.event import Event, Record, encode_record
from hemline.model.subject_status import SubjectStatus
from hemline.usecases.ingest.batch import IngestDeps, ingest_batch
from hemline.usecases.ingest.read import StreamRecord
from hemline.usecases.ports import ServingRead, Stored
from tests.builders.editions import NOW, SITE, ScoreByPrice
from tests.builders.receipts import Here
from tests.harness.deciding import acts
from tests.strategies.rule_strategies import HOUR

DAY = 24 * HOUR

# ---- visitors ----


def capped(subject: str, slot: str, *times: int, kind: str = "exposure") -> list[Record]:
    """What a frequency cap counts."""
    return [
        Record(SITE, subject, time, Event(f"{subject}{kind}{slot}{time}", kind, time), capped=slot)
        for time in times
    ]


BATCHES: Sequence[tuple[str, list[Record]]] = (
    ("s1", acts("v:ann", ["i1", "i6", "i9"], when=NOW - 40 * DAY)),
    ("s2", acts("v:ben", ["i2", "i6"], "purchase", NOW - 20 * DAY)),
    ("s2", acts("v:ann", ["i3"], "purchase", NOW - 3 * DAY)),
    ("s1", acts("v:ann", ["i8", "i10"], "add_to_cart", NOW - 9_000)),
    ("s1", acts("v:ben", ["i13"], "click", NOW - 5_000)),
    ("s2", capped("v:ann", "s0", NOW - 50 * DAY, NOW - 2 * DAY, NOW - HOUR)),
    ("s1", capped("v:ben", "s1", NOW - 20 * DAY, kind="dismiss")),
    ("s1", capped("v:ben", "s2", NOW - 10 * DAY, NOW - 3 * HOUR)),
    ("s2", capped("v:ann", "s1", NOW - 40_000) + capped("v:ann", "s3", NOW - 30_000, kind="click")),
)
SUBJECTS = (None, "v:new", "v:ann", "v:ben")
STAGES = len(BATCHES) + 1


def _arrived() -> tuple[list[dict[str, Stored]], MemoryObjects]:
    """(profiles after each batch, the archive after all of them)."""
    table, objects, numbers = MemoryTable(), MemoryObjects(), count(1)
    names = [name for name in SUBJECTS if name]
    found = [table.read_profiles(SITE, names)]
    deps = IngestDeps(SITE, table, objects, Here())
    for shard, records in BATCHES:
        stream = [
            StreamRecord(shard, f"{next(numbers):020}", encode_record(record), NOW)
            for record in records
        ]
        assert not ingest_batch(stream, deps, NOW).failures
        found.append(table.read_profiles(SITE, names))
    return found, objects


PROFILES, ARCHIVE = _arrived()


class Then(NamedTuple):
    """A table as it was after one of the batches."""

    profiles: dict[str, Stored]

    def read_for_serving(
        self, site: str, subject: str | None, *, pointer: bool, timeout: float
    ) -> ServingRead:
        """Memory is never late."""
        return ServingRead(self.profiles.get(subject or ""), None)


class Said(NamedTuple):
    """The same, with something that holds for everybody beside their profile."""

    profiles: dict[str, Stored]
    standing: SubjectStatus

    def read_for_serving(
        self, site: str, subject: str | None, *, pointer: bool, timeout: float
    ) -> ServingRead:
        """Whoever has no profile may have said something all the same."""
        stored = self.profiles.get(subject or "", Stored(b"", 1))
        return ServingRead(stored._replace(standing=self.standing) if subject else None, None)


class Torn(NamedTuple):
    """A table whose profiles are no profiles."""

    def read_for_serving(
        self, site: str, subject: str | None, *, pointer: bool, timeout: float
    ) -> ServingRead:
        """Bytes that nobody wrote."""
        return ServingRead(Stored(b"\xff torn", 1), None)


# ---- what goes wrong ----


class Explodes(ScoreByPrice):
    """From a call on, it fails; `column` is how many it answers before."""

    def score(self, matrix: np.ndarray) -> np.ndarray:
        """Raises what nobody expects."""
        self.column -= 1
        if self.column < 0:
            raise RuntimeError("out of memory")
        return matrix[:, 0]


class NotFinite(ScoreByPrice):
    """Answers with nonsense."""

    def score(self, matrix: np.ndarray) -> np.ndarray:
        """All NaN."""
        return np.full(len(matrix), np.nan, np.float32)


RANKERS: dict[str, Callable[[], Ranker]] = {
    "good": ScoreByPrice,
    "fails": lambda: Explodes(0),
    "fails after one": lambda: Explodes(1),
    "nonsense": NotFinite,
}
