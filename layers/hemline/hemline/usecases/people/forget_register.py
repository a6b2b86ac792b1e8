"""The register of forgotten people; every archive reader checks it first.

An entry is one object, keyed by the person's alias, so it names nobody. It lasts until the sweep has
cleaned every object and the stream can no longer deliver the person's events.
"""

import contextlib
from collections.abc import Iterator

import msgspec

from hemline.model.errors import Conflict, Refused
from hemline.model.keys import alias, forgotten_object, forgotten_prefix
from hemline.usecases.ports import ObjectStore, ObjectVersion, VersionedStore

_SUFFIX = ".json"
_VISITOR, _USER = "v:", "u:"


class RegisterEntry(msgspec.Struct, frozen=True):
    """One person on the register; times are epoch ms."""

    alias: str
    at: int
    """Events that happened or arrived up to then are forgotten."""
    settled_at: int
    """After then the stream can no longer deliver such an event."""
    swept: int = 0
    """Start of the last complete sweep that included this entry; 0 before the first."""


_decoder = msgspec.json.Decoder(RegisterEntry)


def enter(objects: ObjectStore, site: str, subject: str, at: int, settled_at: int) -> None:
    """Add a person to the register; a repeat keeps the later times and resets `swept`."""
    key = forgotten_object(site, subject)
    # Read again after each write: of two concurrent writers the later time must win.
    while (old := _read(objects, key)) is None or old.at < at or old.settled_at < settled_at:
        at, settled_at = (
            (max(at, old.at), max(settled_at, old.settled_at)) if old else (at, settled_at)
        )
        objects.put(key, msgspec.json.encode(RegisterEntry(alias(site, subject), at, settled_at)))


def entries(objects: ObjectStore, site: str) -> Iterator[RegisterEntry]:
    """All entries of a site; one read each."""
    for key in objects.keys(forgotten_prefix(site)):
        found = _read(objects, key)
        if found:
            yield found


def mark_swept(objects: VersionedStore, site: str, entry: RegisterEntry, began: int) -> None:
    """Record a complete sweep of this entry; does nothing if the entry has changed since."""
    newest, *_ = _versions(objects, site, entry)
    swept = msgspec.structs.replace(entry, swept=began)
    with contextlib.suppress(Conflict):
        if _decoded(objects.get_version(newest), newest.key) == entry:
            objects.replace(newest, msgspec.json.encode(swept))


def drop(objects: VersionedStore, site: str, entry: RegisterEntry) -> None:
    """Remove a person from the register; only their tombstone remains.

    Deletes by version, oldest first, so a person who is entered again meanwhile stays registered.
    """
    versions = _versions(objects, site, entry)
    if _decoded(objects.get_version(versions[0]), versions[0].key) == entry:
        for one in reversed(versions):
            objects.delete_version(one)


def _versions(objects: VersionedStore, site: str, entry: RegisterEntry) -> list[ObjectVersion]:
    key = f"{forgotten_prefix(site)}{entry.alias}{_SUFFIX}"
    return [one for one in objects.versions(key) if one.key == key]


def _read(objects: ObjectStore, key: str) -> RegisterEntry | None:
    return _decoded(objects.get(key), key)


def _decoded(data: bytes | None, key: str) -> RegisterEntry | None:
    try:
        return _decoder.decode(data) if data else None
    except msgspec.DecodeError:
        raise Refused(f"{key} is no entry of the register of the forgotten") from None


class Forgetting:
    """Decides which events are forgotten. One listing to create, one read per registered user it meets."""

    def __init__(self, objects: ObjectStore, site: str) -> None:
        self._objects, self._site = objects, site
        prefix = forgotten_prefix(site)
        self.aliases = frozenset(
            key.removeprefix(prefix).removesuffix(_SUFFIX) for key in objects.keys(prefix)
        )
        self._until: dict[str, int] = {}

    def __bool__(self) -> bool:
        """Whether the register has any entry."""
        return bool(self.aliases)

    def forgets(self, subject: str, time: int) -> bool:
        """Whether an event of `subject` is forgotten; `time` is the earlier of event and receive time.

        A forgotten visitor id is never used again, at any time. Raises Refused on a damaged entry.
        """
        return bool(self.aliases) and time <= self.until(subject)

    def until(self, subject: str) -> int:
        """Epoch ms up to which `subject` is forgotten; -1 for never, the largest for a visitor."""
        if subject not in self._until:
            self._until[subject] = self._find(subject)
        return self._until[subject]

    def _find(self, subject: str) -> int:
        if not subject.startswith((_VISITOR, _USER)):
            return -1
        if alias(self._site, subject) not in self.aliases:
            return -1
        if subject.startswith(_VISITOR):
            return _FOR_GOOD
        found = _read(self._objects, forgotten_object(self._site, subject))
        return found.at if found else -1


_FOR_GOOD = 2**63 - 1
