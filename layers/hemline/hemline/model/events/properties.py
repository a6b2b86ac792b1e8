"""How much a site's own `properties` may hold, so that one event stays small and can be kept by any reader.

Knows nothing of events: any JSON object can be checked.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from hemline.model.errors import BadInput


class PropertyLimits(msgspec.Struct, frozen=True):
    """How much `properties` may hold; characters, levels and values."""

    text: int
    size: int
    depth: int = 4
    values: int = 200
    name: int = 64


PROPERTY_LIMITS = PropertyLimits(text=1000, size=8192)
ITEM_LIMITS = PropertyLimits(text=8000, size=32_768)


def plain(field: str) -> str:
    """A field's name may come from the caller: printable ASCII only in what we send back."""
    return field.encode("ascii", "backslashreplace").decode()[:200]


def check_properties(properties: Mapping[str, Any], limits: PropertyLimits) -> None:
    """Raises BadInput that names the property which is too deep, too long or too large."""
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
    # bool is an int; both fit. Larger integers would not survive other JSON readers, nor our own.
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise BadInput(path, "is too large a number.", "Use 64-bit integers, or a string.")
    if isinstance(value, dict):
        bad = next((k for k in value if not 0 < len(k) <= limits.name or not k.isprintable()), None)
        if bad is not None:
            raise BadInput(
                path, "has a name that cannot be kept.", f"Use 1 to {limits.name} printable ones."
            )


def _walk(path: str, value: object, depth: int = 0) -> Iterator[tuple[str, int, object]]:
    """Every value with its path, parents first, so that a check may stop before the depths."""
    pending = [(path, depth, value)]
    while pending:
        path, depth, value = pending.pop()
        yield plain(path), depth, value
        if isinstance(value, dict):
            pending += [(f"{path}.{k}", depth + 1, v) for k, v in value.items()]
        elif isinstance(value, list):
            pending += [(f"{path}[{i}]", depth + 1, v) for i, v in enumerate(value)]
