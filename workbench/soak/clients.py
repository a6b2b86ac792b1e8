"""Clients at the door: they send, send again what was not durable, and some send twice.

An answer may be lost on its way back (the same call again within days), and a phone that was in a
drawer may send again what it had sent more than eight days before.
"""

import random
from heapq import heappop, heappush
from itertools import count

import msgspec

from hemline.model.durations import DAY_MS, MINUTE_MS
from hemline.usecases.ingest.collect import NOT_DURABLE, CollectDeps, collect_events
from hemline.usecases.ports import EventStream
from workbench.soak.books.ledger import AGAIN, Ledger
from workbench.soak.poison import SITE
from workbench.soak.visitors import EventCall, SentEvent

COPY, LATE = "copies", "late copies"
_COPIES = 0.04
_LATE = 0.02
_HORIZON = 8 * DAY_MS


class SendingClients:
    """All of them; what is sent later waits in order of time."""

    def __init__(self, stream: EventStream, ledger: Ledger, rng: random.Random) -> None:
        self._deps = CollectDeps(stream, SITE, _mint)
        self._ledger, self._rng = ledger, rng
        self._waiting: list[tuple[int, int, str, EventCall]] = []
        self._order = count()

    def send(self, call: EventCall, kind: str = "") -> None:
        """One call, and what its sender makes of the answer. Raises BadInput, which no call deserves."""
        collected = collect_events(call.body, call.caller, self._deps, call.at)
        reasons = {one.index: one.reason for one in collected.rejected}
        self._ledger.answered(call, kind, reasons)
        undone = [
            _timed(sent, call.at)
            for i, sent in enumerate(call.sent)
            if reasons.get(i) == NOT_DURABLE
        ]
        if undone:
            self._later(
                call._replace(sent=tuple(undone)), 1000 + self._rng.randrange(MINUTE_MS), AGAIN
            )
        if kind:
            return
        draw = self._rng.random()
        if draw < _COPIES:
            self._later(call, self._rng.randrange(1, 7 * DAY_MS), COPY)
        elif draw < _COPIES + _LATE:
            self._later(call, _HORIZON + self._rng.randrange(1, 2 * DAY_MS), LATE)

    def due(self, now: int | None) -> list[tuple[str, EventCall]]:
        """What was to be sent again by `now`; None: all that still waits."""
        found = []
        while self._waiting and (now is None or self._waiting[0][0] <= now):
            _, _, kind, call = heappop(self._waiting)
            found.append((kind, call))
        return found

    def _later(self, call: EventCall, pause: int, kind: str) -> None:
        at = call.at + pause
        heappush(self._waiting, (at, next(self._order), kind, call._replace(at=at)))


def _timed(sent: SentEvent, at: int) -> SentEvent:
    """With the time of the call that failed, where it had none: the stream may hold it after all."""
    if "time" in sent.wire:
        return sent
    event = msgspec.structs.replace(sent.event, time=at)
    return sent._replace(event=event, wire=sent.wire | {"time": at})


def _mint() -> str:
    raise AssertionError("every visitor here has an id")
