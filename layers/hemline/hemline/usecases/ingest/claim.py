"""Resolves tokens returned under another id than they were issued to, but by the same person.

The collect endpoint knows who returns a token, but not the ids linked to them: links are in the table. A
token that stays unresolved belongs to a stranger and is not counted (`model.events.abuse`).
"""

import msgspec

from hemline.model.events.event import encode_record
from hemline.usecases.ingest.follow import links_of
from hemline.usecases.ingest.read import Group, StreamedEvent
from hemline.usecases.ingest.token_binding import known_as
from hemline.usecases.ports import PersonStore, Stored


def claim(
    group: Group, stored: Stored | None, people: PersonStore, keys: tuple[bytes, ...]
) -> Group:
    """The group, with tokens issued to a linked id counted as the person's own. Raises Unavailable."""
    strange = any(entry.record.given for entry in group.entries)
    if not strange or stored is None or not stored.standing.linked:
        return group
    other = "v" if group.subject.startswith("u:") else "u"
    names = links_of(people, group.site, group.subject).on
    known = {mark.hex() for mark in known_as((f"{other}:{name}" for name in names), keys)}
    return group._replace(entries=[_resolved(entry, known) for entry in group.entries])


def _resolved(entry: StreamedEvent, known: set[str]) -> StreamedEvent:
    if entry.record.given not in known:
        return entry
    record = msgspec.structs.replace(entry.record, given="")
    # The archive stores these bytes, so they must carry the resolved owner.
    return entry._replace(record=record, source=entry.source._replace(data=encode_record(record)))
