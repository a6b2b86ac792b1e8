"""Folds the events of a linked visitor into the user's profile too.

A linked user's own events are also kept in a separate part, so that a merge can be undone.

The order of reads replaces transactions: read the profile, check that the link still exists, then write
on condition that the profile has not changed. Cutting a link removes the link first and rebuilds the
profile after, so one of the two always sees the other's change.
"""

from msgspec.structs import replace

from hemline.learn.profile.fold import Profile, decode
from hemline.model.errors import Conflict, Unavailable
from hemline.model.keys import alias
from hemline.model.subject_status import Links, decode_links
from hemline.usecases.ingest.enforce_consent import is_forgotten, judge
from hemline.usecases.ingest.fold import fold
from hemline.usecases.ingest.read import Group
from hemline.usecases.ports import PersonItem, PersonStore, Stored

TRIES = 5
"""Conditional writes of one profile: another writer is rare (a merge, a parent shard's last batch)."""
_TAG = 4
"""Characters of a visitor's alias in a watermark's name."""


def links_of(people: PersonStore, site: str, subject: str) -> Links:
    """A consistent read of the subject's links; empty when there are none. Raises Unavailable, Refused."""
    stored = people.read_part(site, subject, PersonItem.LINKS)
    return decode_links(stored.blob) if stored else Links()


def mark_of(shard: str, site: str, subject: str) -> str:
    """The name of a linked visitor's watermark for a shard, in the user's profile."""
    return f"{shard}@{alias(site, subject)[:_TAG]}"


def keep_apart(group: Group, people: PersonStore) -> None:
    """Fold a linked user's events into their OWN part. Raises Conflict when it is missing or forgotten."""
    for _ in range(TRIES):
        own = people.read_part(group.site, group.subject, PersonItem.OWN)
        if own is None or any(is_forgotten(one.record, own.standing) for one in group.entries):
            # The person is being forgotten: the caller must read their subject status again.
            raise Conflict("what is a user's own is not there")
        if _written(group, own, people, PersonItem.OWN, group.subject):
            return
    raise Unavailable("table", f"a profile was changed by others {TRIES} times in a row")


def follow(group: Group, people: PersonStore) -> None:
    """Fold a linked visitor's events into the profiles of their users. Raises HemlineError."""
    for user in links_of(people, group.site, group.subject).on:
        _into(f"u:{user}", group, people)


def _into(user: str, group: Group, people: PersonStore) -> None:
    for _ in range(TRIES):
        profile = people.read_part(group.site, user, PersonItem.PROFILE)
        if profile is None or not profile.standing.linked:
            # Linking is incomplete, or the user is forgotten: the rebuild of a link brings these events.
            return
        if group.subject[2:] not in links_of(people, group.site, user).on:
            # Linking is incomplete and its rebuild brings these events; or the link is cut.
            return
        # The visitor's own status already decided which events are forgotten. The user's forget time
        # does not apply: it does not cover a device that a returning user signs in on now.
        kept = judge(group.entries, replace(profile.standing, forgotten=0)).kept
        if not kept or _written(
            group._replace(entries=kept), profile, people, PersonItem.PROFILE, user
        ):
            return
    raise Unavailable("table", f"a profile was changed by others {TRIES} times in a row")


def _written(
    group: Group, old: Stored, people: PersonStore, part: PersonItem, subject: str
) -> bool:
    shard = group.entries[0].source.shard
    name = shard if subject == group.subject else mark_of(shard, group.site, group.subject)
    # Events that fail to fold are quarantined with the person's own profile, so not here.
    blob = fold(group, old, mark=name).blob
    if blob is None:
        return True
    try:
        people.write_part(group.site, subject, part, Stored(blob, old.version + 1, old.standing))
    except Conflict:
        return False
    return True


def profile_of(stored: Stored | None) -> Profile:
    """The profile in a part; an empty profile when nothing is stored. Raises Refused."""
    return decode(stored.blob) if stored and stored.blob else Profile()
