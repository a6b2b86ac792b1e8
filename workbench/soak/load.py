"""Everybody who sends: visitors and servers at the door, and whoever puts junk on the stream past it."""

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
"""Share of calls after which somebody puts junk on the stream."""


class WireStream(NamedTuple):
    """The stream's two ends for senders; `now` is told epoch ms before each call."""

    door: EventStream
    past_the_door: Callable[[list[StreamEntry]], None]
    now: Callable[[int], None] = lambda _: None


class Crowd:
    """`largest`: events in one call at most. `quietly`: nothing is left to race with ingest in turns."""

    quietly = False

    def __init__(
        self, seed: int, events: int, stream: WireStream, world: SoakWorld, largest: int = 14
    ) -> None:
        self.ledger = Ledger()
        self.people = People(seed, events, self.ledger, world)
        self._stream = stream
        self._clients = SendingClients(stream.door, self.ledger, random.Random(f"{seed} clients"))
        self._chance = random.Random(f"{seed} poison")
        self._calls = calls(random.Random(f"{seed} visitors"), events, largest)
        self._clock = 0

    def parts(self, size: int) -> Iterator[int]:
        """Sends call after call; after each `size` of them, how many new ones there were so far."""
        sent = 0
        while part := list(islice(self._calls, size)):
            for call in part:
                self._send(call)
            sent += len(part)
            yield sent
        self.people.due(self._clock, quietly=True)
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
        self.people.due(call.at, quietly=self.quietly)
        self._clients.send(self.people.as_they_are(call))
        if self._chance.random() < _POISON:
            entry, junk = poison.draw(self._chance, self.ledger.submitted)
            self.ledger.poisoned(junk)
            self._stream.past_the_door([entry])

    def _at(self, now: int) -> None:
        self._clock = max(self._clock, now)
        self._stream.now(self._clock)
