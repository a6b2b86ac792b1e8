"""Tokens that came back from somebody else than they were given to, who may be the same person.

The door knows who brings a token, and not whom they were before they signed in, or after: the links
lie in the table. What is left here is a stranger's, and counts nowhere (`model.events.abuse`).
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
    """The group's events; a token of whom the person is linked to is their own. Raises Unavailable."""
    strange = any(entry.record.given for entry in group.entries)
    if not strange or stored is None or not stored.standing.linked:
        return group
    other = "v" if group.subject.startswith("u:") else "u"
    names = links_of(people, group.site, group.subject).on
    known = {mark.hex() for mark in known_as((f"{other}:{name}" for name in names), keys)}
    return group._replace(entries=[_owned(entry, known) for entry in group.entries])


def _owned(entry: StreamedEvent, known: set[str]) -> StreamedEvent:
    if entry.record.given not in known:
        return entry
    record = msgspec.structs.replace(entry.record, given="")
    # The archive keeps the bytes that came: they must say what was found out here.
    return entry._replace(record=record, source=entry.source._replace(data=encode_record(record)))
