"""The load: calls to the collect endpoint, account calls, and junk put directly on the stream."""

import random
from collections.abc import Callable, Iterator
from itertools import islice
from typing import NamedTuple

from hemline.usecases.ports import EventStream, StreamEntry
from workbench.soak import poison
from workbench.soak.books.ledger import Ledger
from workbench.soak.clients import SendingClients
from workbench.soak.people import People, SoakWorld
from workbench.soak.visitors import EventCall, calls

_POISON = 0.02
"""Share of calls that are followed by a bad record on the stream."""


class WireStream(NamedTuple):
    """The two ways onto the stream, and the setter of its clock."""

    stream: EventStream
    bypass_collect: Callable[[list[StreamEntry]], None]
    """Puts entries as they are, without the collect endpoint."""
    now: Callable[[int], None] = lambda _: None
    """Called with epoch ms before each call."""


class LoadGenerator:
    """Sends the calls of one run and records them in `ledger`. `largest`: most events in one call."""

    between_calls_only = False
    """Account calls happen only between two calls of clients, and never race with ingest."""

    def __init__(
        self, seed: int, events: int, stream: WireStream, world: SoakWorld, largest: int = 14
    ) -> None:
        self.ledger = Ledger()
        self.people = People(seed, events, self.ledger, world)
        self._stream = stream
        self._clients = SendingClients(stream.stream, self.ledger, random.Random(f"{seed} clients"))
        self._chance = random.Random(f"{seed} poison")
        self._calls = calls(random.Random(f"{seed} visitors"), events, largest)
        self._clock = 0

    def batches(self, size: int) -> Iterator[int]:
        """Send everything. After each `size` calls, yield how many new calls were sent so far."""
        sent = 0
        while part := list(islice(self._calls, size)):
            for call in part:
                self._send(call)
            sent += len(part)
            yield sent
        self.people.due(self._clock, between_calls_only=True)
        while waiting := self._clients.due(None):
            for kind, call in waiting:
                self._at(call.at)
                self._clients.send(call, kind)
        yield sent

    def _send(self, call: EventCall) -> None:
        for kind, earlier in self._clients.due(call.at):
            self._at(earlier.at)
            self._clients.send(earlier, kind)
        self._at(call.at)
        self.people.due(call.at, between_calls_only=self.between_calls_only)
        self._clients.send(self.people.with_current_identity(call))
        if self._chance.random() < _POISON:
            entry, junk = poison.draw(self._chance, self.ledger.submitted)
            self.ledger.poisoned(junk)  # before the put: the ledger must know it even if that fails
            self._stream.bypass_collect([entry])

    def _at(self, now: int) -> None:
        self._clock = max(self._clock, now)
        self._stream.now(self._clock)
