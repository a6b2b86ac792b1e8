"""Records what a person's data may be used for, in force as soon as it is written.

Consent is stored in the profile's item, so a profile write that has not seen it loses its condition. A
linked user's profile carries the strictest of the statements of the user and their visitors. Each own
statement is stored too, so removing a link also removes its refusals.
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
    """Record the statement; return the consent now in force. `now` in epoch ms. Raises Unavailable."""
    for _ in range(TRIES):
        if _stated(subject, choices, deps, now):
            _rebuild_profiles(subject, deps)
            return consent_of(subject, deps)
    raise busy()


def consent_of(subject: str, deps: LinkDeps) -> Consent:
    """The consent now in force."""
    stored = deps.people.read_part(deps.site, subject, PersonItem.PROFILE) or NEVER
    return stored.standing.consent


def _stated(subject: str, choices: Mapping[Purpose, bool], deps: LinkDeps, now: int) -> bool:
    """False when another writer was faster."""
    profile = deps.people.read_part(deps.site, subject, PersonItem.PROFILE) or NEVER
    part = _where(subject, profile)
    own = deps.people.read_part(deps.site, subject, part) if part is PersonItem.OWN else profile
    if own is None or own.standing.forgotten != profile.standing.forgotten:
        return False  # the person is being forgotten right now: read again
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


def _rebuild_profiles(subject: str, deps: LinkDeps) -> None:
    """A visitor's statement also counts for their user, whose profile holds the strictest of all."""
    if subject.startswith("u:"):
        rebuild_profile(subject[2:], deps)
        return
    for user in links_of(deps.people, deps.site, subject).on:
        rebuild_profile(user, deps)
