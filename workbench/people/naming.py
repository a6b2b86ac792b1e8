"""A person's id as somebody types it: bare, or with the `v:` or `u:` that everything shows it with."""

from hemline.model.errors import BadInput
from hemline.model.ids import is_id

VISITOR, USER = "v:", "u:"
_CALLED = {VISITOR: "a visitor", USER: "a user"}


def subject_of(text: str, kind: str = "", *, field: str = "ID") -> str:
    """`v:ID` or `u:ID`; `kind` is what the call says that a bare id is. Raises BadInput.

    A prefix is never taken for a part of the id: nobody would be known by `v:v:…`, and a call about
    nobody would look like one that was done. An id that begins so itself is spelt `u:u:…`.
    """
    said = text[:2] if text[:2] in _CALLED else ""
    if said and kind and said != kind:
        why = f"says that it is {_CALLED[said]}, and the call that it is {_CALLED[kind]}."
        way_out = f"Spell an id that begins with {said} itself as {kind}{said}…"
        raise BadInput(field, why, way_out)
    bare = text.removeprefix(said)
    if not (said or kind):
        raise BadInput(field, "may be a user's or a visitor's.", "Name v:VISITOR or u:USER.")
    if not is_id(bare):
        raise BadInput(field, "is no id.", "Use 1 to 128 printable characters, no space.")
    return (said or kind) + bare


def bare(text: str, kind: str, *, field: str) -> str:
    """The id of `kind` without its prefix. Raises BadInput."""
    return subject_of(text, kind, field=field)[2:]
