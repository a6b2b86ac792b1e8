"""The spellings of an id in stored bytes, as search patterns. Pure; knows no store.

Covers plain text and every encoding that can be searched without decoding. What must be decoded first
(gzip, base64 of packed data, JSON inside JSON) is the task of `unfold`.
"""

import base64
import json
import re
from typing import NamedTuple
from urllib.parse import quote

_SHORT = 8
"""An id shorter than this matches only as a whole word: `1` is part of everything."""
_FEWEST = 8
"""Fewest certain characters of a base64 pattern; shorter ones would match by chance."""
_WORD = rb"[0-9A-Za-z]"


class Needle(NamedTuple):
    """One spelling: its name for people, and its pattern."""

    how: str
    pattern: re.Pattern[bytes]


def needles(name: str) -> list[Needle]:
    """Every spelling of an id, without its `v:` or `u:`."""
    in_json, in_url = json.dumps(name)[1:-1], quote(name, safe="")
    spellings = {
        "plain": name,
        "escaped in JSON": in_json,
        "escaped in JSON, slashes too": in_json.replace("/", "\\/"),
        "in a URL": in_url,
        "in a URL twice": quote(in_url, safe=""),
    }
    found = [
        Needle(how, _pattern(text, alone=len(name) < _SHORT))
        for text, how in {text: how for how, text in reversed(spellings.items())}.items()
    ]
    found += [
        Needle(how, re.compile(re.escape(name.encode(how.lower()))))
        for how in ("UTF-16-le", "UTF-16-be")
    ]
    found.append(Needle("hex", re.compile(name.encode().hex().encode(), re.IGNORECASE)))
    return found + [Needle(how, re.compile(re.escape(text))) for how, text in _base64(name)]


def _pattern(text: str, *, alone: bool) -> re.Pattern[bytes]:
    body = re.escape(text.encode())
    if alone:
        body = rb"(?<!%s)%s(?!%s)" % (_WORD, body, _WORD)
    # Percent escapes may be in either case: %3a and %3A.
    return re.compile(body, re.IGNORECASE if "%" in text else 0)


def _base64(name: str) -> list[tuple[str, bytes]]:
    """The base64 of an id at each of the three offsets within a group of three bytes.

    Only characters that do not depend on neighbouring bytes are kept. A cookie has offset 0: its payload
    is the bare id.
    """
    found: dict[bytes, str] = {}
    for shift in range(3):
        data = bytes(shift) + name.encode()
        certain = slice((shift * 8 + 5) // 6, len(data) * 8 // 6)
        for how, encode in (("base64", base64.b64encode), ("base64url", base64.urlsafe_b64encode)):
            text = encode(data)[certain]
            if len(text) >= _FEWEST:
                found.setdefault(text, f"{how}, from byte {shift}")
    return [(how, text) for text, how in found.items()]


def found_in(data: bytes, wanted: list[Needle]) -> list[str]:
    """Names of the spellings that occur in `data`."""
    return [needle.how for needle in wanted if needle.pattern.search(data)]
