"""Where in a script a value may stand: in code, never in a string, a comment, a pattern or a template.

What could be read in two ways (a slash, a backtick) is not guessed at: no data may follow it.
"""

import re

_TOKENS = re.compile(
    r"""[^"'`/<\\]"""
    r"""|"(?:[^"\\\n]|\\[^\n])*"|'(?:[^'\\\n]|\\[^\n])*'"""
    r"""|//[^\n\u2028\u2029]*[\n\u2028\u2029]|/\*(?:[^*]|\*(?!/))*\*/"""
    r"""|<(?![!/sS])"""
)


def script_after(state: str, literal: str) -> str:
    """`code` when a value may stand behind the literal, else nothing."""
    at = 0
    while state and at < len(literal):
        found = _TOKENS.match(literal, at)
        if not found:
            return ""
        at = found.end()
    return state
