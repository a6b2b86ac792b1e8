"""A device whose visitor id was forgotten needs another one: under the old id nothing is kept any more.

Only what reads the table can tell; the door of events cannot. Knows no cookies.
"""

from collections.abc import Mapping

from hemline.model.consent import Purpose
from hemline.model.subject_status import Standing
from hemline.usecases.people.account import AccountDeps, Person, somebody
from hemline.usecases.ports import Part


def tombstone_of(person: Person, deps: AccountDeps) -> Standing | None:
    """Of a visitor id that is dead for good; None for the living, and for users, who may come back."""
    if person.user is not None or person.visitor is None:
        return None
    stored = deps.people.read_part(deps.site, person.subject, Part.PROFILE)
    return stored.standing if stored and stored.standing.forgotten else None


def speaker(
    person: Person, choices: Mapping[Purpose, bool], deps: AccountDeps
) -> tuple[Person, Mapping[Purpose, bool]]:
    """For whom a choice holds, and the whole of it: what a forgotten visitor refused stays refused."""
    tombstone = None if person.opted_out else tombstone_of(person, deps)
    if tombstone is None:
        return somebody(person, deps), choices
    refused = {p: False for p in Purpose if tombstone.consent.states(p) is False}
    return somebody(person._replace(visitor=None), deps), {**refused, **choices}
