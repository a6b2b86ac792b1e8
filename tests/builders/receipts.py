"""A site in memory whose visitors' events went through the real ingest: what receipts are found in."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future
from typing import Any

import msgspec

from hemline.adapters.memory import MemoryObjects, MemoryTable
from hemline.decide.page import PageRequest
from hemline.decide.token import Token, decode
from hemline.model.brake import Brake
from hemline.model.decision import Fragment, Visit
from hemline.model.edition import Edition
from hemline.model.events.event import Record, encode_record
from hemline.model.keys import brake_version, edition_object
from hemline.usecases.ingest.batch import IngestDeps, ingest_batch
from hemline.usecases.ingest.read import StreamRecord
from hemline.usecases.ports import ServingRead
from hemline.usecases.receipts.receipts import DecisionInputs, Sources, decision_inputs, sources_of
from hemline.usecases.serving.decide_page import Deps, PageDecision, decide
from hemline.usecases.serving.editions import LiveEdition
from tests.builders.editions import KEYS, NOW, SITE, build_file
from tests.harness.deciding import live


class Here(Executor):
    """An executor that works in the caller's thread, so that nothing depends on timing."""

    def submit(self, work: Any, /, *args: Any, **kwargs: Any) -> "Future[Any]":
        done: Future[Any] = Future()
        done.set_result(work(*args, **kwargs))
        return done


class World:
    """Table, bucket and a live edition; `arrive` brings events to both through the real ingest."""

    def __init__(self, *args: Any, ranker: Any = None, **kwargs: Any) -> None:
        self.table, self.objects, self.ranker = MemoryTable(), MemoryObjects(), ranker
        self._numbers: Iterator[int] = iter(range(1, 10**9))
        self.publish(*args, **kwargs)

    def publish(self, *args: Any, **kwargs: Any) -> Edition:
        data, edition = build_file(*args, **kwargs)
        if self.ranker:
            data, edition = build_file(*args, **{"ranker": (b"any", b"any")} | kwargs)
        self.objects.put(edition_object(SITE, edition.digest), data)
        self.live: LiveEdition = live(edition, self.ranker)
        return edition

    def arrive(self, records: Sequence[Record], shard: str = "s1") -> None:
        stream = [
            StreamRecord(shard, f"{next(self._numbers):020}", encode_record(record), NOW)
            for record in records
        ]
        deps = IngestDeps(SITE, self.table, self.objects, Here(), KEYS)
        assert not ingest_batch(stream, deps, NOW).failures

    def stop(self, brake: Brake) -> None:
        """In force at once, and in the log."""
        text = brake.signed(KEYS[0])
        self.objects.put(brake_version(SITE, brake.version), text.encode())
        self.live.follow(None, text)

    def decide(
        self, question: PageRequest, visit: Visit, now: int = NOW, reader: Any = None
    ) -> PageDecision:
        deps = Deps(SITE, reader or self.table, self.live, KEYS, 0.05)
        return decide(question, visit, deps, now)

    def sources(self, subject: str = "") -> Sources:
        return sources_of(SITE, self.objects, KEYS, lambda *_: self.ranker, subject)

    def scene(
        self, fragment: Fragment, subject: str = "", asked: PageRequest | None = None
    ) -> DecisionInputs:
        return decision_inputs(receipt(fragment), self.sources(subject), asked)


def signed(fragment: Fragment) -> str:
    found: str = msgspec.json.decode(fragment.body)["token"]
    return found


def receipt(fragment: Fragment) -> Token:
    return decode(signed(fragment), KEYS, site=SITE, now=NOW)


class Gone:
    """A table that lost its profiles."""

    def read_for_serving(
        self, site: str, subject: str | None, *, pointer: bool, timeout: float
    ) -> ServingRead:
        return ServingRead(None, None)
