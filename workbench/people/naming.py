"""Parses a person's id as typed on the command line: bare, or with the prefix `v:` or `u:`."""

from hemline.model.errors import BadInput
from hemline.model.ids import is_id

VISITOR, USER = "v:", "u:"
_CALLED = {VISITOR: "a visitor", USER: "a user"}


def subject_of(text: str, kind: str = "", *, field: str = "ID") -> str:
    """The subject `v:ID` or `u:ID`. `kind`: the prefix of a bare id. Raises BadInput.

    A prefix is never read as part of the id: `v:v:…` would name an unknown person, and a command for them
    would seem to succeed. An id that itself begins with `u:` is written `u:u:…`.
    """
    prefix = text[:2] if text[:2] in _CALLED else ""
    if prefix and kind and prefix != kind:
        why = f"says that it is {_CALLED[prefix]}, but the command expects {_CALLED[kind]}."
        way_out = f"Spell an id that begins with {prefix} itself as {kind}{prefix}…"
        raise BadInput(field, why, way_out)
    bare = text.removeprefix(prefix)
    if not (prefix or kind):
        raise BadInput(field, "may be a user's or a visitor's.", "Name v:VISITOR or u:USER.")
    if not is_id(bare):
        raise BadInput(field, "is no id.", "Use 1 to 128 printable characters, no space.")
    return (prefix or kind) + bare


def bare(text: str, kind: str, *, field: str) -> str:
    """The id of `kind` without its prefix. Raises BadInput."""
    return subject_of(text, kind, field=field)[2:]
