"""JSON that strangers send, where our decoders and the rest of the world read it differently.

One key twice in an object: two statements, of which msgspec, pydantic and the standard library all keep
the last one in silence. Nobody's is taken. A whole number with a point, `16.0`: an integer to JSON, and
to JSON Schema, and a float to msgspec. It is taken. Knows no schema.
"""

import json
import math
from collections.abc import Iterable
from typing import Any

import msgspec

from hemline.model.errors import BadInput

_EXACT = 2**53
"""From here on a float no longer tells one whole number from the next."""


class DuplicateKey(ValueError):  # noqa: N818 - named for what it says, as the errors are
    """An object that holds `key` twice."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


class DuplicatedObject(dict[str, Any]):
    """An object that held `key` twice, of `telling`."""

    key = ""


def first_duplicate(names: Iterable[str]) -> str | None:
    """The first name that comes again."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


def reject_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An `object_pairs_hook` for the standard library's readers. Raises Doubled."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise DuplicateKey(first_duplicate(name for name, _ in pairs) or "")
    return found


def mark_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An `object_pairs_hook` that goes on reading, and marks the object: a Twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        found = DuplicatedObject(found)
        found.key = first_duplicate(name for name, _ in pairs) or ""
    return found


def duplicate_key_error(path: str) -> BadInput:
    """The one refusal. The path holds the caller's own names: printable, and not at length."""
    field = path.encode("ascii", "backslashreplace").decode()[:200]
    return BadInput(field or '""', "stands twice in one object.", "Send it once.")


# Only keys matter: numbers stay the texts that they are, however many digits they have.
_reader = json.JSONDecoder(object_pairs_hook=reject_duplicates, parse_int=str, parse_float=str)


def duplicate_key(data: bytes) -> BadInput | None:
    """What to say of the first key that stands twice in one object; None also for what is no JSON."""
    try:
        _reader.decode(data.decode())
    except DuplicateKey as found:
        return duplicate_key_error(found.key)
    except (ValueError, RecursionError):
        return None  # whoever decodes it says what is wrong with it
    return None


def check_keys(data: bytes) -> None:
    """Raises BadInput when a key stands twice in one object."""
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
    """The same JSON with `16` where it says `16.0`; None when that cannot be said of it."""
    try:
        return msgspec.json.encode(whole(_exact.decode(data.decode())))
    except (ValueError, OverflowError, RecursionError):
        return None


def whole(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """The value with an int for each float that is a whole number, at any depth."""
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < _EXACT else value
    if isinstance(value, dict):
        return {name: whole(part) for name, part in value.items()}
    if isinstance(value, list):
        return [whole(part) for part in value]
    return value


def is_a_float(error: msgspec.ValidationError) -> bool:
    """Whether it is about a number with a point where a whole one belongs."""
    return "`int" in str(error) and "got `float`" in str(error)
