"""The verdict: compares the stores with the ledger. What is lost, what is doubled, where did events go?

The expectation comes from the ledger alone: each event once, folded into profiles and counted into
statistics in one pass, in any order. Reads stores and changes nothing.
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
from workbench.soak.books.expected_state import ExpectedState
from workbench.soak.books.ledger import Ledger, name_of
from workbench.soak.books.verdict_people import Compared, compare_profiles, link_checks
from workbench.soak.poison import SITE
from workbench.soak.visitors import SPAN, START

_BUILT = START + 2 * SPAN
_PART = 1000


class VerdictStores(NamedTuple):
    """The stores of one site: those that ingest writes to, or those that the verdict reads."""

    people: PersonStore
    objects: VersionedStore


def sections(records: Iterable[Record]) -> dict[str, bytes]:
    """Section → bytes of every edition array that publishing counts from events and catalogue."""
    counted = count(records)
    made = arrays.sections(counted.statistics, counted.items, _BUILT)
    return {name: bytes(payload[2]) for name, payload in made.items()}


class Verdict(NamedTuple):
    """The result of one comparison."""

    checks: list[Check]
    digest: bytes
    """Of all archived records, in order. Equal digests have equal statistics."""
    figures: dict[str, int]
    """Outcome → events: counted, repeats, rejected and so on."""


def judge(
    ledger: Ledger,
    stores: VerdictStores,
    before: Verdict | None = None,
    *,
    minted: Sequence[str] = (),
) -> Verdict:
    """Run every check.

    `before`: the verdict before a replay. If the archive still reads the same, statistics are not
    counted again. `minted`: visitor ids that sign-ins made.
    """
    expected = ExpectedState(ledger, replayed=before is not None)
    archive, kept = _read(stores.objects, ledger), _quarantine(stores.objects)
    known = before is not None and before.digest == archive.digest
    where = _where(ledger, expected, archive, kept)
    checks = [
        *_names(ledger, expected, archive, where),
        *_quarantined(ledger, kept),
        Check("sections of statistics that differ", 0, 0 if known else _differing(ledger, archive)),
        *_profiles(ledger, expected, stores.people),
        *link_checks(ledger, expected, stores.people, minted),
        Check("accepted though wrong", 0, ledger.wrongly_taken),
        Check("refused though right", 0, ledger.wrongly_refused),
    ]
    figures = {**where, "in doubt": len(expected.in_doubt())}
    return Verdict(checks, archive.digest, figures)


class _Read(NamedTuple):
    names: set[str]
    records: Sequence[bytes]
    watched: Sequence[bytes]
    """The records of subjects with a story."""
    digest: bytes


def _read(objects: ObjectStore, ledger: Ledger) -> _Read:
    """The archive as publishing reads it. Records stay encoded, or a million would not fit in memory."""
    names, records, watched, whole = set[str](), list[bytes](), list[bytes](), blake2b()
    for one in read_archive(objects, SITE):
        names.add(name_of(one.record))
        records.append(encode_record(one.record))
        whole.update(records[-1])
        if one.record.subject in ledger.watched:
            watched.append(records[-1])
    return _Read(names, records, watched, whole.digest())


def _differing(ledger: Ledger, archive: _Read) -> int:
    """Count sections that differ.

    For people with a story several archives are right, so theirs is taken as found; `_names` checks it.
    """
    asked = sections(chain(ledger.records(), map(decode_record, archive.watched)))
    found = sections(map(decode_record, archive.records))
    return sum(found.get(name) != want for name, want in asked.items())


def _where(
    ledger: Ledger, expected: ExpectedState, archive: _Read, kept: "Sequence[_Quarantined]"
) -> dict[str, int]:
    """Outcome → events. Lost and doubled events have no outcome, so the sum shows them."""
    missing = ledger.names_of_watched() - expected.must() - archive.names
    forgotten = len(missing & expected.forgotten())
    return {
        "counted": sum(name in ledger for name in archive.names),
        "repeats": ledger.copies.total(),
        "rejected": ledger.rejected.total(),
        "quarantined": len({one.data for one in kept} & ledger.poison.keys()),
        "withheld": len(missing) - forgotten,
        "forgotten": forgotten,
    }


def _names(
    ledger: Ledger, expected: ExpectedState, archive: _Read, where: Mapping[str, int]
) -> list[Check]:
    """Checks that the archive has every accepted event that it must have, and no other."""
    found, forgotten = archive.names, expected.forgotten()
    gone = where["counted"] + where["withheld"] + where["forgotten"]
    unsure = sum(name in expected.by_name and name not in ledger for name in found)
    refused = expected.by_name.keys() - expected.may() - forgotten
    wrong = sum(not expected.explains(decode_record(data)) for data in archive.watched)
    return [
        Check("events lost", 0, ledger.events - gone),
        Check("events counted twice", 0, len(archive.records) - where["counted"] - unsure),
        Check(f"input = {' + '.join(where)}", ledger.submitted, sum(where.values())),
        Check("kept in spite of a no", 0, len(found & refused)),
        Check("kept of a past that is forgotten", 0, len(found & forgotten)),
        Check("archived for other purposes, or differing from what was sent", 0, wrong),
    ]


def _quarantined(ledger: Ledger, kept: "Sequence[_Quarantined]") -> list[Check]:
    held = {one.data for one in kept} & ledger.poison.keys()
    known = [(one, ledger.poison.get(one.data)) for one in kept]
    wrong = sum(p is not None and not one.reason.startswith(p.reason) for one, p in known)
    return [
        Check("poison in quarantine, payload intact", len(ledger.poison), len(held)),
        Check("quarantined with another reason", 0, wrong),
        Check("good records in quarantine", 0, sum(p is None for _, p in known)),
    ]


class _Quarantined(NamedTuple):
    data: bytes
    reason: str


class _Document(msgspec.Struct):
    reason: str
    payload: str


def _quarantine(objects: ObjectStore) -> list[_Quarantined]:
    found = []
    for key in objects.keys("quarantine/"):
        document = msgspec.json.decode(objects.get(key) or b"", type=_Document)
        found.append(_Quarantined(base64.b64decode(document.payload), document.reason))
    return found


def _profiles(ledger: Ledger, expected: ExpectedState, store: PersonStore) -> list[Check]:
    asked = {who: state_bytes(fold(Profile(), found)) for who, found in ledger.subjects()}
    total, subjects = compare_profiles(ledger, expected, store), list(asked)
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
