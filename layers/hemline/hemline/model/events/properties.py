"""Limits of a site's own `properties`, so that one event stays small and any JSON reader can read it.

Knows nothing of events: any JSON object can be checked.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from hemline.model.errors import BadInput


class PropertyLimits(msgspec.Struct, frozen=True):
    """Limits of one `properties` object."""

    text: int
    """Characters of one text."""
    size: int
    """Bytes of the whole as JSON."""
    depth: int = 4
    """Levels of nesting."""
    values: int = 200
    """Values at all levels together."""
    name: int = 64
    """Characters of a name."""


PROPERTY_LIMITS = PropertyLimits(text=1000, size=8192)
ITEM_LIMITS = PropertyLimits(text=8000, size=32_768)


def plain(field: str) -> str:
    """A field's name as printable ASCII of at most 200 characters: it may come from the caller."""
    return field.encode("ascii", "backslashreplace").decode()[:200]


def check_properties(properties: Mapping[str, Any], limits: PropertyLimits) -> None:
    """Raises BadInput naming the property that is too deep, too long or too large."""
    for count, (path, depth, value) in enumerate(_walk("properties", properties)):
        if depth > limits.depth:
            raise BadInput(path, "is nested too deeply.", f"Use at most {limits.depth} levels.")
        if count > limits.values:
            raise BadInput("properties", "holds too much.", f"Use at most {limits.values} values.")
        _check_value(path, value, limits)
    if len(msgspec.json.encode(properties)) > limits.size:
        raise BadInput("properties", "are too large.", f"Use at most {limits.size} bytes of JSON.")


def _check_value(path: str, value: object, limits: PropertyLimits) -> None:
    if isinstance(value, str) and len(value) > limits.text:
        raise BadInput(path, "is too long.", f"Use at most {limits.text} characters.")
    if isinstance(value, str) and any(c < " " and c not in "\t\n\r" for c in value):
        raise BadInput(path, "holds a control character.", "Remove it.")
    # Larger integers would not survive other JSON readers, nor our own. (bool is an int, and fits.)
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise BadInput(path, "is too large a number.", "Use 64-bit integers, or a string.")
    if isinstance(value, dict):
        bad = next((k for k in value if not 0 < len(k) <= limits.name or not k.isprintable()), None)
        if bad is not None:
            raise BadInput(
                path, "has a name that cannot be kept.", f"Use 1 to {limits.name} printable ones."
            )


def _walk(path: str, value: object, depth: int = 0) -> Iterator[tuple[str, int, object]]:
    """(path, depth, value) of every value, parents first, so that a check can stop before deep levels."""
    pending = [(path, depth, value)]
    while pending:
        path, depth, value = pending.pop()
        yield plain(path), depth, value
        if isinstance(value, dict):
            pending += [(f"{path}.{k}", depth + 1, v) for k, v in value.items()]
        elif isinstance(value, list):
            pending += [(f"{path}[{i}]", depth + 1, v) for i, v in enumerate(value)]
