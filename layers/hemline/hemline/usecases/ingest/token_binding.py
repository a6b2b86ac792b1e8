"""What a decision token binds an event to: the fragment's slot, its items, and whom it was given to.

A token is proof that a fragment was decided, and not that it was decided for whoever sends it back. One
that everybody gets (no fact of a visitor was read, or nobody was known) may come from anybody.
Knows no clock and no HTTP.
"""

from collections.abc import Iterable

from hemline.model.errors import BadInput
from hemline.model.events.schema import EventInput
from hemline.model.token_header import BoundToken, subject_hash

_FREE = frozenset({"purchase"})
"""Types that may name other items than those of the fragment: a whole cart is bought."""


def check_binding(event: EventInput, token: BoundToken) -> None:
    """Raises BadInput for an event of another slot than its token, or with items that were not shown."""
    if event.slot not in (None, token.slot):
        way_out = "Send the slot that the fragment of the token came for."
        raise BadInput("slot", "is not that of the token.", way_out)
    if event.type in _FREE:
        return
    named = [("item", event.item)] if event.item else []
    named += [(f"lines[{at}].item", line.item) for at, line in enumerate(event.lines or ())]
    for field, item in named:
        if not token.has_item(item):
            way_out = "Send only items of the fragment that the token came with."
            raise BadInput(field, "was not shown in the fragment of the token.", way_out)


def given_to(token: BoundToken | None, subjects: Iterable[str], keys: tuple[bytes, ...]) -> str:
    """Whom a token was given to, as 16 hex digits, where that is none of `subjects`; else nothing."""
    if token is None or not token.who:
        return ""
    return "" if token.who in known_as(subjects, keys) else token.who.hex()


def known_as(subjects: Iterable[str], keys: tuple[bytes, ...]) -> set[bytes]:
    """How tokens name these people: by whichever key is in use, or was."""
    return {subject_hash(subject, key) for subject in subjects for key in keys}
