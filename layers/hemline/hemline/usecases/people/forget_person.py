"""Forgets a person: empties their data and writes a tombstone, which also rejects later events.

Forgetting a user also forgets every linked visitor. Forgetting a visitor removes them from their user's
profile, which is rebuilt. A tombstone remains, under a key that names nobody. The next edition drops the
person from the statistics; the sweep deletes their bytes from the archive.

Every step is repeatable and links are removed last, so a repeated call completes an interrupted one.
Parts are emptied, never deleted: a deleted part loses its version, and a concurrent link could then
write old data over it.
"""

from typing import NamedTuple

from hemline.model.consent import Consent
from hemline.model.durations import HOUR_MS
from hemline.model.errors import BadInput
from hemline.model.ids import is_id
from hemline.model.subject_status import DEFAULT_STATUS, Links, SubjectStatus
from hemline.usecases.ingest.follow import links_of
from hemline.usecases.people.forget_register import enter
from hemline.usecases.people.link import LinkDeps, rebuild_profile, strike
from hemline.usecases.people.parts import change_part
from hemline.usecases.ports import ObjectStore, PersonItem, PersonStore, Stored

_IN_FLIGHT = 24
"""Hours: no record is still being processed so long after it was read from the stream."""


class ForgetDeps(NamedTuple):
    """Dependencies of the use case."""

    people: PersonStore
    objects: ObjectStore
    stream_hours: int
    """The stream's retention: for so long it may deliver a record again."""


class _Here(NamedTuple):
    """ForgetDeps and the site."""

    site: str
    people: PersonStore
    objects: ObjectStore
    stream_hours: int

    @property
    def linking(self) -> LinkDeps:
        """Dependencies for removing links; forgetting never mints a visitor id."""
        return LinkDeps(self.site, self.people, _never_mints)


def _never_mints() -> str:
    raise AssertionError("forgetting makes no visitor")


class Forgotten(NamedTuple):
    """The subjects forgotten by a call, and the times that apply."""

    subjects: tuple[str, ...]
    """The requested subject first, then the visitors linked to it."""
    at: int
    """Epoch ms; events up to then are forgotten."""
    settled_at: int
    """Epoch ms after which the stream can no longer deliver an older event."""


def forget(site: str, subject: str, deps: ForgetDeps, now: int) -> Forgotten:
    """Forget `subject` (`v:…`, `u:…`) as of `now`, epoch ms. Raises BadInput; Unavailable: call again.

    Works for an unknown id too: the tombstone rejects events still on the stream.
    """
    if subject[:2] not in {"v:", "u:"} or not is_id(subject[2:]):
        raise BadInput("subject", "is no person's.", "Name v:VISITOR or u:USER.")
    here = _Here(site, *deps)
    if subject.startswith("u:"):
        return _forget_user(subject, here, now)
    return _forget_visitor(subject, here, now)


def _forget_user(user: str, here: _Here, now: int) -> Forgotten:
    gone = [user]
    settled_at = _bury(user, here, now)
    _entomb(user, PersonItem.OWN, here, now)
    # Loops until no link is left: a visitor linked during this call is forgotten too.
    while known := _known(links := links_of(here.people, here.site, user)):
        for visitor in links.on:
            gone += _forget_visitor(f"v:{visitor}", here, now, but=user[2:]).subjects
        for visitor in links.cut:  # another person: their data stays, but their links name the user
            strike(f"v:{visitor}", (user[2:],), here.linking)
        # A concurrent identify may have rebuilt the profile with a visitor's old data.
        _take_out(user, known, here)
    return Forgotten(tuple(dict.fromkeys(gone)), now, settled_at)


def _forget_visitor(visitor: str, here: _Here, now: int, *, but: str = "") -> Forgotten:
    """`but`: a user (bare id) who is being forgotten too, so their profile needs no rebuild."""
    settled_at = _bury(visitor, here, now)
    while known := _known(links_of(here.people, here.site, visitor)):
        for user in known:
            if user != but:
                _take_out(f"u:{user}", (visitor[2:],), here)
        strike(visitor, known, here.linking)
    return Forgotten((visitor,), now, settled_at)


def _bury(subject: str, here: _Here, now: int) -> int:
    """Write the register entry, then the tombstone; returns `settled_at`.

    The register comes first: from then on every archive reader skips the person.
    """
    settled_at = now + (here.stream_hours + _IN_FLIGHT) * HOUR_MS
    enter(here.objects, here.site, subject, now, settled_at)
    _entomb(subject, PersonItem.PROFILE, here, now)
    return settled_at


def _entomb(subject: str, part: PersonItem, here: _Here, now: int) -> None:
    change_part(here.people, here.site, subject, part, lambda old: _tombstone(old, now))


def _tombstone(old: Stored, now: int) -> Stored | None:
    """The emptied part; None when it is one already. Refusals stay, so a default cannot replace them."""
    consent = Consent(refused=old.standing.consent.refused, at=old.standing.consent.at)
    kept = consent if consent.refused else DEFAULT_STATUS.consent
    standing = SubjectStatus(kept, max(now, old.standing.forgotten), linked=False)
    return None if (b"", standing) == (old.blob, old.standing) else Stored(b"", 0, standing)


def _take_out(user: str, visitors: tuple[str, ...], here: _Here) -> None:
    """Remove the links first, then rebuild the profile without those visitors."""
    strike(user, visitors, here.linking)
    rebuild_profile(user[2:], here.linking)


def _known(links: Links) -> tuple[str, ...]:
    return (*links.on, *links.cut)
