"""Gives a device whose visitor id was forgotten a new id: nothing is stored under the old one.

The collect endpoint cannot detect this, as it does not read the table. Knows no cookies.
"""

from collections.abc import Mapping

from hemline.model.consent import Purpose
from hemline.model.subject_status import SubjectStatus
from hemline.usecases.people.account import AccountCaller, AccountDeps, ensure_visitor
from hemline.usecases.ports import PersonItem


def tombstone_of(person: AccountCaller, deps: AccountDeps) -> SubjectStatus | None:
    """The status of a forgotten visitor id; None for any other, and for users, who may come back."""
    if person.user is not None or person.visitor is None:
        return None
    stored = deps.people.read_part(deps.site, person.subject, PersonItem.PROFILE)
    return stored.standing if stored and stored.standing.forgotten else None


def resolve_subject(
    person: AccountCaller, choices: Mapping[Purpose, bool], deps: AccountDeps
) -> tuple[AccountCaller, Mapping[Purpose, bool]]:
    """The person a choice applies to, and all choices: refusals of a forgotten visitor stay in force."""
    tombstone = None if person.opted_out else tombstone_of(person, deps)
    if tombstone is None:
        return ensure_visitor(person, deps), choices
    refused = {p: False for p in Purpose if tombstone.consent.states(p) is False}
    return ensure_visitor(person._replace(visitor=None), deps), {**refused, **choices}
