"""Ingest is killed in the middle of batches while events flow; afterwards everything is there, once.

With the whole stack of `hemline run`: events go in at the front door, the event source mapping
delivers again what a dead worker left, and what is stored is compared with what was accepted.
"""

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import islice
from pathlib import Path

import pytest

from hemline.learn.profile.fold import Profile, decode, fold, state_bytes
from hemline.model.events.event import Record
from hemline.model.events.schema import event_of, parse_event
from hemline.model.keys import archive_prefix
from hemline.usecases.ingest.archive import read_archive
from hemline.usecases.ports import ObjectStore, Stored
from tests.harness.stack import READY, Stack
from workbench import stores
from workbench.demo.simulator import history
from workbench.importers import importing
from workbench.importers.http_road import HttpRoad
from workbench.importers.wire import Wire, WireEvents, encode
from workbench.laptop import Running

pytestmark = [
    pytest.mark.cloud,
    pytest.mark.skipif(sys.platform != "linux", reason="finds worker processes in /proc"),
    pytest.mark.xdist_group("stack"),
]

SITE = "demo"
UNTIL = 1_780_000_000_000
ENOUGH = 12
"""Archive objects that must have come again: one kill leaves about two, the halves of its batch."""
MOST = 40
SECONDS = 60


def test_no_event_is_lost_or_counted_twice_when_ingest_dies_again_and_again(tmp_path: Path) -> None:
    stack = Stack(tmp_path, "--no-seed")
    try:
        stack.wait_for(READY)
        found = Running(**json.loads((tmp_path / "run.json").read_bytes()))
        sent = send_and_kill(found)
        objects, table = stores.objects(found), stores.table(found)
        eventually(lambda: len(list(read_archive(objects, SITE))) >= len(sent))
        archived = [one.record for one in read_archive(objects, SITE, repeats=True)]
        once = [one.record for one in read_archive(objects, SITE)]
        assert sorted(name_of(record) for record in once) == sorted(sent)
        subjects = sorted({record.subject for record in once})
        expected = refold(archived)
        eventually(lambda: profiles(table.read_profiles(SITE, subjects)) == expected)
        strays = [key for key in objects.keys("") if not key.startswith(archive_prefix(SITE))]
        assert not strays, "nothing is in quarantine or given up"
    finally:
        status = stack.stop()
    assert status == 0, stack.lines
    assert stack.left == "left: []"


def test_the_comparison_sees_a_lost_and_a_doubled_event() -> None:
    record = next(iter(records(1)))
    other = list(records(3))[-1]
    whole = refold([record, other])
    assert whole != refold([record])
    assert whole == refold([other, record, record]), "the same event twice is one event"


def test_the_count_of_cut_off_batches_sees_only_batches_that_came_again() -> None:
    assert cut_off([key("1", "5"), key("6", "9")]) == 0
    assert cut_off([key("1", "5"), key("1", "2"), key("3", "5")]) == 2


def send_and_kill(stack: Running) -> list[tuple[str, str]]:
    """Batches through the front door, with ingest killed when each is archived; what was accepted."""
    objects = stores.objects(stack)
    door = HttpRoad(stack.gateway, stores.secrets(stack)[0])
    chance, sent = random.Random(4), list[tuple[str, str]]()
    try:
        for events in batches(MOST):
            known = set(objects.keys(archive_prefix(SITE)))
            # Every batch twice, as a client does that never heard of its success.
            for _ in range(2):
                report = importing.run(WireEvents(iter(map(encode, events))), door)
                assert report.accepted == len(events), report.lines()
            sent += [(f"v:{event['visitor']}", str(event["id"])) for event in events]
            eventually(partial(has_more, objects, known))
            running = workers(stack.pid, "IngestFunction")
            if running:  # none is there while the one that was killed last is being replaced
                with suppress(ProcessLookupError):
                    os.kill(chance.choice(running), signal.SIGKILL)
            if cut_off(objects.keys(archive_prefix(SITE))) >= ENOUGH:
                return sent
    finally:
        door.close()
    pytest.fail(f"fewer than {ENOUGH} batches came again: too little was tried")


def has_more(objects: ObjectStore, known: set[str]) -> bool:
    return not known.issuperset(objects.keys(archive_prefix(SITE)))


def batches(most: int) -> Iterator[list[Wire]]:
    events = history(until=UNTIL, visitors=400)
    while most and (batch := list(islice(events, 400))):
        most -= 1
        yield batch


def records(count: int) -> Iterator[Record]:
    """Real records of the simulator's visitors, without a stack."""
    for event in islice(history(until=UNTIL, visitors=3), count):
        parsed = parse_event(encode(event))
        yield Record(SITE, f"v:{parsed.visitor}", UNTIL, event_of(parsed, UNTIL))


def name_of(record: Record) -> tuple[str, str]:
    return record.subject, record.event.id


def refold(archived: Sequence[Record]) -> dict[str, bytes]:
    """Subject → the state of a profile that is folded from nothing but the archive."""
    parts: dict[str, list[Record]] = {}
    for record in archived:
        parts.setdefault(record.subject, []).append(record)
    return {who: state_bytes(fold(Profile(), part)) for who, part in parts.items()}


def profiles(stored: Mapping[str, Stored]) -> dict[str, bytes]:
    return {who: state_bytes(decode(one.blob)) for who, one in stored.items()}


def cut_off(keys: Iterable[str]) -> int:
    """Archive objects that begin before an earlier one of their shard and day ends: it came again."""
    again, ends = 0, dict[str, int]()
    for place, first, last in sorted(map(span, keys)):
        again += first <= ends.get(place, 0)
        ends[place] = max(last, ends.get(place, 0))
    return again


def span(name: str) -> tuple[str, int, int]:
    """Shard and day, first and last sequence number of an archive object."""
    place, _, numbers = name.removesuffix(".jsonl.gz").rpartition("/")
    first, last, _ = numbers.split("-")
    return place, int(first), int(last)


def key(first: str, last: str) -> str:
    return f"{archive_prefix(SITE)}2026-01-01/shard/{first}-{last}-0.jsonl.gz"


def workers(root: int, function: str) -> list[int]:
    """Living processes below `root` that run `function`: the runtime emulator and its handler."""
    parents = {pid: parent for pid, parent in map(parent_of, pids()) if parent}
    return [pid for pid in parents if is_below(pid, root, parents) and runs(pid, function)]


def pids() -> list[int]:
    return [int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdigit()]


def parent_of(pid: int) -> tuple[int, int]:
    try:
        return pid, int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return pid, 0


def is_below(pid: int, root: int, parents: Mapping[int, int]) -> bool:
    while pid in parents and pid != root:
        pid = parents[pid]
    return pid == root


def runs(pid: int, function: str) -> bool:
    try:
        variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False
    return f"AWS_LAMBDA_FUNCTION_NAME={function}".encode() in variables


def eventually(found: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not found():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.01)
