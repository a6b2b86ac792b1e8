"""Decodes a batch of the stream into events by profile; unreadable records go to quarantine.

Every record is validated, and no record may block its shard.
"""

import base64
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from hemline.model.events.event import ITEM_EVENT, Record, decode_record, encode_record, fault_of
from hemline.model.keys import quarantine_object
from hemline.usecases.ingest.archive import ArchiveLine, day_of
from hemline.usecases.ports import ObjectStore


class StreamRecord(NamedTuple):
    """One record as the stream delivers it. `sequence` is decimal; `arrived` is epoch ms, 0 if unknown."""

    shard: str
    sequence: str
    data: bytes
    arrived: int = 0


class StreamedEvent(NamedTuple):
    """A valid record; `number` is its sequence number as an integer, for comparison."""

    number: int
    source: StreamRecord
    record: Record


class UnreadableRecord(NamedTuple):
    """A record that cannot be read or folded, and why."""

    source: StreamRecord
    reason: str


class Group(NamedTuple):
    """A batch's events of one profile, by sequence number."""

    site: str
    subject: str
    entries: list[StreamedEvent]


def read(
    records: list[StreamRecord], site: str
) -> tuple[list[StreamedEvent], list[UnreadableRecord], Counter[str]]:
    """Split one shard's records into valid events, unreadable records, and outcome counts so far."""
    entries: list[StreamedEvent] = []
    poison: list[UnreadableRecord] = []
    counts: Counter[str] = Counter()
    for source in records:
        found = _read_one(source, site)
        if isinstance(found, UnreadableRecord):
            poison.append(found)
        elif found.record.purposes:
            entries.append(found)
            counts["catalogue"] += found.record.event.type == ITEM_EVENT
        else:
            counts["withheld"] += 1
    counts["quarantined"] = len(poison)
    entries.sort(key=lambda entry: entry.number)
    return entries, poison, counts


def _read_one(source: StreamRecord, site: str) -> StreamedEvent | UnreadableRecord:
    try:
        record = decode_record(source.data)
        if b"\n" in source.data or b"\r" in source.data:
            # The archive holds one line per record: encode it again without line breaks.
            source = source._replace(data=encode_record(record))
    except (msgspec.DecodeError, UnicodeError, RecursionError, OverflowError) as error:
        return UnreadableRecord(source, f"{type(error).__name__}: {error}")
    # This site's role may not write another site's record: the write would fail and block the shard.
    fault = fault_of(record) if record.site == site else "site is not this stack's"
    return (
        UnreadableRecord(source, fault)
        if fault
        else StreamedEvent(int(source.sequence), source, record)
    )


def line_of(entry: StreamedEvent) -> ArchiveLine:
    """The event's line in the archive."""
    return ArchiveLine(entry.source.shard, entry.source.sequence, entry.record, entry.source.data)


def quarantine(poison: Iterable[UnreadableRecord], objects: ObjectStore, now: int) -> None:
    """Store each record with payload and reason; a repeat overwrites itself. Raises Unavailable."""
    for source, reason in poison:
        key = quarantine_object(day_of(source.arrived or now), source.shard, source.sequence)
        document = {
            "shard": source.shard,
            "sequence": source.sequence,
            "reason": reason,
            "payload": base64.b64encode(source.data).decode(),
        }
        objects.put(key, msgspec.json.encode(document))


def by_profile(entries: Iterable[StreamedEvent]) -> list[Group]:
    """The entries grouped by profile; groups are in the order of their first events."""
    groups: dict[tuple[str, str], Group] = {}
    for entry in entries:
        key = entry.record.site, entry.record.subject
        if key not in groups:
            groups[key] = Group(*key, [])
        groups[key].entries.append(entry)
    return list(groups.values())
