"""A whole soak in this process: clients, stream, function and stores, then the verdict."""

import random
from collections.abc import Callable, Iterator
from itertools import islice
from typing import NamedTuple

from hemline.usecases.ingest_batch import ingest_batch
from workbench.soak import poison
from workbench.soak.clients import Clients
from workbench.soak.consumer import Consumer, Ingest, Reading
from workbench.soak.ledger import Ledger
from workbench.soak.plan import Plan
from workbench.soak.stream import Shards
from workbench.soak.verdict import Check, Stores, expected, judge
from workbench.soak.visitors import Call, calls

_POISON = 0.02
"""Share of calls after which somebody puts junk on the stream."""
_RESHARDS = 8
_CALLS = 7.5
"""Events in one call, on average."""


class Settings(NamedTuple):
    """What is asked for."""

    events: int = 1_000_000
    kills: int = 2000
    faults: int = 10_000
    seed: int = 1
    shards: int = 4
    lanes: int = 2
    batch: int = 250


class Report(NamedTuple):
    """What came of it."""

    settings: Settings
    checks: list[Check]
    """After the stream was read, and again after all of it was delivered once more."""
    troubles: dict[str, int]
    figures: dict[str, int]

    @property
    def holds(self) -> bool:
        """Whether every check does."""
        return all(check.holds for check in self.checks)


class Tell(NamedTuple):
    """Where a run says how far it is; records done of about `total`."""

    total: Callable[[int], None] = lambda _: None
    done: Callable[[int], None] = lambda _: None
    phase: Callable[[str], None] = lambda _: None


def soak(settings: Settings, ingest: Ingest = ingest_batch, tell: Tell | None = None) -> Report:
    """Run it. The same settings give the same report."""
    return _Run(settings, ingest, tell or Tell()).whole()


class _Run:
    def __init__(self, settings: Settings, ingest: Ingest, tell: Tell) -> None:
        self._settings, self._tell = settings, tell
        self._plan = Plan(self._rng("plan"), kills=settings.kills, faults=settings.faults)
        self._ledger = Ledger()
        self._stream = Shards(settings.shards, self._plan, self._rng("stream"))
        self._clients = Clients(self._stream, self._ledger, self._rng("clients"))
        self._chance = self._rng("poison")
        self._consumer = Consumer(self._plan, self._rng("stage"), ingest, self._settled)
        # The stream is read twice, and holds about a tenth more than what is new.
        self._total, self._done = int(settings.events * 2.2), 0
        self._reshards = 0

    def whole(self) -> Report:
        self._tell.total(self._total)
        reading = Reading(self._settings.lanes, self._settings.batch)
        self._tell.phase("deliver")
        self._deliver(reading)
        self._consumer.redrive()
        self._tell.phase("compare")
        asked = expected(self._ledger)
        stores = Stores(self._consumer.table, self._consumer.objects)
        first = judge(self._ledger, asked, stores)
        self._tell.phase("replay")
        # In another cut and in other lanes, as when somebody had changed the settings.
        self._total = self._done + self._stream.records
        self._consumer.replay(self._stream, Reading(reading.lanes + 1, reading.batch + 37))
        self._consumer.redrive()
        self._tell.phase("compare")
        again = judge(self._ledger, asked, stores, first)
        return self._report(first.checks, again.checks)

    def _rng(self, what: str) -> random.Random:
        return random.Random(f"{self._settings.seed} {what}")

    def _settled(self, records: int) -> None:
        self._done += records
        self._plan.advance(self._done / self._total)
        self._tell.done(records)

    def _deliver(self, reading: Reading) -> None:
        made = calls(self._rng("visitors"), self._settings.events)
        size = max(4, int(reading.batch * self._settings.shards * reading.lanes / _CALLS))
        for number, part in enumerate(_parts(made, size)):
            for call in part:
                self._send(call)
            if number * size * _CALLS > self._settings.events * self._reshards / _RESHARDS:
                self._reshards += 1
                self._stream.reshard()
            self._consumer.drain(self._stream, reading)
        for kind, call in self._late():
            self._stream.now = max(self._stream.now, call.at)
            self._clients.send(call, kind)
        self._consumer.drain(self._stream, reading)

    def _send(self, call: Call) -> None:
        for kind, earlier in self._clients.due(call.at):
            self._clients.send(earlier, kind)
        self._stream.now = call.at
        self._clients.send(call)
        if self._chance.random() < _POISON:
            entry, junk = poison.draw(self._chance, self._ledger.submitted)
            self._ledger.poisoned(junk)
            self._stream.store([entry])

    def _late(self) -> Iterator[tuple[str, Call]]:
        while waiting := self._clients.due(None):
            yield from waiting

    def _report(self, first: list[Check], again: list[Check]) -> Report:
        ledger, consumer = self._ledger, self._consumer
        kills, faults = self._plan.totals()
        records = self._stream.records
        extra = [
            Check(
                "records = accepted + stored twice + poison",
                records,
                ledger.events + ledger.copies.total() + self._stream.doubled + len(ledger.poison),
            ),
            Check("profile writes ahead of the archive", 0, consumer.ahead),
            Check("answers that do not add up", 0, consumer.miscounted),
        ]
        figures = {
            "submitted": ledger.submitted,
            "events": ledger.events,
            **{name: ledger.copies[name] for name in sorted(ledger.copies)},
            "rejected": ledger.rejected.total(),
            "poison": len(ledger.poison),
            "records on the stream": records,
            "shards": len(self._stream.all),
            "kills": kills,
            "faults": faults,
            **dict(sorted(consumer.seen.items())),
            **{f"reported {name}": n for name, n in consumer.counts.items()},
        }
        replayed = [check._replace(name=f"replayed: {check.name}") for check in again]
        troubles = {f"{what}: {kind}": n for (what, kind), n in sorted(self._plan.done.items())}
        return Report(self._settings, [*first, *extra, *replayed], troubles, figures)


def _parts(made: Iterator[Call], size: int) -> Iterator[list[Call]]:
    while part := list(islice(made, size)):
        yield part
