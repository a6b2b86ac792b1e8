"""What importers produce: wire events, one JSON object each, and batches of them."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec

from hemline.model.input.times import implausible

Wire = dict[str, object]

MOST_EVENTS, MOST_BYTES = 500, 250_000
"""Most of one call. The collect endpoint takes 500 events and 256 kB."""

_encode = msgspec.json.Encoder(order="deterministic").encode
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HEAD, _TAIL = b'{"events":[', b"]}"


class Unreadable(NamedTuple):
    """A line that is not an event. `where` is such as `line 12`."""

    where: str
    reason: str


class Placed(NamedTuple):
    """One event as JSON, and its place in the file."""

    data: bytes
    where: str
    replaces: str = ""
    """The place of an earlier row that this one replaces; empty: none."""


Event = bytes | Placed
"""An event as JSON; bare bytes for one that comes from several lines and has no place."""
ReadEvent = Event | Unreadable
"""An event, or a line that could not be read."""


class WireEvents(NamedTuple):
    """The events of one file. `total` is their number if it is known before they are sent."""

    events: Iterable[ReadEvent]
    total: int | None = None


class Batch(NamedTuple):
    """The events of one call. `start`: position of the first in the file, from 0."""

    start: int
    events: tuple[bytes, ...]
    places: tuple[str, ...] = ()
    """The place of each event in the file; empty where it has none."""

    @property
    def body(self) -> bytes:
        """The body of POST /v1/events."""
        return _HEAD + b",".join(self.events) + _TAIL

    def where(self, index: int) -> str:
        """The place of one of its events, for people."""
        place = self.places[index] if self.places else ""
        return place or f"event {self.start + index + 1}"

    def only(self, indices: Iterable[int]) -> "Batch":
        """A batch of some of its events; `where` is only right where events have places."""
        chosen = list(indices)
        places = tuple(self.places[index] for index in chosen) if self.places else ()
        return Batch(self.start, tuple(self.events[index] for index in chosen), places)


def moment(ms: int) -> int | str:
    """A time for a wire event: epoch ms, or RFC 3339 where the number would look like another unit."""
    return (_EPOCH + timedelta(milliseconds=ms)).isoformat() if implausible(ms) else ms


def readable(events: Iterable[ReadEvent]) -> Iterator[bytes]:
    """The events as JSON, without places and unreadable lines."""
    for made in events:
        if isinstance(made, bytes):
            yield made
        elif isinstance(made, Placed):
            yield made.data


def encode(event: Wire) -> bytes:
    """Encode an event without None and empty values. Equal events give equal bytes."""
    return _encode(
        {name: value for name, value in event.items() if value not in (None, "", [], {})}
    )


def batches(events: Iterable[Event]) -> Iterator[Batch]:
    """Batches in order, each within the limits of one call; a single large event may exceed them."""
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
