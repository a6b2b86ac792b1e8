"""Of people with a story: their profiles, links and refusals against the books, and what the sweep left.

Where an event was on its way while its person changed their mind, either outcome is right; the profile
must then hold all that is certain and nothing that may not be. Reads stores, changes nothing.
"""

import base64
import gzip
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from hemline.learn.profile.fold import Profile, decode, fold, state_bytes
from hemline.model.consent import Purpose
from hemline.model.events.event import Record
from hemline.model.ids import hash64
from hemline.model.subject_status import decode_links
from hemline.usecases.ports import ObjectStore, PersonItem, PersonStore, Stored
from workbench.soak.books.checks import Check, actions, reaches
from workbench.soak.books.expected_state import ExpectedRecord, Fates
from workbench.soak.books.ledger import Ledger
from workbench.soak.poison import SITE

_NEVER = Stored(b"", 0)
_NOBODY = ExpectedRecord([], [])
_SUBJECT = re.compile(rb'"([vu]:[!-~]{1,128}?)"')


class Compared(NamedTuple):
    """Profiles, or how much of them."""

    differ: int = 0
    lost: int = 0
    doubled: int = 0

    def __add__(self, other: object) -> "Compared":
        """Both together."""
        assert isinstance(other, Compared)
        return Compared(*map(sum, zip(self, other, strict=True)))


def profiles(ledger: Ledger, fates: Fates, store: PersonStore) -> Compared:
    """Every part of everybody with a story."""
    total = Compared()
    for subject in sorted(ledger.watched):
        for part, kept in _parts(subject, fates):
            total += _compared(kept, _profile(_read(store, subject, part)))
    return total


def _parts(subject: str, fates: Fates) -> Iterator[tuple[PersonItem, ExpectedRecord]]:
    said, user = fates.said, subject[2:]
    own = fates.kept(subject)
    if subject.startswith("v:") or user not in said.joined:
        yield PersonItem.OWN, _NOBODY
        yield (
            PersonItem.PROFILE,
            _NOBODY if subject.startswith("v:") and subject in said.graves else own,
        )
        return
    yield PersonItem.OWN, own
    whole = fates.kept(subject, *(f"v:{visitor}" for visitor in said.visitors(user)))
    if Purpose.PERSONALISATION in fates.refused(subject):
        # What a device does goes on in its own profile, and is not the user's while they refuse.
        whole = ExpectedRecord(own.sure, [*whole.sure, *whole.maybe])
    yield PersonItem.PROFILE, whole


def _compared(kept: ExpectedRecord, found: Profile) -> Compared:
    want = fold(Profile(), kept.sure)
    have, asked = actions(found), actions(want)
    if not kept.maybe:
        differ = state_bytes(found) != state_bytes(want)
        return Compared(int(differ), len(asked - have), len(have - asked))
    possible = {did for one in (*kept.sure, *kept.maybe) for did in actions(fold(Profile(), [one]))}
    # Without a time of its own an event may be there at the later time of a copy.
    there = {did.action.key for did in have}
    lost = [d for d in asked - have if reaches(found, d) and d.action.key not in there]
    return Compared(0, len(lost), len(have - possible))


def heard(ledger: Ledger, fates: Fates, store: PersonStore, minted: Sequence[str]) -> list[Check]:
    """Whom the store takes for one person, and what it holds for refused."""
    said, linked, refused = fates.said, 0, 0
    # An id that was made for a call that was never answered is nobody's, and does nothing.
    lost = {one for one in minted if not said.users(one)}
    for subject in sorted(ledger.watched - {f"v:{one}" for one in lost}):
        user = subject.startswith("u:")
        others = said.visitors(subject[2:]) if user else said.users(subject[2:])
        links = decode_links(_read(store, subject, PersonItem.LINKS).blob)
        linked += {*links.on} - lost != {*others}
        consent = _read(store, subject, PersonItem.PROFILE).standing.consent
        stated = {one.value for one in Purpose if consent.states(one) is False}
        refused += stated != fates.refused(subject)
    return [
        Check("people whose links differ", 0, linked),
        Check("people whose refusals differ", 0, refused),
    ]


def remains(ledger: Ledger, objects: ObjectStore, store: PersonStore) -> list[Check]:
    """What is left of the forgotten once the sweep is through, in any object and any part."""
    graves = ledger.said.graves
    lines = sum(_lines(objects.get(key) or b"", ledger) for key in objects.keys(""))
    parts = sum(_named(store, subject, ledger) for subject in graves)
    return [
        Check("lines of the forgotten left in objects", 0, lines),
        Check("parts of the forgotten left in the table", 0, parts),
    ]


class _Line(msgspec.Struct):
    record: Record


_lines_of = msgspec.json.Decoder(_Line)


class _Quarantined(msgspec.Struct):
    payload: str


def _lines(data: bytes, ledger: Ledger) -> int:
    graves = ledger.said.graves
    text = gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data
    if text.startswith(b'{"shard"') and b'"payload"' in text:
        text += base64.b64decode(msgspec.json.decode(text, type=_Quarantined).payload)
    named = {found.decode() for found in _SUBJECT.findall(text)} & graves.keys()
    dead = len([subject for subject in named if subject.startswith("v:")])
    # Users may have come back: what counts is of when it is.
    users = _lines_of.decode_lines(text) if len(named) > dead else []
    return dead + len([one for one in users if ledger.said.forgets(one.record)])


def _named(store: PersonStore, subject: str, ledger: Ledger) -> int:
    """Parts that hold something of a past that is forgotten."""
    records = (put.record for put in ledger.puts.get(subject, ()))
    gone = {hash64(one.event.id) for one in records if ledger.said.forgets(one)}
    parts = [_profile(_read(store, subject, part)) for part in (PersonItem.PROFILE, PersonItem.OWN)]
    found = [part for part in parts if any(did.action.key in gone for did in actions(part))]
    links = subject.startswith("v:") and bool(_read(store, subject, PersonItem.LINKS).blob)
    return len(found) + int(links)


def _read(store: PersonStore, subject: str, part: PersonItem) -> Stored:
    return store.read_part(SITE, subject, part) or _NEVER


def _profile(stored: Stored) -> Profile:
    return decode(stored.blob) if stored.blob else Profile()
