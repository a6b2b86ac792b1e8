"""The possible values of facts, where known. The check of a site file uses them; decisions do not."""

import math
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from hemline.decide.facts.clock import WEEKDAYS
from hemline.model.site.rule import Operator


class Spelling(NamedTuple):
    """The texts that a fact can have: a test, a description, and a correction for other text."""

    fits: Callable[[str], object]
    words: str
    meant: Callable[[str], str]


def _one_of(*known: str) -> Spelling:
    words = f"one of {', '.join(known)}"
    return Spelling(known.__contains__, words, str.lower)


def _language(text: str) -> str:
    return re.split("[-_]", text.lower())[0]


_SAID_OTHERWISE = {"UK": "GB", "EL": "GR"}
"""Common codes that ISO 3166-1 does not assign → the code that a CDN sends."""


def _country(text: str) -> str:
    capitals = text.upper()
    return _SAID_OTHERWISE.get(capitals, capitals)


def _zone(text: str) -> str:
    """Capitalises each part as in most names of the time zone database: America/New_York."""
    return re.sub(r"[A-Za-z]+", lambda word: word[0].capitalize(), text.strip().replace(" ", "_"))


def _host(text: str) -> str:
    return re.split("[/:?#]", text.lower().partition("://")[2] or text.lower())[0]


def _path(text: str) -> str:
    return re.split("[?#]", text)[0]


_DEVICES = ("mobile", "tablet", "desktop")
_SEASONS = ("winter", "spring", "summer", "autumn")
SPELLINGS: Mapping[str, Spelling] = {
    "trait.country": Spelling(
        re.compile(rf"(?!{'|'.join(_SAID_OTHERWISE)})[A-Z]{{2}}").fullmatch,
        "two capital letters, such as GB",
        _country,
    ),
    "trait.time_zone": Spelling(
        re.compile(r"[A-Z][A-Za-z0-9_+-]*(/[A-Z][A-Za-z0-9_+-]*)*").fullmatch,
        "a name of the time zone database, such as Europe/London",
        _zone,
    ),
    "page.referrer_host": Spelling(
        re.compile(r"[^\sA-Z/:?#]+").fullmatch,
        "a host in lower case, such as www.example.com",
        _host,
    ),
    "page.url": Spelling(
        re.compile(r"[^?#]*").fullmatch,
        "an address without its query; campaigns are page.campaign and page.utm_source",
        _path,
    ),
    "trait.language": Spelling(
        re.compile(r"[a-z]{2,3}").fullmatch,
        "two or three lower-case letters, such as en",
        _language,
    ),
    "trait.device": _one_of(*_DEVICES),
    **dict.fromkeys(("clock.weekday", "trait.weekday"), _one_of(*WEEKDAYS)),
    **dict.fromkeys(("clock.season", "trait.season"), _one_of(*_SEASONS)),
}
"""Fact → its spelling. Every fact may also be empty, when nothing is known."""


_WHOLE: frozenset[Operator] = frozenset({"eq", "ne", "in"})
"""Operators that compare whole values. For page.url, parts are checked too: they hold no query."""


def misspelt(name: str, op: Operator, value: object) -> str:
    """Why the fact can never have the compared value, with a fix; empty if it can."""
    known = SPELLINGS.get(name)
    compared = _WHOLE if name != "page.url" else _WHOLE | {"starts_with", "contains"}
    for text in value if isinstance(value, list) else [value]:
        if known and op in compared and isinstance(text, str) and text:
            if known.fits(text):
                continue
            meant = known.meant(text)
            way_out = f": write {meant}" if meant and known.fits(meant) else ""
            return f"{text[:40]} is no value of {name}, which is {known.words}{way_out}"
    return ""


_FROM_0 = (0.0, math.inf)
_BOUNDS: Mapping[str, tuple[float, float]] = {
    "trait.lat": (-90.0, 90.0),
    "trait.lon": (-180.0, 180.0),
    **dict.fromkeys(("clock.hour", "trait.hour"), (0.0, 23.0)),
    **dict.fromkeys(("cart.count", "page.item_stock"), _FROM_0),
    **dict.fromkeys(("visitor.days_since_last", "visitor.days_since_first"), _FROM_0),
    "visitor.last_purchase_days": _FROM_0,
}
_FAMILIES: Mapping[str, tuple[float, float]] = {
    "visitor.affinity.": (0.0, 1.0),
    "visitor.count.": _FROM_0,
}


def bounds(name: str) -> tuple[float, float] | None:
    """(minimum, maximum) of a numeric fact; None when unknown."""
    family = next((known for begin, known in _FAMILIES.items() if name.startswith(begin)), None)
    return family or _BOUNDS.get(name)


def in_words(name: str) -> str:
    """The possible values in words, such as `0 to 1`; empty when any value is possible."""
    if name in SPELLINGS:
        return SPELLINGS[name].words
    limits = bounds(name)
    if limits is None:
        return ""
    low, high = limits
    return f"{low:g} or more" if high == math.inf else f"{low:g} to {high:g}"
