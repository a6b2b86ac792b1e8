"""Converts cells of a catalogue to values of item fields. Raises ValueError with a text for people."""

import re
from collections.abc import Callable
from datetime import UTC, datetime

from hemline.model.input.times import WAY_OUT, implausible
from hemline.model.item import Item
from workbench.importers.wire import moment

FIELDS = frozenset(Item.__struct_fields__) - {"attributes"}
"""Fields of an item; every other column becomes an attribute."""

_CATEGORIES, _TAGS = re.compile(r"\s*[|>]\s*"), re.compile(r"\s*\|\s*")
_POINT = re.compile(r"([0-9]+(?:\.[0-9]+)?)(?:\s+([A-Z]{3}))?")
_COMMA = re.compile(r"((?:[0-9]{1,3}(?:\.[0-9]{3})+|[0-9]+)(?:,[0-9]+)?)(?:\s+([A-Z]{3}))?")
_HAS_COMMA = re.compile(r"[0-9.]*,[0-9]+(?:\s+[A-Z]{3})?")
_THOUSANDS = re.compile(r"[0-9]{1,3}\.[0-9]{3}")
"""`1.234`: a thousand or a fraction. Where commas are decimal, it is ambiguous."""
_WHOLE = re.compile(r"(-?[0-9]+)(?:\.0+)?")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
_DIGITS = 15
"""Most digits that a double holds exactly."""
_CODES = re.compile(r"(?:.*_)?(?:id|gtin[0-9]*|ean|upc|isbn|mpn|asin|sku|code|zip|postcode|phone)")
"""Columns whose digits are an identifier, not a number."""


def numeric(name: str, cell: str, *, commas: bool) -> bool:
    """Whether a cell of that column is a number. `007` is not, and neither is an article code."""
    if _CODES.fullmatch(name.strip().casefold().replace(" ", "_")):
        return False
    text = cell.replace(",", ".") if commas and "." not in cell else cell
    if commas and _THOUSANDS.fullmatch(cell):
        return False
    return bool(_NUMBER.fullmatch(text)) and sum(c.isdigit() for c in text) <= _DIGITS


def number_of(cell: str, *, commas: bool) -> float:
    """The number in a numeric cell."""
    text = cell.replace(",", ".") if commas else cell
    return float(text) if "." in text else int(text)


def _text(value: object, _commas: bool) -> object:  # noqa: FBT001 - one of the table below
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _split(pattern: re.Pattern[str]) -> Callable[[object, bool], object]:
    def made(value: object, _commas: bool) -> object:  # noqa: FBT001 - one of the table below
        if not isinstance(value, str):
            return value
        return [part for part in pattern.split(value.strip()) if part]

    return made


def _price(value: object, commas: bool) -> object:  # noqa: FBT001 - one of the table below
    if not isinstance(value, str):
        return value
    text = value.strip()
    found = _POINT.fullmatch(text)
    if commas and found and _THOUSANDS.fullmatch(found[1]):
        raise ValueError(
            f"price: {value[:40]!r} may be a thousand or one: write it with a decimal comma"
        )
    if commas and not found and (found := _COMMA.fullmatch(text)):
        return _priced(found[1].replace(".", "").replace(",", "."), found[2])
    if found:
        return _priced(found[1], found[2])
    if not commas and _HAS_COMMA.fullmatch(text):
        way_out = "write 12.50, or separate the cells by semicolons, where commas are decimal"
        raise ValueError(f"price: {value[:40]!r} has a decimal comma: {way_out}")
    raise ValueError(f"price: {value[:40]!r} is no price such as 12.50 or 12.50 EUR")


def _priced(number: str, currency: str | None) -> object:
    return (float(number), currency) if currency else float(number)


def _whole(value: object, _commas: bool) -> object:  # noqa: FBT001 - one of the table below
    if isinstance(value, str):
        found = _WHOLE.fullmatch(value.strip())
        if not found:
            raise ValueError(f"stock: {value[:40]!r} is no whole number")
        return int(found[1])
    return value


def _moment(value: object, _commas: bool) -> object:  # noqa: FBT001 - one of the table below
    if not isinstance(value, str):
        return value
    text = value.strip()
    if _NUMBER.fullmatch(text):
        wrong = implausible(float(text)) or ("" if "." not in text else "has a fraction")
        if wrong:
            raise ValueError(f"published_at: {value[:40]!r} {wrong}. {WAY_OUT}")
        return int(text)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"published_at: {value[:40]!r} is no RFC 3339 time. {WAY_OUT}") from None
    aware = found if found.tzinfo else found.replace(tzinfo=UTC)
    return moment(int(aware.timestamp() * 1000))


CONVERTERS: dict[str, Callable[[object, bool], object]] = {
    "id": _text,
    "categories": _split(_CATEGORIES),
    "tags": _split(_TAGS),
    "price": _price,
    "stock": _whole,
    "published_at": _moment,
}
"""Field → its converter, called with a value and whether commas are decimal."""
