"""People for tests: stores that are shared by actions which interleave at every operation.

A `Stage` runs several actions at once, each in a thread of its own, of which one at a time may take
its next step at the store; a list of numbers says which. So a race is a value that can be repeated.
"""

import itertools
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from threading import Semaphore, Thread, current_thread
from typing import Any

from hemline.adapters.memory import MemoryObjects, MemoryTable
from hemline.learn.profile.fold import Profile, fold
from hemline.model.errors import Unavailable
from hemline.model.events.event import Event, Record, encode_record
from hemline.model.subject_status import Links
from hemline.usecases.ingest.batch import IngestDeps, IngestResult, StreamRecord, ingest_batch
from hemline.usecases.ingest.follow import links_of, profile_of
from hemline.usecases.people.link import LinkDeps
from hemline.usecases.people.parts import NEVER
from hemline.usecases.ports import PersonItem, Stored

SITE = "demo"
NOW = 1_700_000_000_000
_PATIENCE = 30.0
_OPERATIONS = ("read_part", "write_part", "delete_part", "read_profiles", "write_profile")


class Inline(Executor):
    """Does at once, in the caller's thread, what it is given."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(fn(*args, **kwargs))
        return done


class _Task(Thread):
    """An action that waits before each of its steps until it is told to go on."""

    def __init__(self, action: Callable[[], object]) -> None:
        super().__init__(daemon=True)
        self.action = action
        self.error: Exception | None = None
        self.go, self.stopped, self.over = Semaphore(0), Semaphore(0), False

    def run(self) -> None:
        self.go.acquire()
        try:
            self.action()
        except Exception as error:  # noqa: BLE001 - told to whoever started the race
            self.error = error
        self.over = True
        self.stopped.release()

    def pause(self) -> None:
        self.stopped.release()
        self.go.acquire()

    def step(self) -> None:
        self.go.release()
        assert self.stopped.acquire(timeout=_PATIENCE), "an action hangs"


class Stage(MemoryTable):
    """A table whose every operation is a step of whoever asks for it."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = 0
        self.dies_at = -1
        """Before this step, whoever takes it is cut off; -1: never."""

    def race(self, actions: Sequence[Callable[[], object]], order: Sequence[int]) -> None:
        """Run all of them to their ends, `order` choosing who steps next. Raises what one raised."""
        race(actions, order)


def race(actions: Sequence[Callable[[], object]], order: Sequence[int]) -> None:
    """As `Stage.race`, over any stores whose operations `await_turn`."""
    tasks = [_Task(action) for action in actions]
    for task in tasks:
        task.start()
    running, turns = list(tasks), itertools.cycle(order or [0])
    while running:
        task = running[next(turns) % len(running)]
        task.step()
        running = [one for one in running if not one.over]
    for task in tasks:
        task.join(_PATIENCE)
        if task.error:
            raise task.error


def await_turn() -> None:
    """Within a race: whoever calls it waits until it is told to go on."""
    task = current_thread()
    if isinstance(task, _Task):
        task.pause()


def _stepped(name: str) -> Callable[..., Any]:
    plain = getattr(MemoryTable, name)

    def operation(self: Stage, *args: Any, **kwargs: Any) -> Any:
        if self.steps == self.dies_at:
            raise Unavailable("table", "cut off")
        self.steps += 1
        await_turn()
        return plain(self, *args, **kwargs)

    return operation


for _name in _OPERATIONS:
    setattr(Stage, _name, _stepped(_name))


class World:
    """A table, a stream in one shard that ingest is behind of, and what is known of both."""

    def __init__(self) -> None:
        self.table, self.objects = Stage(), MemoryObjects()
        self.ingest = IngestDeps(SITE, self.table, self.objects, Inline())
        self.deps = LinkDeps(SITE, self.table, self._mint)
        self.logs: dict[str, list[Record]] = {}
        """Subject → all that was ever said of them."""
        self.stream: list[StreamRecord] = []
        self._minted = itertools.count(1)

    def _mint(self) -> str:
        return f"new{next(self._minted)}"

    def act(self, subject: str, kind: str = "view", item: str = "", at: int = 0) -> Record:
        """One more event of `subject` on the stream."""
        number = len(self.stream) + 1
        event = Event(f"e{number}", kind, at or NOW + number, item=item or f"i{number}")
        record = Record(SITE, subject, NOW + number, event)
        self.logs.setdefault(subject, []).append(record)
        self.stream.append(StreamRecord("shard-0", str(number), encode_record(record)))
        return record

    def deliver(self, batch: Sequence[StreamRecord]) -> IngestResult:
        """Ingest those; nothing of it may fail."""
        result = ingest_batch(batch, self.ingest, NOW)
        assert not result.failures, result
        return result

    def said(self, *subjects: str) -> Profile:
        """What a fold of these subjects' logs makes."""
        return self.fold([one for who in subjects for one in self.logs.get(who, [])])

    def fold(self, records: Sequence[Record]) -> Profile:
        """What a fold of these makes."""
        return fold(Profile(), records)

    def part(self, subject: str, part: PersonItem = PersonItem.PROFILE) -> Stored:
        """As it lies in the table."""
        return MemoryTable.read_part(self.table, SITE, subject, part) or NEVER

    def profile(self, subject: str, part: PersonItem = PersonItem.PROFILE) -> Profile:
        """What is kept of `subject`."""
        return profile_of(self.part(subject, part))

    def links(self, subject: str) -> Links:
        """Who is one with `subject`."""
        return links_of(self.table, SITE, subject)
