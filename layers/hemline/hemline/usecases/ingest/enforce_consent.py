"""Enforces the consent that holds now, not the one when the event was sent. Pure.

An event waits in the stream for seconds or days. A refusal or a forget request in the meantime must
apply: consent and tombstone are stored with the profile and read before anything is stored.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from hemline.model.consent import Purpose
from hemline.model.events.event import Record, encode_record
from hemline.model.subject_status import SubjectStatus
from hemline.usecases.ingest.read import StreamedEvent


class EnforcedEntries(NamedTuple):
    """Entries that may be kept, and what became of the others."""

    kept: list[StreamedEvent]
    counts: Counter[str]
    """`forgotten` and `withheld`."""


def judge(entries: Sequence[StreamedEvent], standing: SubjectStatus) -> EnforcedEntries:
    """The events of one person that may be stored, narrowed to the purposes not refused."""
    if not (standing.forgotten or standing.consent.refused):
        allowed = [entry for entry in entries if entry.record.purposes]
        return EnforcedEntries(allowed, Counter(withheld=len(entries) - len(allowed)))
    kept, counts = list[StreamedEvent](), Counter[str]()
    for entry in entries:
        if is_forgotten(entry.record, standing):
            counts["forgotten"] += 1
            continue
        narrow = _narrowed(entry, standing)
        if narrow.record.purposes:
            kept.append(narrow)
        else:
            counts["withheld"] += 1
    return EnforcedEntries(kept, counts)


def is_forgotten(record: Record, standing: SubjectStatus) -> bool:
    """Whether the event is forgotten; `standing` is the status of its own subject.

    A forgotten visitor id stays forgotten. A user may come back: later events count again, but events
    from before stay forgotten, whenever they arrive.
    """
    if not standing.forgotten:
        return False
    past = min(record.received, record.event.time) <= standing.forgotten
    return past or record.subject.startswith("v:")


def _narrowed(entry: StreamedEvent, standing: SubjectStatus) -> StreamedEvent:
    allowed = tuple(
        p for p in entry.record.purposes if standing.consent.states(Purpose(p)) is not False
    )
    if allowed == entry.record.purposes:
        return entry
    record = msgspec.structs.replace(entry.record, purposes=allowed)
    # The archive keeps the bytes that came: they must not say more than is allowed now.
    return entry._replace(record=record, source=entry.source._replace(data=encode_record(record)))
