"""What is stored, held against what was sent: lost, doubled, and where everything went.

The expectation is made from the senders' books alone: each event once, folded into profiles and
counted into statistics in one go, in any order. Reads stores, changes nothing.
"""

import base64
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from itertools import chain
from typing import NamedTuple

import msgspec

from hemline.learn.profile.fold import Profile, decode, fold, state_bytes
from hemline.learn.statistics import arrays
from hemline.model.events.event import Record, decode_record, encode_record
from hemline.usecases.ingest.archive import read_archive
from hemline.usecases.ports import ObjectStore, PersonStore, VersionedStore
from hemline.usecases.publishing.build import count
from workbench.soak.books.checks import Check, actions
from workbench.soak.books.expected_state import Fates
from workbench.soak.books.ledger import Ledger, name_of
from workbench.soak.books.verdict_people import Compared, heard, profiles
from workbench.soak.poison import SITE
from workbench.soak.visitors import SPAN, START

_BUILT = START + 2 * SPAN
_PART = 1000


class VerdictStores(NamedTuple):
    """What ingest writes to, or what is judged."""

    people: PersonStore
    objects: VersionedStore


def sections(records: Iterable[Record]) -> dict[str, bytes]:
    """Every array of an edition that comes from events and catalogue, as publishing counts them."""
    counted = count(records)
    made = arrays.sections(counted.statistics, counted.items, _BUILT)
    return {name: bytes(payload[2]) for name, payload in made.items()}


class Look(NamedTuple):
    """One look at the stores."""

    checks: list[Check]
    digest: bytes
    """Of all that the archive holds, in order: equal digests make equal statistics."""
    figures: dict[str, int]
    """Where everything that was sent has gone."""


def judge(
    ledger: Ledger, stores: VerdictStores, before: Look | None = None, *, minted: Sequence[str] = ()
) -> Look:
    """Every check. `before`: an earlier look, after which the whole stream was read once more.

    Statistics are not counted again where the archive reads the same as it did before. `minted`: ids
    that were made for devices.
    """
    fates = Fates(ledger, replayed=before is not None)
    archive, kept = _read(stores.objects, ledger), _quarantine(stores.objects)
    known = before is not None and before.digest == archive.digest
    where = _where(ledger, fates, archive, kept)
    checks = [
        *_names(ledger, fates, archive, where),
        *_quarantined(ledger, kept),
        Check("sections of statistics that differ", 0, 0 if known else _differing(ledger, archive)),
        *_profiles(ledger, fates, stores.people),
        *heard(ledger, fates, stores.people, minted),
        Check("taken by the door though wrong", 0, ledger.wrongly_taken),
        Check("refused by the door though right", 0, ledger.wrongly_refused),
    ]
    figures = {**where, "in doubt": len(fates.in_doubt())}
    return Look(checks, archive.digest, figures)


class _Read(NamedTuple):
    names: set[str]
    records: Sequence[bytes]
    watched: Sequence[bytes]
    """Of the records, those of people with a story."""
    digest: bytes


def _read(objects: ObjectStore, ledger: Ledger) -> _Read:
    """All of the archive as publishing reads it; records stay encoded, or a million would not fit."""
    names, records, watched, whole = set[str](), list[bytes](), list[bytes](), blake2b()
    for one in read_archive(objects, SITE):
        names.add(name_of(one.record))
        records.append(encode_record(one.record))
        whole.update(records[-1])
        if one.record.subject in ledger.watched:
            watched.append(records[-1])
    return _Read(names, records, watched, whole.digest())


def _differing(ledger: Ledger, archive: _Read) -> int:
    """What is archived of people with a story is one of what may be; all others are in the books."""
    asked = sections(chain(ledger.records(), map(decode_record, archive.watched)))
    found = sections(map(decode_record, archive.records))
    return sum(found.get(name) != want for name, want in asked.items())


def _where(ledger: Ledger, fates: Fates, archive: _Read, kept: "Sequence[_Kept]") -> dict[str, int]:
    """Where everything that was sent has gone; the lost and the doubled are nowhere."""
    missing = ledger.names_of_watched() - fates.must() - archive.names
    forgotten = len(missing & fates.forgotten())
    return {
        "counted": sum(name in ledger for name in archive.names),
        "repeats": ledger.copies.total(),
        "rejected": ledger.rejected.total(),
        "quarantined": len({one.data for one in kept} & ledger.poison.keys()),
        "withheld": len(missing) - forgotten,
        "forgotten": forgotten,
    }


def _names(ledger: Ledger, fates: Fates, archive: _Read, where: Mapping[str, int]) -> list[Check]:
    """Every event that was accepted is counted, or must not be; nothing else is."""
    found, forgotten = archive.names, fates.forgotten()
    gone = where["counted"] + where["withheld"] + where["forgotten"]
    unsure = sum(name in fates.by_name and name not in ledger for name in found)
    refused = fates.by_name.keys() - fates.may() - forgotten
    wrong = sum(not fates.explains(decode_record(data)) for data in archive.watched)
    return [
        Check("events lost", 0, ledger.events - gone),
        Check("events counted twice", 0, len(archive.records) - where["counted"] - unsure),
        Check(f"input = {' + '.join(where)}", ledger.submitted, sum(where.values())),
        Check("kept in spite of a no", 0, len(found & refused)),
        Check("kept of a past that is forgotten", 0, len(found & forgotten)),
        Check("archived for other purposes, or as nobody sent it", 0, wrong),
    ]


def _quarantined(ledger: Ledger, kept: "Sequence[_Kept]") -> list[Check]:
    held = {one.data for one in kept} & ledger.poison.keys()
    known = [(one, ledger.poison.get(one.data)) for one in kept]
    wrong = sum(p is not None and not one.reason.startswith(p.reason) for one, p in known)
    return [
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


def _profiles(ledger: Ledger, fates: Fates, store: PersonStore) -> list[Check]:
    asked = {who: state_bytes(fold(Profile(), found)) for who, found in ledger.subjects()}
    total, subjects = profiles(ledger, fates, store), list(asked)
    for at in range(0, len(subjects), _PART):
        part = subjects[at : at + _PART]
        held = store.read_profiles(SITE, part)
        for subject in part:
            stored = held.get(subject)
            profile = decode(stored.blob) if stored and stored.blob else Profile()
            if state_bytes(profile) != asked[subject]:
                want, have = actions(decode(asked[subject])), actions(profile)
                total += Compared(1, len(want - have), len(have - want))
    return [
        Check("profiles whose bytes differ", 0, total.differ),
        Check("actions that profiles lack", 0, total.lost),
        Check("actions that profiles have and should not", 0, total.doubled),
    ]
