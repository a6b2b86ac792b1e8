"""What is stored, held against what was sent: lost, doubled, and where everything went.

The expectation is made from the senders' books alone: each event once, folded into profiles and
counted into statistics in one go, in any order. Reads stores, changes nothing.
"""

import base64
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import NamedTuple

import msgspec

from hemline.learn import statistics
from hemline.learn.profile import Profile, decode, fold, state_bytes
from hemline.model.event import Record, decode_record, encode_record
from hemline.usecases.archive import read_archive
from hemline.usecases.build_edition import count
from hemline.usecases.ports import ObjectStore, PersonStore, ProfileStore
from workbench.soak.ledger import Ledger, name_of
from workbench.soak.poison import SITE
from workbench.soak.visitors import SPAN, START

_BUILT = START + 2 * SPAN
_PART = 1000


class Check(NamedTuple):
    """One thing that must hold."""

    name: str
    expected: int
    found: int

    @property
    def holds(self) -> bool:
        """Exactly."""
        return self.expected == self.found


class Expected(NamedTuple):
    """What the books ask of the stores."""

    profiles: Mapping[str, bytes]
    """Subject → state."""
    sections: Mapping[str, bytes]
    """The statistics of an edition."""


class Stores(NamedTuple):
    """What ingest writes to, or what is judged."""

    people: PersonStore
    objects: ObjectStore


def expected(ledger: Ledger) -> Expected:
    """From the set of events."""
    profiles = {who: state_bytes(fold(Profile(), found)) for who, found in ledger.subjects()}
    return Expected(profiles, sections(ledger.records()))


def sections(records: Iterable[Record]) -> dict[str, bytes]:
    """Every array of an edition that comes from events and catalogue, as publishing counts them."""
    counted = count(records)
    made = statistics.sections(counted.statistics, counted.items, _BUILT)
    return {name: bytes(payload[2]) for name, payload in made.items()}


class Look(NamedTuple):
    """One look at the stores."""

    checks: list[Check]
    digest: bytes
    """Of all that the archive holds, in order: equal digests make equal statistics."""


def judge(ledger: Ledger, asked: Expected, stores: Stores, before: Look | None = None) -> Look:
    """Every check. `before`: an earlier look, whose count still holds if the archive reads the same."""
    archive = _read(stores.objects)
    known = before is not None and before.digest == archive.digest
    differ = 0 if known else _differing(asked.sections, archive.records)
    strangers = sum(name not in ledger for name in archive.names)
    counted = len(archive.names) - strangers
    checks = [
        Check("events lost", 0, ledger.events - counted),
        Check("events counted twice", 0, len(archive.records) - counted),
        *_where_all_went(ledger, counted, _quarantine(stores.objects)),
        Check("sections of statistics that differ", 0, differ),
        *_profiles(asked.profiles, stores.people),
        Check("taken by the door though wrong", 0, ledger.wrongly_taken),
        Check("refused by the door though right", 0, ledger.wrongly_refused),
    ]
    return Look(checks, archive.digest)


class _Read(NamedTuple):
    names: set[str]
    records: Sequence[bytes]
    digest: bytes


def _read(objects: ObjectStore) -> _Read:
    """All of the archive as publishing reads it; records stay encoded, or a million would not fit."""
    names, records, whole = set[str](), list[bytes](), blake2b()
    for one in read_archive(objects, SITE):
        names.add(name_of(one.record))
        records.append(encode_record(one.record))
        whole.update(records[-1])
    return _Read(names, records, whole.digest())


def _differing(asked: Mapping[str, bytes], records: Iterable[bytes]) -> int:
    found = sections(map(decode_record, records))
    return sum(found.get(name) != want for name, want in asked.items())


def _where_all_went(ledger: Ledger, counted: int, kept: "Sequence[_Kept]") -> list[Check]:
    held = {one.data for one in kept} & ledger.poison.keys()
    settled = counted + ledger.copies.total() + ledger.rejected.total() + len(held)
    known = [(one, ledger.poison.get(one.data)) for one in kept]
    wrong = sum(p is not None and not one.reason.startswith(p.reason) for one, p in known)
    return [
        Check("input = counted + repeats + rejected + quarantined", ledger.submitted, settled),
        Check("poison in quarantine, payload intact", len(ledger.poison), len(held)),
        Check("quarantined with another reason", 0, wrong),
        Check("good records in quarantine", 0, sum(p is None for _, p in known)),
    ]


class _Kept(NamedTuple):
    data: bytes
    reason: str


class _Document(msgspec.Struct):
    reason: str
    payload: str


def _quarantine(objects: ObjectStore) -> list[_Kept]:
    found = []
    for key in objects.keys("quarantine/"):
        document = msgspec.json.decode(objects.get(key) or b"", type=_Document)
        found.append(_Kept(base64.b64decode(document.payload), document.reason))
    return found


def _profiles(asked: Mapping[str, bytes], store: ProfileStore) -> list[Check]:
    differ = lost = doubled = 0
    subjects = list(asked)
    for at in range(0, len(subjects), _PART):
        part = subjects[at : at + _PART]
        held = store.read_profiles(SITE, part)
        for subject in part:
            stored = held.get(subject)
            profile = decode(stored.blob) if stored and stored.blob else Profile()
            if state_bytes(profile) != asked[subject]:
                want, have = actions(decode(asked[subject])), actions(profile)
                differ += 1
                lost += len(want - have)
                doubled += len(have - want)
    return [
        Check("profiles whose bytes differ", 0, differ),
        Check("actions that profiles lack", 0, lost),
        Check("actions that profiles have and should not", 0, doubled),
    ]


def actions(profile: Profile) -> set[Sequence[object]]:
    """What a profile says somebody did."""
    rings = range(len(profile.rings))
    return {(which, *action) for which in rings for action in profile.actions(which)}
