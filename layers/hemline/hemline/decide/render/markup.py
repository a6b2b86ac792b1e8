"""Text as HTML says it: the one escape that every fragment, email and template goes through.

Not `html.escape`: its module reads all of HTML's entities when it is imported, a millisecond of every start.
"""

import re

SPECIAL = re.compile("[&<>\"'`\0\r]").search
"""Whether a text has anything to escape; most have not."""
ENTITIES = str.maketrans({
    "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;", "`": "&#x60;",
    # A browser would drop the one, and read the other as a line's end.
    "\0": "\ufffd", "\r": "&#13;",
})  # fmt: skip


def escape(text: str) -> str:
    """For text and for values within either quotes."""
    return text.translate(ENTITIES) if SPECIAL(text) else text
