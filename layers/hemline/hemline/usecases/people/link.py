"""Links a visitor to a user, and removes such links. Every step is repeatable.

A user's profile is the join of the user's own events and the profiles of all linked visitors. A visitor's
profile never changes by linking, so a merge needs no log and removing a link restores both profiles
exactly. `rebuild_profile` recomputes the join; ingest keeps it up to date (`ingest.follow`).

The order of steps replaces transactions. Linking and cutting change the links first and rebuild after;
`rebuild_profile` reads the profile's version before the links. So the later of two writers has seen the
other's change, or its conditional write fails.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from msgspec.structs import replace

from hemline.learn.profile.fold import encode
from hemline.learn.profile.join import joined, rename_watermarks
from hemline.model.consent import strictest
from hemline.model.errors import BadInput, Conflict
from hemline.model.subject_status import Links, decode_links, encode_links
from hemline.usecases.ingest.follow import links_of, mark_of, profile_of
from hemline.usecases.people.parts import NEVER, TRIES, busy, change_part
from hemline.usecases.ports import PersonItem, PersonStore, Stored

MOST_LINKS = 200
"""Most visitors of one user: a rebuild reads them all, a hundred per request."""


class LinkDeps(NamedTuple):
    """Dependencies of linking."""

    site: str
    people: PersonStore
    mint: Callable[[], str]
    """A fresh visitor id that nobody can guess."""


class LinkResult(NamedTuple):
    """The device's visitor id (bare) from now on, and whether its history was merged."""

    visitor: str
    merged: bool
    """True: the visitor's history joins the user's. False: a new visitor id, or too many links."""


def link(visitor: str | None, user: str, deps: LinkDeps) -> LinkResult:
    """Link `visitor` (None: the device has no id yet) to `user`. Raises Unavailable.

    A visitor linked to another user, cut from this one, or forgotten is not linked: the device gets a
    new id, which is linked instead. So a shared device never gives one person another's history.
    """
    for _ in range(TRIES):
        here = visitor if visitor and _free(visitor, user, deps) else deps.mint()
        outcome = _link(here, user, deps)
        if outcome is not None:
            return LinkResult(here, outcome and here == visitor)
    raise busy()


def _free(visitor: str, user: str, deps: LinkDeps) -> bool:
    """Whether `visitor` may be linked to `user`."""
    links = links_of(deps.people, deps.site, f"v:{visitor}")
    profile = _read(f"v:{visitor}", PersonItem.PROFILE, deps)
    cut = user in links.cut or visitor in links_of(deps.people, deps.site, f"u:{user}").cut
    return not (cut or profile.standing.forgotten or set(links.on) - {user})


def _link(visitor: str, user: str, deps: LinkDeps) -> bool | None:
    """True: linked. False: the user has MOST_LINKS already. None: the visitor is no longer free."""
    if not _add_link(f"v:{visitor}", user, deps, most=1):
        return None
    _flag_visitor(visitor, deps)
    for _ in range(TRIES):
        if not _set_apart(user, deps):
            continue
        if not _add_link(f"u:{user}", visitor, deps, most=MOST_LINKS):
            return _left_out(visitor, user, deps)
        if _read(f"v:{visitor}", PersonItem.PROFILE, deps).standing.forgotten:
            # Forgotten meanwhile, perhaps before `forget` could see this link: remove it here.
            _disown(visitor, user, deps)
            return None
        if rebuild_profile(user, deps):
            return True
    raise busy()


def _left_out(visitor: str, user: str, deps: LinkDeps) -> bool | None:
    """Why the user's end was not added. False: too many links. None: cut meanwhile; cuts both ends."""
    if visitor not in links_of(deps.people, deps.site, f"u:{user}").cut:
        return False
    _cut(f"v:{visitor}", user, deps)
    return None


def _disown(visitor: str, user: str, deps: LinkDeps) -> None:
    """Remove a forgotten visitor's id from every link."""
    strike(f"u:{user}", (visitor,), deps)
    rebuild_profile(user, deps)
    strike(f"v:{visitor}", (user,), deps)
    _unflag_visitor(visitor, deps)


def strike(subject: str, others: tuple[str, ...], deps: LinkDeps) -> None:
    """Remove `others` (bare ids) from a person's links, current and cut, without a trace."""
    _relinked(
        subject,
        lambda links: Links(_without(links.on, others), _without(links.cut, others)),
        deps,
    )


def _without(names: tuple[str, ...], others: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names if name not in others)


def _add_link(subject: str, other: str, deps: LinkDeps, *, most: int) -> bool:
    """Whether the link exists afterwards; False if it was cut before or `most` links exist already."""

    def added(links: Links) -> Links:
        if other in (*links.on, *links.cut) or len(links.on) >= most:
            return links
        return Links((*links.on, other), links.cut)

    return other in _relinked(subject, added, deps).on


def _relinked(subject: str, change: Callable[[Links], Links], deps: LinkDeps) -> Links:
    """Apply `change` to a person's links; the result. No write when nothing changes."""

    def changed(old: Stored) -> Stored | None:
        links = decode_links(old.blob)
        after = change(links)
        blob = encode_links(after) if after.on or after.cut else b""
        return None if after == links else Stored(blob, 0)

    return decode_links(
        change_part(deps.people, deps.site, subject, PersonItem.LINKS, changed).blob
    )


def _flag_visitor(visitor: str, deps: LinkDeps) -> None:
    """Set the `linked` flag, so that ingest reads the visitor's links."""

    def flagged(old: Stored) -> Stored | None:
        return None if old.standing.linked else _standing(old, linked=True)

    change_part(deps.people, deps.site, f"v:{visitor}", PersonItem.PROFILE, flagged)


def _set_apart(user: str, deps: LinkDeps) -> bool:
    """Copy the user's own profile into OWN before the join replaces it; False on a conflict."""
    # OWN is read before the profile: a forget request in between changes OWN, so this write fails.
    own = _read(f"u:{user}", PersonItem.OWN, deps)
    stored = _read(f"u:{user}", PersonItem.PROFILE, deps)
    if stored.standing.linked:
        return True
    copy = Stored(stored.blob, own.version + 1, stored.standing)
    return _written(f"u:{user}", PersonItem.OWN, copy, deps) and _stand(
        f"u:{user}", stored, deps, linked=True
    )


def rebuild_profile(user: str, deps: LinkDeps) -> bool:
    """Rewrite the user's profile and consent as the join; False when the user is not linked."""
    for _ in range(TRIES):
        before = _read(f"u:{user}", PersonItem.PROFILE, deps)
        if not before.standing.linked:
            return False
        after = _joined(user, before, deps)
        if after == before or _written(
            f"u:{user}", PersonItem.PROFILE, after._replace(version=before.version + 1), deps
        ):
            return True
    raise busy()


def _joined(user: str, before: Stored, deps: LinkDeps) -> Stored:
    """The joined profile. Links are read after `before`, or a concurrent cut would be missed."""
    visitors = [f"v:{name}" for name in links_of(deps.people, deps.site, f"u:{user}").on]
    own = _read(f"u:{user}", PersonItem.OWN, deps)
    theirs = deps.people.read_profiles(deps.site, visitors)
    profile = profile_of(own)
    for subject, stored in theirs.items():
        part = rename_watermarks(
            profile_of(stored), partial(mark_of, site=deps.site, subject=subject)
        )
        profile = joined(profile, part)
    consent = strictest(part.standing.consent for part in (own, *theirs.values()))
    standing = replace(before.standing, consent=consent)
    return Stored(b"" if profile.empty else encode(profile), before.version, standing)


def unlink(visitor: str, user: str, deps: LinkDeps) -> None:
    """Cut the link for good. Raises BadInput when the two were never linked, Unavailable."""
    known = links_of(deps.people, deps.site, f"v:{visitor}")
    if user not in (*known.on, *known.cut):
        raise BadInput("visitor", "was never linked to this user.", "See hemline identity show.")
    _cut(f"u:{user}", visitor, deps)
    rebuild_profile(user, deps)
    _cut(f"v:{visitor}", user, deps)
    _unflag_visitor(visitor, deps)


def _cut(subject: str, other: str, deps: LinkDeps) -> None:
    def cut(links: Links) -> Links:
        if other in links.cut and other not in links.on:
            return links
        return Links(_without(links.on, (other,)), (*links.cut, other))

    _relinked(subject, cut, deps)


def _unflag_visitor(visitor: str, deps: LinkDeps) -> None:
    """Clear the `linked` flag if no link is left; a link made meanwhile sets it again."""
    subject = f"v:{visitor}"

    def unflagged(old: Stored) -> Stored | None:
        # Links are read after the profile: a later link changes the profile's version, so this write fails.
        links = links_of(deps.people, deps.site, subject)
        unneeded = old.standing.linked and not links.on
        return _standing(old, linked=False) if unneeded else None

    change_part(deps.people, deps.site, subject, PersonItem.PROFILE, unflagged)


def _read(subject: str, part: PersonItem, deps: LinkDeps) -> Stored:
    return deps.people.read_part(deps.site, subject, part) or NEVER


def _standing(stored: Stored, *, linked: bool) -> Stored:
    return stored._replace(standing=replace(stored.standing, linked=linked))


def _stand(subject: str, stored: Stored, deps: LinkDeps, *, linked: bool) -> bool:
    new = _standing(stored, linked=linked)._replace(version=stored.version + 1)
    return _written(subject, PersonItem.PROFILE, new, deps)


def _written(subject: str, part: PersonItem, new: Stored, deps: LinkDeps) -> bool:
    """False on a conflict with another writer: the caller reads again."""
    try:
        deps.people.write_part(deps.site, subject, part, new)
    except Conflict:
        return False
    return True
