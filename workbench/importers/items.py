"""A catalogue from CSV or JSON lines. Field names of shop exports are understood; `mapping` adds more.

| field | understood too | in CSV |
|---|---|---|
| id | sku, item_id, product_id | |
| title | name | |
| url | link, product_url | |
| image | image_link, image_url, picture | |
| price | sale_price, unit_price | `12.50`, `12.50 EUR` |
| categories | category, product_type, google_product_category | `Home > Lamps`, `lamps|desk` |
| tags | labels | `wool|winter` |
| stock | quantity, inventory | whole number |
| published_at | created_at, date | RFC 3339 or epoch milliseconds |
| kind, currency | | |

Categories: most general first. Everything else becomes an attribute. An event's id is of its item, its
content and its time (by default the file's own), so a second import of the same file changes nothing.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from hemline.model.item import Item
from workbench.importers.wire import Made, Unreadable, Wire, encode

OTHER_NAMES: dict[str, str] = {
    "sku": "id",
    "item_id": "id",
    "product_id": "id",
    "name": "title",
    "link": "url",
    "product_url": "url",
    "image_link": "image",
    "image_url": "image",
    "picture": "image",
    "sale_price": "price",
    "unit_price": "price",
    "category": "categories",
    "product_type": "categories",
    "google_product_category": "categories",
    "labels": "tags",
    "quantity": "stock",
    "inventory": "stock",
    "created_at": "published_at",
    "date": "published_at",
}
_SPLIT = re.compile(r"\s*[|>]\s*")
_PRICE = re.compile(r"([0-9]+(?:\.[0-9]+)?)(?:\s+([A-Z]{3}))?")


class Reading(NamedTuple):
    """How to read a catalogue: `mapping` is their name → ours, `time` epoch ms of what it says."""

    mapping: Mapping[str, str]
    time: int


def from_rows(rows: Iterable[Mapping[str, str]], reading: Reading) -> Iterator[Made]:
    """CSV: every value is text until its field says otherwise."""
    for number, row in enumerate(rows, start=2):
        yield _made({k: v for k, v in row.items() if k and v}, f"row {number}", reading)


def from_lines(lines: Iterable[bytes], reading: Reading) -> Iterator[Made]:
    """JSON lines: an object a line."""
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield _from_line(line, f"line {number}", reading)


def _from_line(line: bytes, where: str, reading: Reading) -> Made:
    try:
        fields = msgspec.json.decode(line, type=dict[str, object])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Unreadable(where, f"is no JSON object: {error}")
    return _made(fields, where, reading)


def _made(fields: Mapping[str, object], where: str, reading: Reading) -> Made:
    try:
        properties = _properties(fields, reading.mapping)
    except ValueError as error:
        return Unreadable(where, str(error))
    item = properties.pop("id", None)
    if item is None:
        return Unreadable(where, "has no id. Name its column: --map COLUMN=id")
    event: Wire = {"type": "item", "item": item, "time": reading.time, "properties": properties}
    return encode(event | {"id": f"item-{hashlib.sha256(encode(event)).hexdigest()[:32]}"})


def _properties(fields: Mapping[str, object], mapping: Mapping[str, str]) -> Wire:
    """Ours first, so that a second name of the same field does not overwrite the field itself."""
    found: Wire = {}
    attributes: Wire = {}
    for theirs, value in sorted(fields.items(), key=lambda pair: pair[0] not in FIELDS):
        name = mapping.get(theirs, OTHER_NAMES.get(theirs.lower(), theirs))
        if name == "attributes" and isinstance(value, dict):
            attributes |= value
        elif name in FIELDS:
            _put(found, name, value)
        elif value is not None:
            attributes[name] = value
    return found | ({"attributes": attributes} if attributes else {})


def _put(found: Wire, name: str, value: object) -> None:
    if name in found or value is None:
        return
    made = _MADE[name](value) if name in _MADE else value
    if isinstance(made, tuple):
        found[name], currency = made
        found.setdefault("currency", currency)
    else:
        found[name] = made


def _text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _list(value: object) -> object:
    return (
        [part for part in _SPLIT.split(value.strip()) if part] if isinstance(value, str) else value
    )


def _price(value: object) -> object:
    if not isinstance(value, str):
        return value
    found = _PRICE.fullmatch(value.strip())
    if not found:
        raise ValueError(f"price: {value[:40]!r} is no price such as 12.50 or 12.50 EUR")
    return (float(found[1]), found[2]) if found[2] else float(found[1])


def _whole(value: object) -> object:
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            raise ValueError(f"stock: {value[:40]!r} is no whole number") from None
    return value


def _moment(value: object) -> object:
    if not isinstance(value, str):
        return value
    if value.isascii() and value.isdigit():
        return int(value)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError(f"published_at: {value[:40]!r} is no RFC 3339 time") from None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(aware.timestamp() * 1000)


FIELDS = frozenset(Item.__struct_fields__) - {"attributes"}
"""Ours; `attributes` takes all the others."""
_MADE: dict[str, Callable[[object], object]] = {
    "id": _text,
    "categories": _list,
    "tags": _list,
    "price": _price,
    "stock": _whole,
    "published_at": _moment,
}
