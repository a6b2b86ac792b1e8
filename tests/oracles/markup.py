"""Markup as a browser builds it: read by a real HTML5 parser (Lexbor)."""

import re
from collections import Counter
from typing import NamedTuple

from selectolax.lexbor import LexborHTMLParser, LexborNode

ADDRESSES = {
    "href",
    "src",
    "action",
    "formaction",
    "poster",
    "cite",
    "data",
    "background",
    "xlink:href",
}
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*(?=:)")
_PICTURE = re.compile(r"[\s,]*(\S*)")
_DROPPED = re.compile(r"[\t\n\r]")
_STRIPPED = "".join(map(chr, range(33)))


class Dom(NamedTuple):
    """What data must not change: elements and attributes by their path, and schemes of addresses."""

    parts: Counter[str]
    schemes: frozenset[str]
    body: LexborNode


def dom(markup: str | bytes) -> Dom:
    """Of a fragment, as a page's body."""
    text = markup.decode() if isinstance(markup, bytes) else markup
    tree = LexborHTMLParser(f"<!doctype html><html><head></head><body>{text}</body></html>")
    parts: Counter[str] = Counter()
    schemes: set[str] = set()
    root = tree.root
    assert root is not None
    assert tree.body is not None
    for node in root.traverse():
        path = _path(node)
        parts[path] += 1
        for name, value in node.attributes.items():
            parts[f"{path}@{name}"] += 1
            for address in addresses(name, value or ""):
                parts[f"{path}@{name}#"] += 1
                schemes.add(scheme(address))
    return Dom(parts, frozenset(schemes), tree.body)


def _path(node: LexborNode) -> str:
    tags: list[str] = []
    at: LexborNode | None = node
    while at is not None and at.tag and not at.tag.startswith("-"):
        tags.append(at.tag)
        at = at.parent
    return "/".join(reversed(tags))


def one_of(node: LexborNode, selector: str) -> LexborNode:
    """The first match of a CSS selector; fails where there is none."""
    match = node.css_first(selector)
    assert match is not None, selector
    return match


def addresses(attribute: str, value: str) -> list[str]:
    """Those that an attribute's value holds; of a srcset each picture's."""
    attribute = attribute.removeprefix("data-")
    if attribute != "srcset":
        return [value] if attribute in ADDRESSES else []
    found, at = [], 0
    while (one := _PICTURE.match(value, at)) and one[1]:
        found.append(one[1].rstrip(","))
        # Without a comma at its end, a picture's description follows up to the next one.
        at = one.end() if one[1].endswith(",") else (value.find(",", one.end()) + 1 or len(value))
    return found


def scheme(address: str) -> str:
    """As a browser reads it: blanks and controls before it are stripped, tabs and line ends dropped."""
    found = _SCHEME.match(_DROPPED.sub("", address.strip(_STRIPPED)).lower())
    return found[0] if found else ""


def as_parsed(text: str) -> str:
    """A text as an HTML parser hands it on: no NUL, and nothing that is no character."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
