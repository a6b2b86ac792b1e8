"""Bring a batch of the stream into the archive and the profiles, exactly once whatever comes twice.

Delivery is at least once: the stream hands over again everything from the checkpoint that we report,
which is the first event that was not applied. Two things make that exact:

- nothing below the checkpoint is left out. Profiles are written in parallel, each as a whole and
  under a condition; the checkpoint is the lowest sequence number of any profile that was *not*
  written, for whatever reason. After a failure no further profile is started;
- nothing above it is counted twice. A profile is a fold over the set of event ids, so what a profile
  had got before the failure (or before an answer was lost) is a repeat when it comes again. Marks
  only tell redelivered events from a client's repeats: they never decide what is applied, so a
  stream that was made anew, or a replay of old records, loses nothing.

What cannot be read goes to quarantine, with its payload and the reason, and blocks nobody. Archive
and quarantine are written before any profile: what a profile has, the archive has.
Knows nothing of Kinesis, Lambda or DynamoDB.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from itertools import chain
from queue import Empty, SimpleQueue
from threading import Event as Flag
from typing import NamedTuple

from hemline.model.errors import Conflict, HemlineError, Unavailable
from hemline.model.event import ITEM_EVENT
from hemline.model.standing import FRESH
from hemline.usecases.archive import append
from hemline.usecases.ingest_fold import fold
from hemline.usecases.ingest_follow import TRIES, follow, keep_apart
from hemline.usecases.ingest_judge import judge
from hemline.usecases.ingest_read import (
    Entry,
    Group,
    StreamRecord,
    by_profile,
    line_of,
    quarantine,
    read,
)
from hemline.usecases.ports import ObjectStore, Part, PersonStore, Stored

__all__ = ["OUTCOMES", "WORKERS", "IngestDeps", "IngestResult", "StreamRecord", "ingest_batch"]

WORKERS = 8


class IngestDeps(NamedTuple):
    """What the use case needs of the outside; `pool` runs up to WORKERS writes at a time."""

    site: str
    people: PersonStore
    objects: ObjectStore
    pool: Executor


class IngestResult(NamedTuple):
    """What became of a batch."""

    failures: tuple[str, ...]
    """The checkpoint of each shard that has one: deliver again from there. Empty: all is done."""
    counts: Mapping[str, int]
    """Outcome → records; they add up to the batch. See OUTCOMES."""
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


class _Outcome(NamedTuple):
    counts: Mapping[str, int]
    failed: StreamRecord | None = None
    """The first one that was not applied."""
    fault: str = ""


def ingest_batch(records: Sequence[StreamRecord], deps: IngestDeps, now: int) -> IngestResult:
    """Apply one batch (usually of one shard). `now` is epoch ms. Never raises for what failed."""
    shards: dict[str, list[StreamRecord]] = {}
    for record in records:
        shards.setdefault(record.shard, []).append(record)
    outcomes = [_ingest_shard(part, deps, now) for part in shards.values()]
    counts = Counter(dict.fromkeys(OUTCOMES, 0))
    for outcome in outcomes:
        counts.update(outcome.counts)
    failures = tuple(o.failed.sequence for o in outcomes if o.failed)
    return IngestResult(failures, counts, tuple(o.fault for o in outcomes if o.fault))


def _ingest_shard(records: list[StreamRecord], deps: IngestDeps, now: int) -> _Outcome:
    readable, poison, counts = read(records, deps.site)
    catalogue = [entry for entry in readable if entry.record.event.type == ITEM_EVENT]
    people = by_profile(entry for entry in readable if entry.record.event.type != ITEM_EVENT)
    try:
        quarantine(poison, deps.objects, now)
        stored = _stored(people, deps.people)
        kept, lost = _judged(people, stored)
        append(deps.objects, [line_of(entry) for entry in chain(catalogue, kept)])
    except HemlineError as error:
        return _Outcome({"left": len(records)}, _checkpoint(records), _fault(error))
    groups = by_profile(entry for entry in kept if entry.record.profiled)
    outcomes = _apply_all(groups, stored, deps, now)
    total = Counter(counts) + lost
    total["archived"] += sum(not entry.record.profiled for entry in kept)
    for outcome in outcomes:
        total.update(outcome.counts)
    failed = _checkpoint([o.failed for o in outcomes if o.failed])
    return _Outcome(total, failed, next((o.fault for o in outcomes if o.fault), ""))


def _checkpoint(failed: Sequence[StreamRecord]) -> StreamRecord | None:
    return min(failed, key=lambda record: int(record.sequence), default=None)


def _judged(
    groups: Sequence[Group], stored: Mapping[tuple[str, str], Stored]
) -> tuple[list[Entry], Counter[str]]:
    """What may be kept, in the order of the stream, and what may not."""
    kept, counts = list[Entry](), Counter[str]()
    for group in groups:
        found = stored.get((group.site, group.subject))
        judged = judge(group.entries, found.standing if found else FRESH)
        kept += judged.kept
        counts += judged.counts
    return sorted(kept, key=lambda entry: entry.number), counts


def _stored(groups: Sequence[Group], store: PersonStore) -> dict[tuple[str, str], Stored]:
    subjects: dict[str, list[str]] = {}
    for group in groups:
        subjects.setdefault(group.site, []).append(group.subject)
    return {
        (site, subject): stored
        for site, names in subjects.items()
        for subject, stored in store.read_profiles(site, names).items()
    }


def _apply_all(
    groups: Sequence[Group],
    stored: Mapping[tuple[str, str], Stored],
    deps: IngestDeps,
    now: int,
) -> list[_Outcome]:
    """Every group's outcome. Workers take groups in order and stop taking after the first failure."""
    waiting: SimpleQueue[Group] = SimpleQueue()
    for group in groups:
        waiting.put(group)
    stop = Flag()

    def work() -> list[_Outcome]:
        return [
            _attempt(group, stored.get((group.site, group.subject)), deps, stop, now)
            for group in _taken(waiting)
        ]

    workers = min(WORKERS, len(groups))
    running = [deps.pool.submit(work) for _ in range(workers)]
    return list(chain.from_iterable(future.result() for future in running))


def _taken(waiting: "SimpleQueue[Group]") -> Iterator[Group]:
    while True:
        try:
            yield waiting.get_nowait()
        except Empty:
            return


def _attempt(
    group: Group, stored: Stored | None, deps: IngestDeps, stop: Flag, now: int
) -> _Outcome:
    fault = ""
    if not stop.is_set():
        try:
            return _Outcome(_apply(group, stored, deps, now))
        except HemlineError as error:
            stop.set()
            fault = _fault(error)
    # Not started counts as failed: it may lie below the failure that stopped us.
    return _Outcome({"left": len(group.entries)}, group.entries[0].source, fault)


def _apply(group: Group, stored: Stored | None, deps: IngestDeps, now: int) -> Counter[str]:
    """Fold and write one profile, read again when another writer was faster. Raises HemlineError."""
    for _ in range(TRIES):
        try:
            return _apply_once(group, stored, deps, now)
        except Conflict:
            stored = deps.people.read_profiles(group.site, [group.subject]).get(group.subject)
    raise Unavailable("table", f"a profile was changed by others {TRIES} times in a row")


def _apply_once(group: Group, stored: Stored | None, deps: IngestDeps, now: int) -> Counter[str]:
    """Raises Conflict when the profile is no longer what `stored` says."""
    standing = stored.standing if stored else FRESH
    # Judged again whenever it is read again: a no, or being forgotten, may be why it changed.
    judged = judge(group.entries, standing)
    mine = [entry for entry in judged.kept if entry.record.profiled]
    counts = judged.counts + Counter(archived=len(judged.kept) - len(mine))
    if not mine:
        return counts
    group = group._replace(entries=mine)
    folded = fold(group, stored)
    quarantine(folded.poison, deps.objects, now)
    if standing.linked and group.subject.startswith("u:"):
        keep_apart(group, deps.people)
    if folded.blob is not None:
        _write(group, Stored(folded.blob, stored.version if stored else 0, standing), deps)
    if standing.linked and group.subject.startswith("v:"):
        follow(group, deps.people)
    return counts + folded.counts


def _write(group: Group, new: Stored, deps: IngestDeps) -> None:
    """Over the version that `new` has. Most people never state anything: half of a call's bytes less."""
    if new.standing == FRESH:
        deps.people.write_profile(group.site, group.subject, new.blob, expected=new.version)
    else:
        part = new._replace(version=new.version + 1)
        deps.people.write_part(group.site, group.subject, Part.PROFILE, part)


def _fault(error: HemlineError) -> str:
    # A conflict names a subject; of the others only Unavailable is known to name none.
    return str(error) if isinstance(error, Unavailable) else type(error).__name__
