"""One part of a person, changed: read, made anew, written on the version that was read.

Whoever loses to another writer reads again and makes it anew from that. A change is a function of the
part as it is, so it may be asked several times. Knows nothing of what the parts mean.
"""

from collections.abc import Callable

from hemline.model.errors import Conflict, Unavailable
from hemline.usecases.ports import PersonItem, PersonStore, Stored

TRIES = 8
"""Conditional writes of one part before it is left to a retry of the whole call."""
NEVER = Stored(b"", 0)
"""What is read where nothing is kept."""
Change = Callable[[Stored], Stored | None]
"""A part as it is → as it should be, but for its version; None when it already is."""


def change_part(
    people: PersonStore, site: str, subject: str, part: PersonItem, change: Change
) -> Stored:
    """The part as it is in the end. Raises Unavailable when others changed it TRIES times in a row."""
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
    """What is raised when it never came to rest."""
    return Unavailable("table", f"what is kept of a person was changed by others {TRIES} times")
