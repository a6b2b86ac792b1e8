"""How far an address in a template has come: whether what follows can still decide its scheme.

`start`: nothing yet, a hole is a whole address. `unsettled`: a colon would end a scheme. `settled`: a
scheme is known or can be none any more. In a srcset `described`: behind the address, before a comma.
"""

import re

from hemline.decide.render.web import safe_url
from hemline.decide.templates.parse import ParseRefusal

_ENDS_SCHEME = re.compile(r"[/?#:]")
_PIECES = re.compile(r"[ \t\n]+|,|[^ \t\n,]+")


def url_after(state: str, said: str, line: int) -> str:
    """The state after what the author wrote (character references read). Raises Refusal."""
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
