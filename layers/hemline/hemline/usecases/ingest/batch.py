"""Applies a batch of the stream to the archive and the profiles, exactly once despite redelivery.

Delivery is at least once: the stream redelivers everything from the checkpoint that we report, the first
event not applied. Two rules make the result exact:

- no event below the checkpoint is lost. Many profiles are written per call, each as a whole and with its
  own condition. The checkpoint is the lowest sequence number of any profile *not* written, for any
  reason. After a failure no further profile is started;
- no event above it is counted twice. A profile is a fold over the set of event ids, so an event applied
  before the failure (or before a lost answer) is a repeat when it is redelivered. Watermarks only
  distinguish redeliveries from client repeats. They never decide what is applied, so a recreated
  stream or a replay of old records loses nothing.

Unreadable records go to quarantine with payload and reason, and block nothing. Archive and quarantine
are written before any profile, so the archive holds every event that a profile holds.
Knows nothing of Kinesis, Lambda or DynamoDB.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from hemline.model.errors import HemlineError
from hemline.model.events.event import ITEM_EVENT
from hemline.model.subject_status import DEFAULT_STATUS
from hemline.usecases.ingest.apply import WORKERS, ApplyOutcome, IngestDeps, apply_all, fault_of
from hemline.usecases.ingest.archive import append
from hemline.usecases.ingest.claim import claim
from hemline.usecases.ingest.enforce_consent import judge
from hemline.usecases.ingest.read import (
    Group,
    StreamedEvent,
    StreamRecord,
    by_profile,
    line_of,
    quarantine,
    read,
)
from hemline.usecases.ports import PersonStore, Stored

__all__ = ["OUTCOMES", "WORKERS", "IngestDeps", "IngestResult", "StreamRecord", "ingest_batch"]


class IngestResult(NamedTuple):
    """The result of a batch."""

    failures: tuple[str, ...]
    """Sequence numbers to redeliver from, one per failed shard. Empty: everything is applied."""
    counts: Mapping[str, int]
    """Outcome → number of records; the sum is the batch's size. See OUTCOMES."""
    faults: tuple[str, ...] = ()
    """What failed, for the log; no personal data."""


OUTCOMES = {
    "applied": "new to a profile, or of a kind that a profile keeps only the time of",
    "duplicates": "in the profile already: a client's repeat",
    "redelivered": "in the profile already: the stream's repeat",
    "late": "older than all that a full profile still keeps; archived and counted in editions",
    "catalogue": "an item, archived",
    "archived": "for the archive alone: of a program, or without consent to a profile",
    "withheld": "without consent: nothing was written",
    "forgotten": "of somebody who asked to be forgotten: nothing was written",
    "quarantined": "could not be read, or not folded; kept with payload and reason",
    "left": "not applied: at or above a checkpoint, will be delivered again",
}


def ingest_batch(records: Sequence[StreamRecord], deps: IngestDeps, now: int) -> IngestResult:
    """Apply one batch (usually of one shard). `now` is epoch ms. Failures are returned, not raised."""
    shards: dict[str, list[StreamRecord]] = {}
    for record in records:
        shards.setdefault(record.shard, []).append(record)
    outcomes = [_ingest_shard(part, deps, now) for part in shards.values()]
    counts = Counter(dict.fromkeys(OUTCOMES, 0))
    for outcome in outcomes:
        counts.update(outcome.counts)
    failures = tuple(o.failed.sequence for o in outcomes if o.failed)
    return IngestResult(failures, counts, tuple(o.fault for o in outcomes if o.fault))


def _ingest_shard(records: list[StreamRecord], deps: IngestDeps, now: int) -> ApplyOutcome:
    readable, poison, counts = read(records, deps.site)
    catalogue = [entry for entry in readable if entry.record.event.type == ITEM_EVENT]
    people = by_profile(entry for entry in readable if entry.record.event.type != ITEM_EVENT)
    try:
        quarantine(poison, deps.objects, now)
        stored = _stored(people, deps.people)
        people = [claim(group, _of(group, stored), deps.people, deps.keys) for group in people]
        judged, lost = _judged(people, stored)
        kept = sorted(chain.from_iterable(group.entries for group in judged), key=_number)
        append(deps.objects, [line_of(entry) for entry in chain(catalogue, kept)])
    except HemlineError as error:
        return ApplyOutcome({"left": len(records)}, _checkpoint(records), fault_of(error))
    groups = _profiled(judged)
    outcomes = apply_all(groups, stored, deps, now)
    total = Counter(counts) + lost
    total["archived"] += len(kept) - sum(len(group.entries) for group in groups)
    for outcome in outcomes:
        total.update(outcome.counts)
    failed = _checkpoint([o.failed for o in outcomes if o.failed])
    return ApplyOutcome(total, failed, next((o.fault for o in outcomes if o.fault), ""))


def _checkpoint(failed: Sequence[StreamRecord]) -> StreamRecord | None:
    return min(failed, key=lambda record: int(record.sequence), default=None)


def _judged(
    groups: Sequence[Group], stored: Mapping[tuple[str, str], Stored]
) -> tuple[list[Group], Counter[str]]:
    """The entries that consent allows, by group, and the counts of the others."""
    kept, counts = list[Group](), Counter[str]()
    for group in groups:
        found = _of(group, stored)
        judged = judge(group.entries, found.standing if found else DEFAULT_STATUS)
        kept.append(group._replace(entries=judged.kept))
        counts += judged.counts
    return kept, counts


def _of(group: Group, stored: Mapping[tuple[str, str], Stored]) -> Stored | None:
    return stored.get((group.site, group.subject))


def _profiled(groups: Sequence[Group]) -> list[Group]:
    """The groups' entries for profiles, in the order of their first events."""
    profiled = (
        group._replace(entries=[entry for entry in group.entries if entry.record.profiled])
        for group in groups
    )
    return sorted((g for g in profiled if g.entries), key=lambda group: group.entries[0].number)


def _number(entry: StreamedEvent) -> int:
    return entry.number


def _stored(groups: Sequence[Group], store: PersonStore) -> dict[tuple[str, str], Stored]:
    subjects: dict[str, list[str]] = {}
    for group in groups:
        subjects.setdefault(group.site, []).append(group.subject)
    return {
        (site, subject): stored
        for site, names in subjects.items()
        for subject, stored in store.read_profiles(site, names).items()
    }
