"""JSON from callers, where decoders disagree: duplicate keys are refused, `16.0` is a whole number.

msgspec, pydantic and the standard library silently keep the last of two equal keys, though nobody knows
which was meant. A whole number with a point is an integer in JSON Schema and a float to msgspec. Knows
no schema.
"""

import json
import math
from collections.abc import Iterable
from typing import Any

import msgspec

from hemline.model.errors import BadInput

_EXACT = 2**53
"""From here on a float cannot represent every whole number."""


class DuplicateKey(ValueError):  # noqa: N818 - names the finding, as `model.errors` does
    """An object has `key` twice."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


class DuplicatedObject(dict[str, Any]):
    """An object that had `key` twice, as `mark_duplicates` reads it."""

    key = ""


def first_duplicate(names: Iterable[str]) -> str | None:
    """The first name that occurs a second time."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


def reject_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An `object_pairs_hook` for the standard library's readers. Raises DuplicateKey."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise DuplicateKey(first_duplicate(name for name, _ in pairs) or "")
    return found


def mark_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An `object_pairs_hook` that returns a DuplicatedObject instead of raising."""
    found = dict(pairs)
    if len(found) < len(pairs):
        found = DuplicatedObject(found)
        found.key = first_duplicate(name for name, _ in pairs) or ""
    return found


def duplicate_key_error(path: str) -> BadInput:
    """The error for a duplicate key. `path` holds the caller's names: it is escaped and cut."""
    field = path.encode("ascii", "backslashreplace").decode()[:200]
    return BadInput(field or '""', "occurs twice in one object.", "Send it once.")


# Only keys matter: numbers stay texts, since Python refuses integers of too many digits.
_reader = json.JSONDecoder(object_pairs_hook=reject_duplicates, parse_int=str, parse_float=str)


def duplicate_key(data: bytes) -> BadInput | None:
    """The error for the first duplicate key; None without one, and for text that is no JSON."""
    try:
        _reader.decode(data.decode())
    except DuplicateKey as found:
        return duplicate_key_error(found.key)
    except (ValueError, RecursionError):
        return None  # the decoder that runs next reports it
    return None


def check_keys(data: bytes) -> None:
    """Raises BadInput when an object has a key twice."""
    found = duplicate_key(data)
    if found:
        raise found


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no JSON")


def _finite(text: str) -> float:
    found = float(text)
    return found if math.isfinite(found) else _no_number(text)


_exact = json.JSONDecoder(
    object_pairs_hook=reject_duplicates, parse_float=_finite, parse_constant=_no_number
)


def with_whole_numbers(data: bytes) -> bytes | None:
    """The same JSON with `16` in place of `16.0`; None when it cannot be read."""
    try:
        return msgspec.json.encode(whole(_exact.decode(data.decode())))
    except (ValueError, OverflowError, RecursionError):
        return None


def whole(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """The value with each whole-number float as an int, at any depth."""
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < _EXACT else value
    if isinstance(value, dict):
        return {name: whole(part) for name, part in value.items()}
    if isinstance(value, list):
        return [whole(part) for part in value]
    return value


def is_a_float(error: msgspec.ValidationError) -> bool:
    """Whether the error is a float where an integer is expected."""
    return "`int" in str(error) and "got `float`" in str(error)
