"""Checks an event against its decision token: the fragment's slot, its items and its subject.

A token proves that a fragment was decided, not that the sender is the one it was decided for. A token
without a subject (the decision read no fact of a visitor, or knew no visitor) is valid from anybody.
Knows no clock and no HTTP.
"""

from collections.abc import Iterable

from hemline.model.errors import BadInput
from hemline.model.events.schema import EventInput
from hemline.model.token_header import BoundToken, subject_hash

_FREE = frozenset({"purchase"})
"""Event types that may name items outside the fragment: a purchase lists the whole cart."""


def check_binding(event: EventInput, token: BoundToken) -> None:
    """Raises BadInput if the event's slot or items are not those of the token's fragment."""
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
    """The token's subject hash (16 hex digits) if it matches none of `subjects`; else an empty string."""
    if token is None or not token.who:
        return ""
    return "" if token.who in known_as(subjects, keys) else token.who.hex()


def known_as(subjects: Iterable[str], keys: tuple[bytes, ...]) -> set[bytes]:
    """The subject hashes of these people under every current and former key."""
    return {subject_hash(subject, key) for subject in subjects for key in keys}
