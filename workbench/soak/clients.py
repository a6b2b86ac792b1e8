"""Clients of the collect endpoint. They retry events that were not durable, and send some calls twice.

A *copy* repeats a call within seven days, as when its answer was lost. A *late copy* repeats it after
more than eight days, as a phone does that was switched off meanwhile.
"""

import random
from heapq import heappop, heappush
from itertools import count

import msgspec

from hemline.model.durations import DAY_MS
from hemline.usecases.ingest.collect import NOT_DURABLE, CollectDeps, collect_events
from hemline.usecases.ports import EventStream
from workbench.soak.books.ledger import RETRY, Ledger
from workbench.soak.poison import SITE
from workbench.soak.visitors import EventCall, SentEvent

COPY, LATE = "copies", "late copies"
_COPIES = 0.04
_LATE = 0.02
_HORIZON = 8 * DAY_MS


class SendingClients:
    """Sends calls now, and keeps those to be sent later in a heap ordered by time."""

    def __init__(self, stream: EventStream, ledger: Ledger, rng: random.Random) -> None:
        self._deps = CollectDeps(stream, SITE, _mint)
        self._ledger, self._rng = ledger, rng
        self._waiting: list[tuple[int, int, str, EventCall]] = []
        self._order = count()

    def send(self, call: EventCall, kind: str = "") -> None:
        """Send one call, record the answer and plan retries. Raises BadInput, which fails the soak."""
        collected = collect_events(call.body, call.caller, self._deps, call.at)
        reasons = {one.index: one.reason for one in collected.rejected}
        self._ledger.answered(call, kind, reasons)
        not_durable = [
            _timed(sent, call.at)
            for i, sent in enumerate(call.sent)
            if reasons.get(i) == NOT_DURABLE
        ]
        if not_durable:
            self._later(
                call._replace(sent=tuple(not_durable)), 1000 + self._rng.randrange(60_000), RETRY
            )
        if kind:
            return
        draw = self._rng.random()
        if draw < _COPIES:
            self._later(call, self._rng.randrange(1, 7 * DAY_MS), COPY)
        elif draw < _COPIES + _LATE:
            self._later(call, _HORIZON + self._rng.randrange(1, 2 * DAY_MS), LATE)

    def due(self, now: int | None) -> list[tuple[str, EventCall]]:
        """Calls to repeat by `now` (epoch ms), each with its kind; None: all that wait."""
        due = []
        while self._waiting and (now is None or self._waiting[0][0] <= now):
            _, _, kind, call = heappop(self._waiting)
            due.append((kind, call))
        return due

    def _later(self, call: EventCall, pause: int, kind: str) -> None:
        at = call.at + pause
        # The counter breaks ties: two calls of one time are never compared with each other.
        heappush(self._waiting, (at, next(self._order), kind, call._replace(at=at)))


def _timed(sent: SentEvent, at: int) -> SentEvent:
    """The event with the failed call's time if it had none.

    The stream may hold the event after all. The retry must then be the same event, not a later one.
    """
    if "time" in sent.wire:
        return sent
    event = msgspec.structs.replace(sent.event, time=at)
    return sent._replace(event=event, wire=sent.wire | {"time": at})


def _mint() -> str:
    raise AssertionError("every visitor here has an id")
