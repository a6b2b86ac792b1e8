"""Forget somebody: nothing of them is kept, and nothing that arrives later brings them back.

A user is forgotten with every visitor that is linked to them; a visitor alone is taken out of their
user's profile, which is joined anew without them. What is left of a person is a tombstone under a key
that names nobody. Statistics forget with the next edition, the archive's bytes with the sweep.

Every step can be repeated, and the links go last, so that a call that was cut short is completed by the
next one. Parts are emptied and never deleted: a part that is gone has no version any more, so that a
link that was half made before could be finished over it, from what it had read.
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
"""Hours after which nothing that was read from the stream is still being worked on."""


class ForgetDeps(NamedTuple):
    """What the use case needs of the outside."""

    people: PersonStore
    objects: ObjectStore
    stream_hours: int
    """How long the stream keeps a record, and may deliver it again."""


class _Here(NamedTuple):
    """ForgetDeps of one site."""

    site: str
    people: PersonStore
    objects: ObjectStore
    stream_hours: int

    @property
    def linking(self) -> LinkDeps:
        """For undoing links; nothing here makes a visitor."""
        return LinkDeps(self.site, self.people, _never_mints)


def _never_mints() -> str:
    raise AssertionError("forgetting makes no visitor")


class Forgotten(NamedTuple):
    """Who is forgotten now, and since when."""

    subjects: tuple[str, ...]
    """The one who was named first, then those linked to them."""
    at: int
    """Epoch ms."""
    settled_at: int
    """Epoch ms from which on nothing can come out of the stream any more."""


def forget(site: str, subject: str, deps: ForgetDeps, now: int) -> Forgotten:
    """Forget `subject` (`v:…`, `u:…`) as of `now`, epoch ms. Raises BadInput, Unavailable; call again.

    Nobody need be known by that id: the tombstone stands against what may still be on its way.
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
    # Until nobody is left: one that was linked meanwhile has its turn too.
    while known := _known(links := links_of(here.people, here.site, user)):
        for visitor in links.on:
            gone += _forget_visitor(f"v:{visitor}", here, now, but=user[2:]).subjects
        for visitor in links.cut:  # somebody else, who stays; but what they keep names the user
            strike(f"v:{visitor}", (user[2:],), here.linking)
        # An identify that was on its way may have joined anew what a visitor had until now.
        _take_out(user, known, here)
    return Forgotten(tuple(dict.fromkeys(gone)), now, settled_at)


def _forget_visitor(visitor: str, here: _Here, now: int, *, but: str = "") -> Forgotten:
    """`but`: a user who is being forgotten too."""
    settled_at = _bury(visitor, here, now)
    while known := _known(links_of(here.people, here.site, visitor)):
        for user in known:
            if user != but:
                _take_out(f"u:{user}", (visitor[2:],), here)
        strike(visitor, known, here.linking)
    return Forgotten((visitor,), now, settled_at)


def _bury(subject: str, here: _Here, now: int) -> int:
    """Register first: from here on no reader of the archive sees them. When it will be settled."""
    settled_at = now + (here.stream_hours + _IN_FLIGHT) * HOUR_MS
    enter(here.objects, here.site, subject, now, settled_at)
    _entomb(subject, PersonItem.PROFILE, here, now)
    return settled_at


def _entomb(subject: str, part: PersonItem, here: _Here, now: int) -> None:
    change_part(here.people, here.site, subject, part, lambda old: _tombstone(old, now))


def _tombstone(old: Stored, now: int) -> Stored | None:
    """A refusal outlives its owner's data: who comes back must not find a no turned into a default yes."""
    consent = Consent(refused=old.standing.consent.refused, at=old.standing.consent.at)
    kept = consent if consent.refused else DEFAULT_STATUS.consent
    standing = SubjectStatus(kept, max(now, old.standing.forgotten), linked=False)
    return None if (b"", standing) == (old.blob, old.standing) else Stored(b"", 0, standing)


def _take_out(user: str, visitors: tuple[str, ...], here: _Here) -> None:
    """The links first, then the profile without what those visitors brought."""
    strike(user, visitors, here.linking)
    rebuild_profile(user[2:], here.linking)


def _known(links: Links) -> tuple[str, ...]:
    return (*links.on, *links.cut)
