"""Texts that mean the same are the same bytes: one normal form, put on at every door.

A name that is typed on one system and exported from another can differ in bytes alone (`é` as one
character, or as `e` with an accent after it): two categories, and a rule that matches one of them.
"""

from typing import TypeVar

Value = TypeVar("Value")


def composed(text: str) -> str:
    """The text in Unicode's composed form (NFC); blanks stay."""
    if text.isascii():
        return text
    from unicodedata import is_normalized, normalize  # noqa: PLC0415 - a start needs no tables for it

    return text if is_normalized("NFC", text) else normalize("NFC", text)


def normal(text: str) -> str:
    """A name or a title: composed, without blanks around it."""
    return composed(text).strip()


def names(values: tuple[str, ...]) -> tuple[str, ...]:
    """Each name once in its normal form, the empty ones left out, order kept."""
    return tuple(name for name in dict.fromkeys(map(normal, values)) if name)


def without_bom(body: bytes) -> bytes:
    """A body without the byte order mark that some editors put before UTF-8; JSON has none."""
    return body.removeprefix(b"\xef\xbb\xbf")


def normal_value(value: Value) -> Value | str:
    """The same for a value that may be no text."""
    return normal(value) if isinstance(value, str) else value
