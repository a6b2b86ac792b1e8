"""Event logs as collect would have accepted them: wire events become records and catalogue items."""

from collections.abc import Iterable
from typing import NamedTuple

from hemline.model.errors import BadInput
from hemline.model.events.event import ITEM_EVENT, Event, Record, item_order
from hemline.model.events.schema import EventInput, event_of, item_of, parse_event, stated_time
from hemline.model.item import Item


class Log(NamedTuple):
    """A history: the catalogue at its end, and all other events in order."""

    items: list[Item]
    """Sorted by id, as in an edition."""
    records: list[Record]


def of_wire(raws: Iterable[bytes], site: str) -> Log:
    """Parse signed events, one JSON object each, in the file's order. Raises BadInput on a bad one."""
    return of_records(_record(parse_event(raw), site) for raw in raws)


def of_records(records: Iterable[Record]) -> Log:
    """Split records into catalogue and events; the last `item` event of an item counts."""
    latest: dict[str, Event] = {}
    kept: list[Record] = []
    for record in records:
        event = record.event
        if event.type != ITEM_EVENT:
            kept.append(record)
        elif event.item is not None:
            held = latest.get(event.item, event)
            latest[event.item] = max(held, event, key=item_order)
    return Log([item_of(latest[name]) for name in sorted(latest)], kept)


def _record(event: EventInput, site: str) -> Record:
    time = stated_time(event)
    if time is None:
        raise BadInput("time", "is missing.", "Every event of a training log needs its time.")
    subject = f"u:{event.user}" if event.user else f"v:{event.visitor or ''}"
    return Record(
        site=site,
        subject=subject,
        received=time,
        event=event_of(event, time),
        country=event.country or "",
        device=event.device or "",
    )
