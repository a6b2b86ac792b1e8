"""The state of an address in a template: whether what follows can still decide its scheme.

`start`: empty so far; a hole is a whole address. `unsettled`: a colon would end a scheme. `settled`: the
scheme is known, or none can follow. `described`, in a srcset: after the address, before a comma.
"""

import re

from hemline.decide.render.web import safe_url
from hemline.decide.templates.parse import ParseRefusal

_ENDS_SCHEME = re.compile(r"[/?#:]")
_PIECES = re.compile(r"[ \t\n]+|,|[^ \t\n,]+")


def url_after(state: str, said: str, line: int) -> str:
    """The state after the author's text (character references decoded). Raises ParseRefusal."""
    if state == "settled":
        return state
    found = _ENDS_SCHEME.search(said)
    if state == "start":
        if safe_url(said) == "#" and said.strip() != "#":
            problem = f"`{said[:40]}` is no address that a template may link to."
            raise ParseRefusal(line, problem, "Use http, https, mailto, tel or a path.")
        return "settled" if found else "unsettled"
    if found and found[0] == ":":
        problem = "a colon behind data would make a scheme of it."
        raise ParseRefusal(line, problem, "Begin the address with https:// or /.")
    return "settled" if found else "unsettled"


def srcset_after(state: str, said: str, line: int) -> str:
    """The same for a list of pictures."""
    for piece in _PIECES.findall(said):
        if piece == ",":
            state = "start"
        elif not piece.strip():
            state = state if state == "start" else "described"
        elif state != "described":
            state = url_after(state, piece, line)
    return state
