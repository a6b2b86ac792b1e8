"""Every port in process memory: for tests, previews and `--direct` imports.

These adapters have the semantics of the AWS ones (conditions, limits, order), and threads may share them.
They use no AWS, files or settings.
"""

from collections.abc import Iterator, Sequence
from threading import Lock

from hemline.adapters.kinesis_limits import MAX_ENTRIES, too_large
from hemline.model.edition import Pointer
from hemline.model.errors import Conflict, Unavailable
from hemline.model.ids import hash64
from hemline.model.subject_status import DEFAULT_STATUS
from hemline.usecases.ports import (
    ObjectVersion,
    PersonItem,
    ServingRead,
    Stored,
    StreamEntry,
    Write,
    Written,
)


class MemoryTable:
    """ServingReader, PersonStore, PointerStore and BrakeStore over dicts."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._parts: dict[tuple[str, str, PersonItem], Stored] = {}
        self._pointers: dict[str, Pointer] = {}
        self._brakes: dict[str, tuple[str, int]] = {}

    def read_for_serving(
        self, site: str, subject: str | None, *, pointer: bool, timeout: float
    ) -> ServingRead:
        """Profile and, when asked, pointer and brake."""
        del timeout  # the port asks for them
        with self._lock:
            profile = self._parts.get((site, subject, PersonItem.PROFILE)) if subject else None
            if not pointer:
                return ServingRead(profile, None)
            brake = self._brakes.get(site)
            return ServingRead(profile, self._pointers.get(site), brake[0] if brake else None)

    def read_profiles(self, site: str, subjects: Sequence[str]) -> dict[str, Stored]:
        """Those that exist."""
        with self._lock:
            found = ((name, self._parts.get((site, name, PersonItem.PROFILE))) for name in subjects)
            return {name: stored for name, stored in found if stored is not None}

    def write_profile(self, site: str, subject: str, blob: bytes, *, expected: int) -> None:
        """Write version expected + 1. Raises Conflict when the stored version is another one."""
        with self._lock:
            old = self._parts.get((site, subject, PersonItem.PROFILE))
            standing = old.standing if old else DEFAULT_STATUS
            self._write(
                site, subject, PersonItem.PROFILE, Stored(bytes(blob), expected + 1, standing)
            )

    def write_profiles(self, site: str, writes: Sequence[Write]) -> list[Written]:
        """Each write is its own step: other threads may write in between, as with DynamoDB."""
        return [self._outcome(site, write) for write in writes]

    def _outcome(self, site: str, write: Write) -> Written:
        try:
            self.write_profile(site, write.subject, write.blob, expected=write.expected)
        except (Conflict, Unavailable) as error:  # Unavailable: raised by tests that subclass this
            return error
        return None

    def read_part(self, site: str, subject: str, part: PersonItem) -> Stored | None:
        """Consistent, as memory is."""
        with self._lock:
            return self._parts.get((site, subject, part))

    def write_part(self, site: str, subject: str, part: PersonItem, new: Stored) -> None:
        """Raises Conflict when the stored version is not the one before `new`."""
        with self._lock:
            self._write(site, subject, part, new._replace(blob=bytes(new.blob)))

    def delete_part(self, site: str, subject: str, part: PersonItem) -> None:
        """No error when there is none."""
        with self._lock:
            self._parts.pop((site, subject, part), None)

    def _write(self, site: str, subject: str, part: PersonItem, new: Stored) -> None:
        old = self._parts.get((site, subject, part))
        if (old.version if old else 0) != new.version - 1:
            raise Conflict(f"{part} of {subject} is not at version {new.version - 1}")
        self._parts[site, subject, part] = new

    def read_pointer(self, site: str) -> Pointer | None:
        """Consistent, as memory is."""
        with self._lock:
            return self._pointers.get(site)

    def swap_pointer(self, site: str, pointer: Pointer, *, expected: str | None) -> None:
        """Raises Conflict unless the live digest is `expected` (None: no edition yet)."""
        with self._lock:
            live = self._pointers.get(site)
            if (live.digest if live else None) != expected:
                raise Conflict(f"the live edition of {site} is not {expected}")
            self._pointers[site] = pointer

    def read_brake(self, site: str) -> str | None:
        """Consistent, as memory is."""
        with self._lock:
            brake = self._brakes.get(site)
            return brake[0] if brake else None

    def swap_brake(self, site: str, signed: str, *, expected: int) -> None:
        """Raises Conflict unless version `expected` is stored (0: none)."""
        with self._lock:
            brake = self._brakes.get(site)
            if (brake[1] if brake else 0) != expected:
                raise Conflict(f"the brake of {site} is not at version {expected}")
            self._brakes[site] = (signed, expected + 1)


class MemoryStream:
    """EventStream with one shard: `entries` in order, each position its sequence number."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._entries: list[StreamEntry] = []

    @property
    def entries(self) -> tuple[StreamEntry, ...]:
        """All that is durable so far."""
        with self._lock:
            return tuple(self._entries)

    def put(self, entries: Sequence[StreamEntry]) -> list[str | None]:
        """Stores every entry within the stream's limits; a reason for each other one. See EventStream."""
        if len(entries) > MAX_ENTRIES:
            raise ValueError(f"at most {MAX_ENTRIES} entries in one put, not {len(entries)}")
        reasons = [too_large(entry) for entry in entries]
        with self._lock:
            pairs = zip(entries, reasons, strict=True)
            self._entries += [entry for entry, reason in pairs if reason is None]
        return reasons


class MemoryObjects:
    """VersionedStore and PieceStore over a dict that keeps no old versions."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._objects: dict[str, bytes] = {}

    def get(self, key: str) -> bytes | None:
        """None when there is none."""
        with self._lock:
            return self._objects.get(key)

    def fetch(self, key: str, held: bytearray) -> bool:
        """Sets `held` to the whole object in one step; False when there is none."""
        data = self.get(key)
        held[:] = data or b""
        return data is not None

    def put(self, key: str, data: bytes) -> None:
        """Overwrites."""
        with self._lock:
            self._objects[key] = bytes(data)

    def keys(self, prefix: str) -> Iterator[str]:
        """Keys in ascending order of their UTF-8 bytes, as of the call."""
        with self._lock:
            found = [key for key in self._objects if key.startswith(prefix)]
        return iter(sorted(found, key=str.encode))

    def delete(self, key: str) -> None:
        """No error when there is none."""
        with self._lock:
            self._objects.pop(key, None)

    def versions(self, prefix: str, after: str = "") -> Iterator[ObjectVersion]:
        """Each object is its only version; its tag is a hash of its bytes."""
        for key in self.keys(prefix):
            data = self.get(key)
            if key.encode() > after.encode() and data is not None:
                yield ObjectVersion(key, "null", latest=True, marker=False, tag=_tag(data))

    def get_version(self, one: ObjectVersion) -> bytes | None:
        """None when it is gone."""
        return self.get(one.key)

    def replace(self, one: ObjectVersion, data: bytes) -> None:
        """Raises Conflict when the object's bytes have changed since `one` was listed."""
        with self._lock:
            if _tag(self._objects.get(one.key, b"")) != one.tag:
                raise Conflict("somebody else wrote this object first")
            self._objects[one.key] = bytes(data)

    def delete_version(self, one: ObjectVersion) -> None:
        """No error when there is none."""
        self.delete(one.key)


def _tag(data: bytes) -> str:
    return f"{hash64(data.hex()):x}"
