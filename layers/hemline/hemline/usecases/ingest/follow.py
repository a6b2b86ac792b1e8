"""Events of linked people: a visitor's belong to their user's profile too.

A linked user keeps their own events apart, so that a merge is a fold of both logs and can be undone.

The order of reads is what makes this safe without transactions: the profile first, then whether the
link is still on, then the write, on the condition that the profile is still the one that was read.
Whoever cuts a link cuts it first and writes the profile anew afterwards, so one of the two sees the other.
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


def links_of(people: PersonStore, site: str, subject: str) -> Links:
    """Consistent; nobody when there are none. Raises Unavailable, Refused."""
    stored = people.read_part(site, subject, PersonItem.LINKS)
    return decode_links(stored.blob) if stored else Links()


def mark_of(shard: str, site: str, subject: str) -> str:
    """How a user's profile names a shard up to which it has a linked visitor's events."""
    return f"{shard}@{alias(site, subject)[:_TAG]}"


def keep_apart(group: Group, people: PersonStore) -> None:
    """Fold a linked user's events into what is theirs alone. Raises Conflict when that is gone."""
    for _ in range(TRIES):
        own = people.read_part(group.site, group.subject, PersonItem.OWN)
        if own is None or any(is_forgotten(one.record, own.standing) for one in group.entries):
            # Somebody is forgetting the person: their standing must be looked at again.
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
            # Half linked, or forgotten: what is theirs is joined when they are linked (again).
            return
        if group.subject[2:] not in links_of(people, group.site, user).on:
            # Half linked, and the rest of linking will bring it; or cut, and then it is not theirs.
            return
        # Whether the visitor's past is forgotten was judged with the visitor: a user who comes back has
        # another past than the devices that they sign in on now.
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
    # What cannot be folded is in quarantine already: it was offered to the person's own profile.
    blob = fold(group, old, mark=name).blob
    if blob is None:
        return True
    try:
        people.write_part(group.site, subject, part, Stored(blob, old.version + 1, old.standing))
    except Conflict:
        return False
    return True


def profile_of(stored: Stored | None) -> Profile:
    """The profile in a part, the empty one when nothing is kept. Raises Refused."""
    return decode(stored.blob) if stored and stored.blob else Profile()
