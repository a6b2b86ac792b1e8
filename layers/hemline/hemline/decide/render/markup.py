"""HTML escaping: the one escape for every fragment, email and template.

Not `html.escape`: its module reads all of HTML's entities when it is imported, a millisecond of every start.
"""

import re

SPECIAL = re.compile("[&<>\"'`\0\r]").search
"""Truthy when a text has anything to escape; most have nothing."""
ENTITIES = str.maketrans({
    "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;", "`": "&#x60;",
    # A browser would drop NUL and read CR as a line end.
    "\0": "\ufffd", "\r": "&#13;",
})  # fmt: skip


def escape(text: str) -> str:
    """Escapes text, and attribute values in single or double quotes."""
    return text.translate(ENTITIES) if SPECIAL(text) else text
