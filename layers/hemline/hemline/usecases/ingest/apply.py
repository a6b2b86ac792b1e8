"""Folds the groups of a batch into their profiles: 25 in one call where possible, else one by one.

Most people have one profile only. Those are folded and written up to 25 at a time: one request instead
of 25. The condition of each write covers the subject status too. Linked people (other items are written
before or after) and people whose write lost to another writer are handled one by one.
Knows nothing of the stream's checkpoint, but that every group ends in one outcome.
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
"""Three are as good where all go together; whoever goes alone waits for the table, not for the core."""
TOGETHER = 25
"""Profiles in one call: what a request of the table can hold."""


class IngestDeps(NamedTuple):
    """What the use case needs of the outside; `pool` runs up to WORKERS calls at a time."""

    site: str
    people: PersonStore
    objects: ObjectStore
    pool: Executor
    keys: tuple[bytes, ...] = ()
    """Of decision tokens: to know again whom one was given to, once devices are linked to users."""


class ApplyOutcome(NamedTuple):
    """What became of some records."""

    counts: Mapping[str, int]
    failed: StreamRecord | None = None
    """The first one that was not applied."""
    fault: str = ""


class _Folded(NamedTuple):
    """Ready to be written; `counts` hold once it is."""

    write: Write
    counts: Counter[str]


class _Run(NamedTuple):
    """One batch's work, shared by its workers."""

    deps: IngestDeps
    stored: Mapping[tuple[str, str], Stored]
    now: int
    stop: Flag

    def parts(self, groups: Sequence[Group]) -> list[Sequence[Group]]:
        """What is done in one go, in the order of the stream: nobody waits for those who go alone."""
        plain = [group for group in groups if self._batchable(group)]
        parts = [plain[at : at + TOGETHER] for at in range(0, len(plain), TOGETHER)]
        parts += [[group] for group in groups if not self._batchable(group)]
        return sorted(parts, key=lambda part: part[0].entries[0].number)

    def _batchable(self, group: Group) -> bool:
        stored = self.stored.get((group.site, group.subject))
        return stored is None or not stored.standing.linked

    def part(self, groups: Sequence[Group]) -> list[ApplyOutcome]:
        """Every group's outcome; the plain ones written in one call."""
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
        """An outcome when there is nothing to write; None: this one goes alone."""
        if self.stop.is_set():
            return _left(group)
        if not self._batchable(group):
            return None
        stored = self.stored.get((group.site, group.subject))
        # It was judged by this very standing before it was archived.
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
    """What may be logged of it."""
    # A conflict names a subject; of the others only Unavailable is known to name none.
    return str(error) if isinstance(error, Unavailable) else type(error).__name__


def _taken(waiting: "SimpleQueue[Sequence[Group]]") -> Iterator[Sequence[Group]]:
    while True:
        try:
            yield waiting.get_nowait()
        except Empty:
            return


def _left(group: Group, fault: str = "") -> ApplyOutcome:
    # Not started counts as failed: it may lie below the failure that stopped us.
    return ApplyOutcome({"left": len(group.entries)}, group.entries[0].source, fault)


def _apply(group: Group, stored: Stored | None, deps: IngestDeps, now: int) -> Counter[str]:
    """Fold and write one profile, read again when another writer was faster. Raises HemlineError."""
    try:
        return _apply_once(group, stored, deps, now)
    except Conflict:
        return _again(group, deps, now)


def _again(group: Group, deps: IngestDeps, now: int) -> Counter[str]:
    """After one try that lost to another writer. Raises HemlineError."""
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
    if new.standing == DEFAULT_STATUS:
        deps.people.write_profile(group.site, group.subject, new.blob, expected=new.version)
    else:
        part = new._replace(version=new.version + 1)
        deps.people.write_part(group.site, group.subject, PersonItem.PROFILE, part)
