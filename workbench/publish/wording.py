"""Describes differences between two site files in the file's own words: no codes, no milliseconds."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

_MOST = 60
_NAMES = {"since": "from", "time": "time_zone"}


def name_of(field: str) -> str:
    """The name of the field in the site file."""
    return _NAMES.get(field, field)


def describe_field(field: str, value: object) -> str:
    """The field's value as text, shortened when it is long."""
    text = _SPECIAL.get(field, describe_value)(value)
    return text if len(text) <= _MOST else f"{text[: _MOST - 1]}…"


def describe_value(value: object) -> str:
    """Any value of a site file as text; an empty mapping means that only defaults apply."""
    if value is None or value in ([], ()):
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, dict):
        return _mapping(value)
    if isinstance(value, list | tuple):
        return ", ".join(map(describe_value, value))
    return str(value) or "none"


def _mapping(value: Mapping[str, object]) -> str:
    if "is" in value:
        return _condition(value)
    pairs = (f"{name_of(name)}: {describe_field(name, one)}" for name, one in value.items())
    return f"{{{', '.join(pairs)}}}" if value else "the defaults"


def _condition(value: Mapping[str, object]) -> str:
    kind, inner = value["is"], value.get("of")
    if kind == "not":
        return f"not ({describe_value(inner)})"
    if isinstance(inner, list | tuple):
        return f"{kind} ({', '.join(map(describe_value, inner))})"
    return f"{value.get('fact')} {value.get('op', 'eq')} {describe_value(value.get('value'))}"


def _moment(value: object) -> str:
    if not isinstance(value, int):
        return describe_value(value)
    return datetime.fromtimestamp(value / 1000, UTC).strftime("%Y-%m-%d %H:%MZ")


def _zone(value: object) -> str:
    if not isinstance(value, dict):
        return describe_value(value)
    south = ", southern hemisphere" if value.get("hemisphere") == "south" else ""
    return f"{value.get('zone', 'UTC')}{south}"


_SPECIAL: Mapping[str, Callable[[object], str]] = {
    "since": _moment,
    "until": _moment,
    "time": _zone,
}
