"""What somebody says their data may be used for, in force from the moment that it is written.

It stands beside the profile, so that every write of a profile that has not seen it loses. Of a linked
user the profile carries the strictest of what the user and their visitors said; what each of them said
for themselves is kept, so that taking a link back takes back its refusals too.
"""

from collections.abc import Mapping

from msgspec.structs import replace

from hemline.model.consent import Consent, Purpose, with_choices
from hemline.model.errors import Conflict
from hemline.usecases.ingest.follow import links_of
from hemline.usecases.people.link import LinkDeps, rebuild_profile
from hemline.usecases.people.parts import NEVER, TRIES, busy
from hemline.usecases.ports import PersonItem, Stored


def say_consent(subject: str, choices: Mapping[Purpose, bool], deps: LinkDeps, now: int) -> Consent:
    """Write it down; the consent as it counts from now on. `now` in epoch ms. Raises Unavailable."""
    for _ in range(TRIES):
        if _stated(subject, choices, deps, now):
            _settle_all(subject, deps)
            return consent_of(subject, deps)
    raise busy()


def consent_of(subject: str, deps: LinkDeps) -> Consent:
    """As it counts now."""
    stored = deps.people.read_part(deps.site, subject, PersonItem.PROFILE) or NEVER
    return stored.standing.consent


def _stated(subject: str, choices: Mapping[Purpose, bool], deps: LinkDeps, now: int) -> bool:
    """False when another writer was faster."""
    profile = deps.people.read_part(deps.site, subject, PersonItem.PROFILE) or NEVER
    part = _where(subject, profile)
    own = deps.people.read_part(deps.site, subject, part) if part is PersonItem.OWN else profile
    if own is None or own.standing.forgotten != profile.standing.forgotten:
        return False  # somebody is forgetting the person
    consent = with_choices(choices.items(), own.standing.consent, now)
    standing = replace(own.standing, consent=consent)
    new = Stored(own.blob, own.version + 1, standing)
    try:
        deps.people.write_part(deps.site, subject, part, new)
    except Conflict:
        return False
    return True


def _where(subject: str, profile: Stored) -> PersonItem:
    """Which item holds what the person said for themselves."""
    joined = subject.startswith("u:") and profile.standing.linked
    return PersonItem.OWN if joined else PersonItem.PROFILE


def _settle_all(subject: str, deps: LinkDeps) -> None:
    """What a visitor says counts for their user too, and a user's own word is one of several."""
    if subject.startswith("u:"):
        rebuild_profile(subject[2:], deps)
        return
    for user in links_of(deps.people, deps.site, subject).on:
        rebuild_profile(user, deps)
