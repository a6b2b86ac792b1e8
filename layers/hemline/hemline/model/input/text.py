"""One normal form of texts (NFC, trimmed), applied to all input: equal texts are equal bytes.

The same name typed on two systems can differ in bytes (`é` as one character, or as `e` and an accent):
without a normal form that is two categories, and a rule matches only one of them.
"""

from typing import TypeVar

Value = TypeVar("Value")


def composed(text: str) -> str:
    """The text in Unicode's composed form (NFC); blanks are kept."""
    if text.isascii():
        return text
    from unicodedata import is_normalized, normalize  # noqa: PLC0415 - most texts are ASCII, and start-up is shorter without it

    return text if is_normalized("NFC", text) else normalize("NFC", text)


def normal(text: str) -> str:
    """A name or a title: composed, without blanks around it."""
    return composed(text).strip()


def names(values: tuple[str, ...]) -> tuple[str, ...]:
    """Each name once in its normal form, the empty ones left out, order kept."""
    return tuple(name for name in dict.fromkeys(map(normal, values)) if name)


def without_bom(body: bytes) -> bytes:
    """A body without the byte order mark that some editors write; JSON does not allow one."""
    return body.removeprefix(b"\xef\xbb\xbf")


def normal_value(value: Value) -> Value | str:
    """`normal` for a text, any other value unchanged."""
    return normal(value) if isinstance(value, str) else value
