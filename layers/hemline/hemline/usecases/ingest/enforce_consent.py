"""What may be done with an event, by what holds for its person now and not when it was sent. Pure.

An event waits in the stream for seconds or days. Whoever said no, or asked to be forgotten, in the
meantime is heard: consent and tombstone lie beside the profile and are read before anything is kept.
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
    """Events of one person; what is kept is narrowed to the purposes that are not refused."""
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
    """Whether it is of a past that is to be forgotten; `standing` is that of its own subject.

    A visitor id is dead for good. A user may come back: what they do afterwards is theirs again, but
    an event that is about the past stays forgotten, whenever it arrives.
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
