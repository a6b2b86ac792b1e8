"""Stores that fail as DynamoDB and S3 may, and that stop when their invocation is killed.

Each invocation has a pair of its own, because a killed one must do nothing more. The stores they wrap
are shared. This is the one place that knows which methods of the ports ingest uses.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from hemline.learn.profile.fold import Profile, encode
from hemline.model.errors import Conflict, Unavailable
from hemline.usecases.ports import ObjectStore, PersonItem, PersonStore, Stored, Write, Written
from workbench.soak.plan import FaultPlan
from workbench.soak.scheduler import Scheduler

_REFUSED = {"throttled", "error 500", "timeout", "TransactionConflict"}
"""Faults after which nothing was written."""


class Killed(BaseException):
    """The process was killed. A BaseException, so that no `except Exception` of the code catches it."""


class IngestObserver(Protocol):
    """Checks that the archive has every event that a profile has."""

    def archived(self, data: bytes) -> None:
        """An object of the archive is durable."""
        ...

    def profiled(self, subject: str, batch: Sequence[int]) -> None:
        """A profile that folds the records of these sequence numbers is about to be durable."""
        ...


class Invocation:
    """One invocation. `numbers`: partition key → sequence numbers of its records."""

    def __init__(
        self,
        plan: FaultPlan,
        scheduler: Scheduler,
        observer: IngestObserver,
        numbers: dict[str, list[int]],
    ) -> None:
        self.plan, self.scheduler, self.observer, self.numbers = plan, scheduler, observer, numbers
        self.written = 0
        self._dead = False

    def step(self, place: str = "") -> None:
        """Give others a turn, then perhaps be killed. Once killed, raises at every step."""
        self.scheduler.yield_turn()
        if self._dead or (place and self.plan.kills(place)):
            self._dead = True
            raise Killed(place)


class FaultyTable:
    """A PersonStore with faults."""

    def __init__(self, inner: PersonStore, invocation: Invocation) -> None:
        self._inner, self._invocation = inner, invocation

    def read_profiles(self, site: str, subjects: Sequence[str]) -> dict[str, Stored]:
        """May be refused."""
        self._invocation.step()
        _refuse("dynamodb", self._invocation.plan.fault("read"))
        return self._inner.read_profiles(site, subjects)

    def write_profile(self, site: str, subject: str, blob: bytes, *, expected: int) -> None:
        """May be refused, lost to a rival, or done with the answer lost."""

        def write() -> None:
            self._invocation.observer.profiled(subject, self._invocation.numbers.get(subject, ()))
            self._inner.write_profile(site, subject, blob, expected=expected)

        self._write(write, lambda: self._rival(site, subject))

    def write_profiles(self, site: str, writes: Sequence[Write]) -> list[Written]:
        """Each may fail as above, and the whole call too. A kill in between leaves some written."""
        whole = self._invocation.plan.fault("batch")
        if whole in _REFUSED:
            return [Unavailable("dynamodb", whole) for _ in writes]
        faults: list[str] = []
        done: list[Written] = []
        try:
            for write in writes:
                faults.append(self._draw_fault(site, write))  # noqa: PERF401 - kept when it raises
        finally:
            # A request that was sent before its sender died is carried out all the same.
            sent = [w for w, fault in zip(writes, faults, strict=False) if fault not in _REFUSED]
            done += self._write_through(site, sent)
        for _ in sent:
            self._invocation.step("after a profile")
        rest = iter(done)
        found = [_outcome(f, None if f in _REFUSED else next(rest)) for f in faults]
        return [_outcome(whole, one) for one in found] if whole else found

    def _draw_fault(self, site: str, write: Write) -> str:
        """The fault of one write of a batch; empty: none."""
        invocation = self._invocation
        invocation.step("between profiles" if invocation.written else "before the profiles")
        fault = invocation.plan.fault("write")
        if fault == "a rival was faster":
            self._rival(site, write.subject)
        invocation.written += fault not in _REFUSED
        return fault

    def _write_through(self, site: str, writes: Sequence[Write]) -> list[Written]:
        for write in writes:
            self._invocation.observer.profiled(
                write.subject, self._invocation.numbers.get(write.subject, ())
            )
        return self._inner.write_profiles(site, writes) if writes else []

    def read_part(self, site: str, subject: str, part: PersonItem) -> Stored | None:
        """May be refused."""
        self._invocation.step()
        _refuse("dynamodb", self._invocation.plan.fault("read"))
        return self._inner.read_part(site, subject, part)

    def write_part(self, site: str, subject: str, part: PersonItem, new: Stored) -> None:
        """May be refused, lost to a rival, or done with the answer lost."""
        self._write(
            lambda: self._inner.write_part(site, subject, part, new),
            lambda: self._rival_part(site, subject, part),
        )

    def delete_part(self, site: str, subject: str, part: PersonItem) -> None:
        """May be refused, or done with the answer lost."""
        self._write(lambda: self._inner.delete_part(site, subject, part), lambda: None)

    def _write(self, write: Callable[[], None], rival: Callable[[], None]) -> None:
        invocation = self._invocation
        invocation.step("between profiles" if invocation.written else "before the profiles")
        fault = invocation.plan.fault("write")
        _refuse("dynamodb", fault)
        if fault == "a rival was faster":
            rival()
        write()
        invocation.written += 1
        invocation.step("after a profile")
        if fault == "answer lost":
            raise Unavailable("dynamodb", "no answer")
        if fault == "answer lost, sent again":
            raise Conflict("somebody else wrote this item first")

    def _rival(self, site: str, subject: str) -> None:
        """Write the profile first, as a merge or the last batch of a parent shard does."""
        held = self._inner.read_profiles(site, [subject]).get(subject)
        blob, version = (held.blob, held.version) if held else (encode(Profile()), 0)
        self._inner.write_profile(site, subject, blob, expected=version)

    def _rival_part(self, site: str, subject: str, part: PersonItem) -> None:
        held = self._inner.read_part(site, subject, part)
        if held:
            self._inner.write_part(site, subject, part, held._replace(version=held.version + 1))


class FaultyObjects:
    """An ObjectStore with faults."""

    def __init__(self, inner: ObjectStore, invocation: Invocation) -> None:
        self._inner, self._invocation = inner, invocation

    def get(self, key: str) -> bytes | None:
        """Without faults."""
        return self._inner.get(key)

    def put(self, key: str, data: bytes) -> None:
        """May be refused, or done with the answer lost."""
        invocation, archive = self._invocation, key.startswith("archive/")
        invocation.step("before the archive" if archive else "")
        fault = invocation.plan.fault("object")
        _refuse("s3", fault)
        self._inner.put(key, data)
        if archive:
            invocation.observer.archived(data)
        invocation.step("after the archive" if archive else "")
        if fault:
            raise Unavailable("s3", "no answer")

    def keys(self, prefix: str) -> Iterator[str]:
        """Without faults."""
        return self._inner.keys(prefix)

    def delete(self, key: str) -> None:
        """Without faults."""
        self._inner.delete(key)


def _refuse(service: str, fault: str) -> None:
    if fault in _REFUSED:
        raise Unavailable(service, fault)


def _outcome(fault: str, written: Written) -> Written:
    """The result that the caller gets for one write of a batch."""
    if fault in {*_REFUSED, "answer lost"}:
        return Unavailable("dynamodb", fault)
    if fault == "answer lost, sent again":
        return written or Conflict("somebody else wrote this item first")
    return written
