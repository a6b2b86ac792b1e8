"""Stores as a dying function on a bad day sees them: memory with DynamoDB's and S3's semantics.

One pair for each invocation, since what is killed must do nothing more; what they wrap is shared.
This is the one place that knows which of the ports' methods the events' road uses.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from hemline.learn.profile.fold import Profile, encode
from hemline.model.errors import Conflict, Unavailable
from hemline.usecases.ports import ObjectStore, PersonItem, PersonStore, Stored, Write, Written
from workbench.soak.plan import FaultPlan
from workbench.soak.scheduler import Stage

_REFUSED = {"throttled", "error 500", "timeout", "TransactionConflict"}
"""Nothing was written."""


class Killed(BaseException):
    """The process is gone: nothing after this runs, so nothing may catch it."""


class Bookkeeper(Protocol):
    """Whoever watches that what a profile has, the archive has."""

    def archived(self, data: bytes) -> None:
        """An object of the archive is durable."""
        ...

    def profiled(self, subject: str, batch: Sequence[int]) -> None:
        """A profile with these sequence numbers in it is about to be durable."""
        ...


class Life:
    """One invocation: `numbers` are its records' sequence numbers by partition key."""

    def __init__(
        self, plan: FaultPlan, stage: Stage, books: Bookkeeper, numbers: dict[str, list[int]]
    ) -> None:
        self.plan, self.stage, self.books, self.numbers = plan, stage, books, numbers
        self.written = 0
        self._dead = False

    def step(self, place: str = "") -> None:
        """Others may go on here, and the function may die here."""
        self.stage.breathe()
        if self._dead or (place and self.plan.kills(place)):
            self._dead = True
            raise Killed(place)


class FaultyTable:
    """PersonStore."""

    def __init__(self, inner: PersonStore, life: Life) -> None:
        self._inner, self._life = inner, life

    def read_profiles(self, site: str, subjects: Sequence[str]) -> dict[str, Stored]:
        """May be refused."""
        self._life.step()
        _refuse("dynamodb", self._life.plan.fault("read"))
        return self._inner.read_profiles(site, subjects)

    def write_profile(self, site: str, subject: str, blob: bytes, *, expected: int) -> None:
        """May be refused, lost to a rival, or done with the answer lost."""

        def write() -> None:
            self._life.books.profiled(subject, self._life.numbers.get(subject, ()))
            self._inner.write_profile(site, subject, blob, expected=expected)

        self._write(write, lambda: self._rival(site, subject))

    def write_profiles(self, site: str, writes: Sequence[Write]) -> list[Written]:
        """Each may fail as above, and all of them together; who dies amid them has written some."""
        whole = self._life.plan.fault("batch")
        if whole in _REFUSED:
            return [Unavailable("dynamodb", whole) for _ in writes]
        faults: list[str] = []
        done: list[Written] = []
        try:
            for write in writes:
                faults.append(self._befallen(site, write))  # noqa: PERF401 - kept when it raises
        finally:
            # A request that was on its way when its sender died is done all the same.
            sent = [w for w, fault in zip(writes, faults, strict=False) if fault not in _REFUSED]
            done += self._sent(site, sent)
        for _ in sent:
            self._life.step("after a profile")
        rest = iter(done)
        found = [_heard(f, None if f in _REFUSED else next(rest)) for f in faults]
        return [_heard(whole, one) for one in found] if whole else found

    def _befallen(self, site: str, write: Write) -> str:
        """What happens to this one of a call; empty: nothing."""
        life = self._life
        life.step("between profiles" if life.written else "before the profiles")
        fault = life.plan.fault("write")
        if fault == "a rival was faster":
            self._rival(site, write.subject)
        life.written += fault not in _REFUSED
        return fault

    def _sent(self, site: str, writes: Sequence[Write]) -> list[Written]:
        for write in writes:
            self._life.books.profiled(write.subject, self._life.numbers.get(write.subject, ()))
        return self._inner.write_profiles(site, writes) if writes else []

    def read_part(self, site: str, subject: str, part: PersonItem) -> Stored | None:
        """May be refused."""
        self._life.step()
        _refuse("dynamodb", self._life.plan.fault("read"))
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
        life = self._life
        life.step("between profiles" if life.written else "before the profiles")
        fault = life.plan.fault("write")
        _refuse("dynamodb", fault)
        if fault == "a rival was faster":
            rival()
        write()
        life.written += 1
        life.step("after a profile")
        if fault == "answer lost":
            raise Unavailable("dynamodb", "no answer")
        if fault == "answer lost, sent again":
            raise Conflict("somebody else wrote this item first")

    def _rival(self, site: str, subject: str) -> None:
        """Another writer: a merge, or a parent shard's last batch."""
        held = self._inner.read_profiles(site, [subject]).get(subject)
        blob, version = (held.blob, held.version) if held else (encode(Profile()), 0)
        self._inner.write_profile(site, subject, blob, expected=version)

    def _rival_part(self, site: str, subject: str, part: PersonItem) -> None:
        held = self._inner.read_part(site, subject, part)
        if held:
            self._inner.write_part(site, subject, part, held._replace(version=held.version + 1))


class FaultyObjects:
    """ObjectStore."""

    def __init__(self, inner: ObjectStore, life: Life) -> None:
        self._inner, self._life = inner, life

    def get(self, key: str) -> bytes | None:
        """As it is."""
        return self._inner.get(key)

    def put(self, key: str, data: bytes) -> None:
        """May be refused, or done with the answer lost."""
        life, archive = self._life, key.startswith("archive/")
        life.step("before the archive" if archive else "")
        fault = life.plan.fault("object")
        _refuse("s3", fault)
        self._inner.put(key, data)
        if archive:
            life.books.archived(data)
        life.step("after the archive" if archive else "")
        if fault:
            raise Unavailable("s3", "no answer")

    def keys(self, prefix: str) -> Iterator[str]:
        """As they are."""
        return self._inner.keys(prefix)

    def delete(self, key: str) -> None:
        """As it is."""
        self._inner.delete(key)


def _refuse(service: str, fault: str) -> None:
    if fault in _REFUSED:
        raise Unavailable(service, fault)


def _heard(fault: str, written: Written) -> Written:
    """What the caller is told of a write that ended like this."""
    if fault in {*_REFUSED, "answer lost"}:
        return Unavailable("dynamodb", fault)
    if fault == "answer lost, sent again":
        return written or Conflict("somebody else wrote this item first")
    return written
