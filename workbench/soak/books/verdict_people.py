"""The verdict on people with a story: profiles, links, refusals, and what a sweep left of the forgotten.

For an event that was read while its person's consent changed, both outcomes are right. The profile must
then hold all that is certain and nothing that is impossible. Reads stores and changes nothing.
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
from workbench.soak.books.expected_state import ExpectedProfile, ExpectedState
from workbench.soak.books.ledger import Ledger
from workbench.soak.poison import SITE

_NEVER = Stored(b"", 0)
_EMPTY = ExpectedProfile([], [])
_SUBJECT = re.compile(rb'"([vu]:[!-~]{1,128}?)"')


class Compared(NamedTuple):
    """Differences between stored and expected profiles."""

    differ: int = 0
    """Profiles whose bytes differ."""
    lost: int = 0
    """Actions that are missing."""
    doubled: int = 0
    """Actions that should not be there."""

    def __add__(self, other: object) -> "Compared":
        """The sums of both."""
        assert isinstance(other, Compared)
        return Compared(*map(sum, zip(self, other, strict=True)))


def compare_profiles(ledger: Ledger, expected: ExpectedState, store: PersonStore) -> Compared:
    """Compare every profile of every subject with a story."""
    total = Compared()
    for subject in sorted(ledger.watched):
        for part, kept in _parts(subject, expected):
            total += _compared(kept, _profile(_read(store, subject, part)))
    return total


def _parts(subject: str, expected: ExpectedState) -> Iterator[tuple[PersonItem, ExpectedProfile]]:
    history, user = expected.history, subject[2:]
    own = expected.kept(subject)
    if subject.startswith("v:") or user not in history.joined:
        yield PersonItem.OWN, _EMPTY
        yield (
            PersonItem.PROFILE,
            _EMPTY if subject.startswith("v:") and subject in history.forgotten_at else own,
        )
        return
    yield PersonItem.OWN, own
    whole = expected.kept(subject, *(f"v:{visitor}" for visitor in history.visitors(user)))
    if Purpose.PERSONALISATION in expected.refused(subject):
        # While the user refuses, a device's events stay in its own profile; they may be in the user's.
        whole = ExpectedProfile(own.sure, [*whole.sure, *whole.maybe])
    yield PersonItem.PROFILE, whole


def _compared(kept: ExpectedProfile, found: Profile) -> Compared:
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


def link_checks(
    ledger: Ledger, expected: ExpectedState, store: PersonStore, minted: Sequence[str]
) -> list[Check]:
    """Checks that stored links and refusals are those of the history."""
    history, linked, refused = expected.history, 0, 0
    # The answer to a call may be lost. The visitor id minted for it then belongs to no device.
    lost = {one for one in minted if not history.users(one)}
    for subject in sorted(ledger.watched - {f"v:{one}" for one in lost}):
        user = subject.startswith("u:")
        others = history.visitors(subject[2:]) if user else history.users(subject[2:])
        links = decode_links(_read(store, subject, PersonItem.LINKS).blob)
        linked += {*links.on} - lost != {*others}
        consent = _read(store, subject, PersonItem.PROFILE).standing.consent
        stated = {one.value for one in Purpose if consent.states(one) is False}
        refused += stated != expected.refused(subject)
    return [
        Check("people whose links differ", 0, linked),
        Check("people whose refusals differ", 0, refused),
    ]


def forgotten_checks(ledger: Ledger, objects: ObjectStore, store: PersonStore) -> list[Check]:
    """Checks that a sweep left nothing of the forgotten in any object or table item."""
    graves = ledger.history.forgotten_at
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
    graves = ledger.history.forgotten_at
    text = gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data
    if text.startswith(b'{"shard"') and b'"payload"' in text:
        text += base64.b64decode(msgspec.json.decode(text, type=_Quarantined).payload)
    named = {found.decode() for found in _SUBJECT.findall(text)} & graves.keys()
    dead = len([subject for subject in named if subject.startswith("v:")])
    # A forgotten user may have come back, so the time of each record decides.
    users = _lines_of.decode_lines(text) if len(named) > dead else []
    return dead + len([one for one in users if ledger.history.forgets(one.record)])


def _named(store: PersonStore, subject: str, ledger: Ledger) -> int:
    """Number of table items of a subject that hold something of a forgotten past."""
    records = (put.record for put in ledger.puts.get(subject, ()))
    gone = {hash64(one.event.id) for one in records if ledger.history.forgets(one)}
    parts = [_profile(_read(store, subject, part)) for part in (PersonItem.PROFILE, PersonItem.OWN)]
    found = [part for part in parts if any(did.action.key in gone for did in actions(part))]
    links = subject.startswith("v:") and bool(_read(store, subject, PersonItem.LINKS).blob)
    return len(found) + int(links)


def _read(store: PersonStore, subject: str, part: PersonItem) -> Stored:
    return store.read_part(SITE, subject, part) or _NEVER


def _profile(stored: Stored) -> Profile:
    return decode(stored.blob) if stored.blob else Profile()
