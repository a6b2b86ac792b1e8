"""Folds the groups of a batch into their profiles: 25 in one call where possible, else one by one.

Most people have only one profile. Those are folded and written up to 25 at a time: one request instead
of 25. The condition of each write covers the subject status too. Linked people (who need writes to other
items) and people whose write met a conflict are handled one by one.
Does not compute the checkpoint; it returns one outcome for every group.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from itertools import chain
from queue import Empty, SimpleQueue
from threading import Event as Flag
from typing import NamedTuple

from hemline.model.errors import Conflict, HemlineError, Unavailable
from hemline.model.subject_status import DEFAULT_STATUS
from hemline.usecases.ingest.enforce_consent import judge
from hemline.usecases.ingest.fold import fold
from hemline.usecases.ingest.follow import TRIES, follow, keep_apart
from hemline.usecases.ingest.read import Group, StreamRecord, quarantine
from hemline.usecases.ports import ObjectStore, PersonItem, PersonStore, Stored, Write, Written

WORKERS = 8
"""Threads. Three suffice for batched writes; single writes wait for the table, not the CPU."""
TOGETHER = 25
"""Profiles in one call: the table's limit per request."""


class IngestDeps(NamedTuple):
    """Dependencies of the use case; `pool` runs up to WORKERS calls at a time."""

    site: str
    people: PersonStore
    objects: ObjectStore
    pool: Executor
    keys: tuple[bytes, ...] = ()
    """Decision-token secrets; they match a token to a linked id of the same person."""


class ApplyOutcome(NamedTuple):
    """The outcome of some records: outcome name → number of records."""

    counts: Mapping[str, int]
    failed: StreamRecord | None = None
    """The first record that was not applied."""
    fault: str = ""
    """Why, for the log; no personal data."""


class _Folded(NamedTuple):
    """A profile ready to write; `counts` apply once it is written."""

    write: Write
    counts: Counter[str]


class _Run(NamedTuple):
    """One batch's work, shared by its workers."""

    deps: IngestDeps
    stored: Mapping[tuple[str, str], Stored]
    now: int
    stop: Flag

    def parts(self, groups: Sequence[Group]) -> list[Sequence[Group]]:
        """Units of work by their first event: batches of TOGETHER, and single groups of linked people."""
        plain = [group for group in groups if self._batchable(group)]
        parts = [plain[at : at + TOGETHER] for at in range(0, len(plain), TOGETHER)]
        parts += [[group] for group in groups if not self._batchable(group)]
        return sorted(parts, key=lambda part: part[0].entries[0].number)

    def _batchable(self, group: Group) -> bool:
        stored = self.stored.get((group.site, group.subject))
        return stored is None or not stored.standing.linked

    def part(self, groups: Sequence[Group]) -> list[ApplyOutcome]:
        """Every group's outcome; unlinked profiles are written in one call."""
        folded = [self._folded(group) for group in groups]
        writes = [one.write for one in folded if isinstance(one, _Folded)]
        written = self.deps.people.write_profiles(self.deps.site, writes) if writes else []
        if any(isinstance(one, Unavailable) for one in written):
            self.stop.set()
        rest = iter(written)
        return [
            self._settled(group, one, next(rest) if isinstance(one, _Folded) else None)
            for group, one in zip(groups, folded, strict=True)
        ]

    def _folded(self, group: Group) -> ApplyOutcome | _Folded | None:
        """A profile to write, an outcome when there is nothing to write, or None: handle it singly."""
        if self.stop.is_set():
            return _left(group)
        if not self._batchable(group):
            return None
        stored = self.stored.get((group.site, group.subject))
        # No consent check here: the batch was checked against this same status before archiving.
        folded = fold(group, stored)
        try:
            quarantine(folded.poison, self.deps.objects, self.now)
        except HemlineError as error:
            return self._failed(group, error)
        if folded.blob is None:
            return ApplyOutcome(folded.counts)
        version, standing = (stored.version, stored.standing) if stored else (0, DEFAULT_STATUS)
        return _Folded(Write(group.subject, folded.blob, version, standing), folded.counts)

    def _settled(
        self, group: Group, one: ApplyOutcome | _Folded | None, written: Written
    ) -> ApplyOutcome:
        if isinstance(one, ApplyOutcome):
            return one
        if one is None:
            stored = self.stored[group.site, group.subject]
            return self._run_singly(group, lambda: _apply(group, stored, self.deps, self.now))
        if written is None:
            return ApplyOutcome(one.counts)
        if isinstance(written, Unavailable):
            return _left(group, fault_of(written))
        return self._run_singly(group, lambda: _again(group, self.deps, self.now))

    def _run_singly(self, group: Group, apply: Callable[[], Counter[str]]) -> ApplyOutcome:
        if self.stop.is_set():
            return _left(group)
        try:
            return ApplyOutcome(apply())
        except HemlineError as error:
            return self._failed(group, error)

    def _failed(self, group: Group, error: HemlineError) -> ApplyOutcome:
        self.stop.set()
        return _left(group, fault_of(error))


def apply_all(
    groups: Sequence[Group],
    stored: Mapping[tuple[str, str], Stored],
    deps: IngestDeps,
    now: int,
) -> list[ApplyOutcome]:
    """Every group's outcome. Workers take groups in order and start nothing after the first failure."""
    run = _Run(deps, stored, now, Flag())
    waiting: SimpleQueue[Sequence[Group]] = SimpleQueue()
    for part in run.parts(groups):
        waiting.put(part)

    def work() -> list[ApplyOutcome]:
        return [outcome for part in _taken(waiting) for outcome in run.part(part)]

    running = [deps.pool.submit(work) for _ in range(min(WORKERS, waiting.qsize()))]
    return list(chain.from_iterable(future.result() for future in running))


def fault_of(error: HemlineError) -> str:
    """The error's text for the log, without personal data."""
    # A conflict's text names a subject; only Unavailable's text is known to name none.
    return str(error) if isinstance(error, Unavailable) else type(error).__name__


def _taken(waiting: "SimpleQueue[Sequence[Group]]") -> Iterator[Sequence[Group]]:
    while True:
        try:
            yield waiting.get_nowait()
        except Empty:
            return


def _left(group: Group, fault: str = "") -> ApplyOutcome:
    # A group that was not started counts as failed: its records may lie below the first failure.
    return ApplyOutcome({"left": len(group.entries)}, group.entries[0].source, fault)


def _apply(group: Group, stored: Stored | None, deps: IngestDeps, now: int) -> Counter[str]:
    """Fold and write one profile; on a conflict, read and try again. Raises HemlineError."""
    try:
        return _apply_once(group, stored, deps, now)
    except Conflict:
        return _again(group, deps, now)


def _again(group: Group, deps: IngestDeps, now: int) -> Counter[str]:
    """The remaining tries after a first conflict. Raises HemlineError."""
    for _ in range(TRIES - 1):
        stored = deps.people.read_profiles(group.site, [group.subject]).get(group.subject)
        try:
            return _apply_once(group, stored, deps, now)
        except Conflict:
            continue
    raise Unavailable("table", f"a profile was changed by others {TRIES} times in a row")


def _apply_once(group: Group, stored: Stored | None, deps: IngestDeps, now: int) -> Counter[str]:
    """Raises Conflict when the profile is no longer what `stored` says."""
    standing = stored.standing if stored else DEFAULT_STATUS
    # Checked again after each read: a refusal or a forget request may be the change.
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
    """Replace the version in `new`. The default status needs a smaller call: half the bytes."""
    if new.standing == DEFAULT_STATUS:
        deps.people.write_profile(group.site, group.subject, new.blob, expected=new.version)
    else:
        part = new._replace(version=new.version + 1)
        deps.people.write_part(group.site, group.subject, PersonItem.PROFILE, part)
