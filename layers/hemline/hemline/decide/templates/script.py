"""Where in a script a value may stand: in code, never in a string, a comment, a pattern or a template.

A slash or a backtick is ambiguous: after one, no value may stand in the script.
"""

import re

_TOKENS = re.compile(
    r"""[^"'`/<\\]"""
    r"""|"(?:[^"\\\n]|\\[^\n])*"|'(?:[^'\\\n]|\\[^\n])*'"""
    r"""|//[^\n\u2028\u2029]*[\n\u2028\u2029]|/\*(?:[^*]|\*(?!/))*\*/"""
    r"""|<(?![!/sS])"""
)


def script_after(state: str, literal: str) -> str:
    """`code` when a value may stand after the literal, else empty."""
    at = 0
    while state and at < len(literal):
        found = _TOKENS.match(literal, at)
        if not found:
            return ""
        at = found.end()
    return state
