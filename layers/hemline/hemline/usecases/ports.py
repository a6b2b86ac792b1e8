"""What use cases need of the outside, as protocols; `adapters` implement them, tests fake them.

Every method may raise Unavailable (too slow, throttled, broken, or the table, stream or bucket is
not there yet); what else it raises is stated.
"""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol

from hemline.model.edition import Pointer
from hemline.model.errors import Conflict, Unavailable
from hemline.model.keys import LINKS_SORT, OWN_SORT, PROFILE_SORT
from hemline.model.subject_status import DEFAULT_STATUS, SubjectStatus


class Stored(NamedTuple):
    """A profile as it lies in the table. `version` is what a conditional write compares."""

    blob: bytes
    """Encoded profile; empty when only a status is stored."""
    version: int
    standing: SubjectStatus = DEFAULT_STATUS
    """Consent, tombstone, links; a change of it is a new version too."""


class ServingRead(NamedTuple):
    """Result of the one read of a request; None where nothing is stored."""

    profile: Stored | None
    pointer: Pointer | None
    brake: str | None = None
    """The brake as it was signed; it comes with the pointer."""


class ServingReader(Protocol):
    """The one read that a decision may make."""

    def read_for_serving(
        self, site: str, subject: str | None, *, pointer: bool, timeout: float
    ) -> ServingRead:
        """Profile and, when asked, pointer and brake, in one request; `timeout` seconds, no retries."""
        ...


class Write(NamedTuple):
    """One of many profiles to write over the version `expected` (0: must not exist yet)."""

    subject: str
    blob: bytes
    expected: int
    standing: SubjectStatus = DEFAULT_STATUS
    """Status of that version, unchanged by this write; it decides the profile's expiry."""


Written = Conflict | Unavailable | None
"""Outcome of one of many writes. None: written. Unavailable: not known whether it was written."""


class ProfileStore(Protocol):
    """Profiles, one item each, written under a condition."""

    def read_profiles(self, site: str, subjects: Sequence[str]) -> dict[str, Stored]:
        """Those that exist, read consistently; any number, in batches of 100."""
        ...

    def write_profile(self, site: str, subject: str, blob: bytes, *, expected: int) -> None:
        """Write version expected + 1 (0: must not exist yet), for people with the default status.

        Raises Conflict when another writer was first. With any other status use `write_part`.
        """
        ...

    def write_profiles(self, site: str, writes: Sequence[Write]) -> list[Written]:
        """Each under its own condition, of different subjects; outcomes in their order. Never raises."""
        ...


class PersonItem(StrEnum):
    """What is kept of one person, an item each; each has a blob, a version and a standing."""

    PROFILE = PROFILE_SORT
    OWN = OWN_SORT
    LINKS = LINKS_SORT


class PersonStore(ProfileStore, Protocol):
    """All that is kept of a person, for those few who may change more than a profile's events."""

    def read_part(self, site: str, subject: str, part: PersonItem) -> Stored | None:
        """Consistent."""
        ...

    def write_part(self, site: str, subject: str, part: PersonItem, new: Stored) -> None:
        """Blob and standing as version `new.version`, over the one before it (1: must not exist yet).

        Raises Conflict when it lost.
        """
        ...

    def delete_part(self, site: str, subject: str, part: PersonItem) -> None:
        """No error when there is none."""
        ...


class PointerStore(Protocol):
    """Which edition is live."""

    def read_pointer(self, site: str) -> Pointer | None:
        """Consistent."""
        ...

    def swap_pointer(self, site: str, pointer: Pointer, *, expected: str | None) -> None:
        """Raises Conflict unless the live digest is `expected` (None: no edition yet)."""
        ...


class BrakeStore(Protocol):
    """What an operator stopped: one signed text a site."""

    def read_brake(self, site: str) -> str | None:
        """Consistent; None when it was never touched."""
        ...

    def swap_brake(self, site: str, signed: str, *, expected: int) -> None:
        """Write version expected + 1 (0: there is none yet). Raises Conflict when it lost."""
        ...


class StreamEntry(NamedTuple):
    """One record for the stream; `partition` is the subject, so its events stay in order."""

    partition: str
    data: bytes


class EventStream(Protocol):
    """The stream's writing end."""

    def put(self, entries: Sequence[StreamEntry]) -> list[str | None]:
        """At most 500 entries; for each None when durable, else a reason, after bounded retries."""
        ...


class ObjectStore(Protocol):
    """Objects by key: editions, archive, quarantine, models."""

    def get(self, key: str) -> bytes | None:
        """None when there is none."""
        ...

    def put(self, key: str, data: bytes) -> None:
        """Overwrites."""
        ...

    def keys(self, prefix: str) -> Iterator[str]:
        """In ascending order."""
        ...

    def delete(self, key: str) -> None:
        """No error when there is none."""
        ...


class PieceStore(Protocol):
    """Objects that never change, to be fetched in as many tries as it takes."""

    def fetch(self, key: str, held: bytearray) -> bool:
        """Add to `held` what it lacks of the object, as it comes; False when there is no such object.

        One try: what had come before Unavailable is raised stays in `held`, for the next one.
        """
        ...


class ObjectVersion(NamedTuple):
    """One version of an object, as a listing tells it."""

    key: str
    version: str
    """What the store calls it; `null` where a bucket keeps no versions."""
    latest: bool
    """What `get` reads; all others were overwritten or deleted."""
    marker: bool
    """No bytes: it says that the object was deleted."""
    tag: str = ""
    """Of its bytes; a conditional write compares it."""


class VersionedStore(ObjectStore, Protocol):
    """Objects with what was overwritten or deleted, for those few who must erase that too."""

    def versions(self, prefix: str, after: str = "") -> Iterator[ObjectVersion]:
        """By key, from the first one after `after`; of a key the latest first."""
        ...

    def get_version(self, one: ObjectVersion) -> bytes | None:
        """None when it is gone."""
        ...

    def replace(self, one: ObjectVersion, data: bytes) -> None:
        """Overwrite that version. Raises Conflict unless it still is the latest."""
        ...

    def delete_version(self, one: ObjectVersion) -> None:
        """For good, that version alone; no error when there is none."""
        ...
