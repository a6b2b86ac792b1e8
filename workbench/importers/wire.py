"""What an importer makes of a file: events as they go over the wire, one JSON object each."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

Wire = dict[str, object]

MOST_EVENTS, MOST_BYTES = 500, 250_000
"""Of one call; the door takes 500 events and 256 kB."""

_encode = msgspec.json.Encoder(order="deterministic").encode
_HEAD, _TAIL = b'{"events":[', b"]}"


class Unreadable(NamedTuple):
    """A line of the file that is no event: `where` is `line 12`."""

    where: str
    reason: str


Made = bytes | Unreadable
"""One event as JSON, or why there is none."""


class Stream(NamedTuple):
    """Events of one file; `total` where it is known before they are sent."""

    events: Iterable[Made]
    total: int | None = None


class Batch(NamedTuple):
    """One call: its first event is the file's number `start` (from 0)."""

    start: int
    events: tuple[bytes, ...]

    @property
    def body(self) -> bytes:
        """The body of POST /v1/events."""
        return _HEAD + b",".join(self.events) + _TAIL

    def only(self, indices: Iterable[int]) -> "Batch":
        """A call with some of them again; positions are no longer the file's."""
        return Batch(self.start, tuple(self.events[index] for index in indices))


def encode(event: Wire) -> bytes:
    """One event; what is None or empty is left out. The same event gives the same bytes."""
    return _encode(
        {name: value for name, value in event.items() if value not in (None, "", [], {})}
    )


def batches(events: Iterable[bytes]) -> Iterator[Batch]:
    """In order, each within the limits of one call (one event alone may exceed them)."""
    start, held, size = 0, list[bytes](), 0
    for event in events:
        if held and (len(held) == MOST_EVENTS or size + len(event) + 1 > MOST_BYTES):
            yield Batch(start, tuple(held))
            start, held, size = start + len(held), [], 0
        held.append(event)
        size += len(event) + 1
    if held:
        yield Batch(start, tuple(held))
