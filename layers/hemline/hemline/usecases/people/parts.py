"""Changes one part of a person: reads it, computes the new one, writes on condition of the version read.

On a conflict it reads and computes again, so a change is a function of the current part and may run
several times. Does not interpret the parts.
"""

from collections.abc import Callable

from hemline.model.errors import Conflict, Unavailable
from hemline.usecases.ports import PersonItem, PersonStore, Stored

TRIES = 8
"""Conditional writes of one part before it is left to a retry of the whole call."""
NEVER = Stored(b"", 0)
"""Stands for a part that does not exist; version 0."""
Change = Callable[[Stored], Stored | None]
"""Current part → new part (its version is ignored); None for no change."""


def change_part(
    people: PersonStore, site: str, subject: str, part: PersonItem, change: Change
) -> Stored:
    """The part after the change. Raises Unavailable after TRIES conflicts in a row."""
    for _ in range(TRIES):
        old = people.read_part(site, subject, part) or NEVER
        new = change(old)
        if new is None:
            return old
        after = new._replace(version=old.version + 1)
        try:
            people.write_part(site, subject, part, after)
        except Conflict:
            continue
        return after
    raise busy()


def busy() -> Unavailable:
    """The error for too many conflicts in a row."""
    return Unavailable("table", f"what is kept of a person was changed by others {TRIES} times")
