"""What an importer makes of a file: events as they go over the wire, one JSON object each."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec

from hemline.model.input.times import implausible

Wire = dict[str, object]

MOST_EVENTS, MOST_BYTES = 500, 250_000
"""Of one call; the door takes 500 events and 256 kB."""

_encode = msgspec.json.Encoder(order="deterministic").encode
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HEAD, _TAIL = b'{"events":[', b"]}"


class Unreadable(NamedTuple):
    """A line of the file that is no event: `where` is `line 12`."""

    where: str
    reason: str


class Placed(NamedTuple):
    """One event as JSON, and where it stands in the file."""

    data: bytes
    where: str
    replaces: str = ""
    """Where the same thing stood before, of which this is the last word."""


Event = bytes | Placed
"""An event as JSON; of one that was made of several lines nobody can say where it stands."""
ReadEvent = Event | Unreadable
"""One event as JSON, or why there is none."""


class WireEvents(NamedTuple):
    """Events of one file; `total` where it is known before they are sent."""

    events: Iterable[ReadEvent]
    total: int | None = None


class Batch(NamedTuple):
    """One call: its first event is the file's number `start` (from 0)."""

    start: int
    events: tuple[bytes, ...]
    places: tuple[str, ...] = ()
    """Where each stands in the file; empty for what has no place."""

    @property
    def body(self) -> bytes:
        """The body of POST /v1/events."""
        return _HEAD + b",".join(self.events) + _TAIL

    def where(self, index: int) -> str:
        """The place of one of its events, for a person who looks into the file."""
        place = self.places[index] if self.places else ""
        return place or f"event {self.start + index + 1}"

    def only(self, indices: Iterable[int]) -> "Batch":
        """A call with some of them again; positions are no longer the file's."""
        chosen = list(indices)
        places = tuple(self.places[index] for index in chosen) if self.places else ()
        return Batch(self.start, tuple(self.events[index] for index in chosen), places)


def moment(ms: int) -> int | str:
    """A time as an event's field says it: in words where the number would look like another unit."""
    return (_EPOCH + timedelta(milliseconds=ms)).isoformat() if implausible(ms) else ms


def readable(events: Iterable[ReadEvent]) -> Iterator[bytes]:
    """The events alone, without their places and without what cannot be read."""
    for made in events:
        if isinstance(made, bytes):
            yield made
        elif isinstance(made, Placed):
            yield made.data


def encode(event: Wire) -> bytes:
    """One event; what is None or empty is left out. The same event gives the same bytes."""
    return _encode(
        {name: value for name, value in event.items() if value not in (None, "", [], {})}
    )


def batches(events: Iterable[Event]) -> Iterator[Batch]:
    """In order, each within the limits of one call (one event alone may exceed them)."""
    start, held, size = 0, list[Placed](), 0
    for event in events:
        placed = Placed(event, "") if isinstance(event, bytes) else event
        if held and (len(held) == MOST_EVENTS or size + len(placed.data) + 1 > MOST_BYTES):
            yield _batch(start, held)
            start, held, size = start + len(held), [], 0
        held.append(placed)
        size += len(placed.data) + 1
    if held:
        yield _batch(start, held)


def _batch(start: int, held: list[Placed]) -> Batch:
    return Batch(start, tuple(one.data for one in held), tuple(one.where for one in held))
