"""Buckets with two people in every kind of object, and a store that dies at a chosen write."""

import base64
import gzip
import json
from collections.abc import Callable, Iterator

from hemline.model.events.event import encode_record
from hemline.model.keys import quarantine_object
from hemline.usecases.ingest.archive import append, day_of, line
from hemline.usecases.people.forget_archive import SweepDeps, Swept, sweep
from hemline.usecases.people.forget_register import enter
from hemline.usecases.ports import ObjectVersion
from tests.builders.versions import VersionedObjects
from tests.harness.streams import NOW, SITE, record

DAY = 86_400_000
SETTLED = NOW + 3 * DAY
GONE, STAYS = "v:gone-4fX9", "v:stays-7pQ2"


class Killed(Exception):  # noqa: N818 - named for what happened
    """Where a process ends."""


class Fragile(VersionedObjects):
    """Dies before the write number `dies_at`, or after it."""

    def __init__(self) -> None:
        super().__init__()
        self.writes, self.dies_at, self.after = 0, -1, False

    def _write(self, act: Callable[[], None]) -> None:
        mine = self.writes == self.dies_at
        self.writes += 1
        if mine and not self.after:
            raise Killed
        act()
        if mine:
            raise Killed

    def put(self, key: str, data: bytes) -> None:
        self._write(lambda: super(Fragile, self).put(key, data))

    def delete_version(self, one: ObjectVersion) -> None:
        self._write(lambda: super(Fragile, self).delete_version(one))

    def delete(self, key: str) -> None:
        self._write(lambda: super(Fragile, self).delete(key))


class Bucket:
    """Everything that a person's events may lie in, with two people in it."""

    def __init__(self) -> None:
        self.data, self.failed = Fragile(), Fragile()
        self.deps = SweepDeps(SITE, self.data, self.failed)
        self.number = 0
        self.batch([GONE], NOW - DAY)
        for day in range(3):
            self.batch([GONE, STAYS, GONE], NOW - day * DAY)
        self.batch([GONE], NOW, shard="s1")
        self.batch([STAYS, STAYS], NOW, shard="s2")
        for key in list(self.data.keys("archive/"))[:2]:  # the same batches once more
            self.data.put(key, self.data.get(key) or b"")
        lost = next(iter(self.data.keys("archive/")))
        self.data.put(f"{lost}.old", self.data.get(lost) or b"")
        self.data.delete(f"{lost}.old")
        for number, payload in enumerate(poison(GONE) + poison(STAYS)):
            self.quarantine(number, payload)
        self.fail("mixed", [GONE, STAYS, GONE])
        self.fail("hers", [GONE])
        self.fail("others", [STAYS])

    def batch(self, subjects: list[str], received: int, shard: str = "s0") -> None:
        rows = []
        for subject in subjects:
            self.number += 1
            one = record(subject, f"e{self.number}", received=received)
            rows.append(line(shard, str(self.number), one))
        append(self.data, rows)

    def quarantine(self, number: int, payload: bytes) -> None:
        text = base64.b64encode(payload).decode()
        document = {"shard": "s0", "sequence": str(number), "reason": "why", "payload": text}
        key = quarantine_object(day_of(NOW), "s0", str(number))
        self.data.put(key, json.dumps(document).encode())

    def fail(self, name: str, subjects: list[str]) -> None:
        payloads = [(who, encode_record(record(who, f"f{who}"))) for who in subjects]
        payloads += [(who, b"{") for who in subjects]
        records = [
            {"kinesis": {"partitionKey": who, "data": base64.b64encode(data).decode()}}
            for who, data in payloads
        ]
        document = {"version": "1.0", "payload": json.dumps({"Records": records})}
        self.failed.put(f"aws/lambda/m/s0/{name}", json.dumps(document).encode())

    def forget(self, subject: str = GONE, at: int = NOW) -> None:
        enter(self.data, SITE, subject, at, at + 3 * DAY)

    def runs(self, now: int, most: int = 10**6) -> Iterator[Swept]:
        while True:
            done = sweep(self.deps, now, most=most)
            yield done
            if done.done:
                return

    def everything(self) -> bytes:
        """All bytes of all versions, with everything unpacked that is packed."""
        found = self.data.everything() + self.failed.everything()
        return b"\n".join(unpacked(data) for data in found)


def unpacked(data: bytes) -> bytes:
    if data[:2] == b"\x1f\x8b":
        return gzip.decompress(data)
    try:
        payload = json.loads(data)["payload"]
    except (ValueError, KeyError):
        return data
    if payload.startswith("{"):
        parts = [base64.b64decode(r["kinesis"]["data"]) for r in json.loads(payload)["Records"]]
        return data + b"\n".join(parts)
    return data + base64.b64decode(payload)


def poison(subject: str) -> list[bytes]:
    """Records that nobody can read, each with the subject in it somewhere."""
    whole = encode_record(record(subject, "e1"))
    return [whole[:-1], whole.replace(b'"', b"", 3), b"\x00" + whole, subject.encode() + b"garbage"]
