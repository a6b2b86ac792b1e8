"""Reads a catalogue from CSV or JSON lines. Knows field names of shop exports; `mapping` adds more.

| field | other names | in CSV |
|---|---|---|
| id | sku, item_id, product_id | |
| title | name | |
| url | link, product_url | |
| image | image_link, image_url, picture | |
| price | sale_price, unit_price | `12.50`, `12.50 EUR`; `12,50` where semicolons separate cells |
| categories | category, product_type, google_product_category | `Home > Lamps`, `lamps|desk` |
| tags | labels | `wool|winter` |
| stock | quantity, inventory | whole number |
| published_at | created_at, date | RFC 3339 or epoch milliseconds |
| kind, currency | | |

Column names may have capitals and spaces. Categories: most general first. Every other column becomes an
attribute; if all its values are numbers, they are imported as numbers.

The last row of an item counts, and of two imports the later one. An event's time is that of the import,
and its id begins with that time and the row's line. So the events carry their order, and the fold does
not depend on the order of arrival.
"""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from workbench.importers.cells import CONVERTERS, FIELDS, number_of, numeric
from workbench.importers.json_lines import decode
from workbench.importers.reading import FileSource
from workbench.importers.report import CATALOGUE
from workbench.importers.table import Row, Table, plain_name
from workbench.importers.wire import Placed, ReadEvent, Unreadable, Wire, encode

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


class CatalogueReading:
    """The names, time and already met items of one import."""

    def __init__(self, mapping: Mapping[str, str], time: int, known: Collection[str] = ()) -> None:
        """`mapping`: their name → ours; `time`: of the import, epoch ms; `known`: ids that are live."""
        self.names = OTHER_NAMES | {name: name for name in FIELDS}
        self.names |= {plain_name(theirs): ours for theirs, ours in mapping.items()}
        self.time, self._known = time, known
        self._met: dict[object, str] = {}

    def ours(self, theirs: str) -> str:
        """The item field for a column; an attribute keeps its own name."""
        return self.names.get(plain_name(theirs), theirs.strip())

    def replaced(self, item: object, where: str) -> str:
        """Where the same item was read before, or empty. Remembers `where` for the next call."""
        before = self._met.get(item, CATALOGUE if item in self._known else "")
        self._met[item] = where
        return before


def read(source: FileSource, reading: CatalogueReading, delimiter: str = "") -> Iterator[ReadEvent]:
    """Read a table or JSON lines, by the file's name. With a delimiter it is always a table."""
    if source.is_table or delimiter:
        return from_table(source.table(delimiter), reading)
    return from_lines(source.lines(), reading)


class _Row(NamedTuple):
    line: int
    fields: Mapping[str, object]
    commas: bool = False
    """Commas are decimal: 12,50 is a number."""

    @property
    def where(self) -> str:
        return f"line {self.line}"


def from_table(table: Table, reading: CatalogueReading) -> Iterator[ReadEvent]:
    """Read CSV. A value is text, unless its field converts it or its whole column is numeric."""
    commas = table.has_decimal_commas
    numbers = _numbers(table, reading)
    for row in table.rows():
        if isinstance(row, Unreadable):
            yield row
            continue
        cells = {name: cell.strip() for name, cell in row.cells.items() if cell.strip()}
        fields = {
            name: number_of(cell, commas=commas) if name in numbers else cell
            for name, cell in cells.items()
        }
        yield _made(_Row(row.line, fields, commas), reading)


def _numbers(table: Table, reading: CatalogueReading) -> set[str]:
    """Attribute columns in which every value is a number. Reads the table once for that."""
    found = {name for name in table.columns if name and reading.ours(name) not in FIELDS}
    left = {name for name in found if numeric(name, "0", commas=False)}
    met: set[str] = set()
    for row in table.rows():
        if not left:
            break
        if isinstance(row, Row):
            cells = {name: row.cells[name].strip() for name in left}
            met |= {name for name, cell in cells.items() if cell}
            commas = table.has_decimal_commas
            left = {n for n, cell in cells.items() if not cell or numeric(n, cell, commas=commas)}
    return left & met


def from_lines(lines: Iterable[bytes], reading: CatalogueReading) -> Iterator[ReadEvent]:
    """Read JSON lines, one object a line."""
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                fields = decode(line)
            except ValueError as error:
                yield Unreadable(f"line {number}", str(error))
            else:
                yield _made(_Row(number, fields), reading)


def _made(row: _Row, reading: CatalogueReading) -> ReadEvent:
    try:
        properties = _properties(row, reading)
    except ValueError as error:
        return Unreadable(row.where, str(error))
    item = properties.pop("id", None)
    if item is None:
        return Unreadable(row.where, "has no id. Name its column: --map COLUMN=id")
    event: Wire = {"type": "item", "item": item, "time": reading.time, "properties": properties}
    content = hashlib.sha256(encode(event)).hexdigest()[:16]
    event["id"] = f"item-{reading.time:013}-{row.line:09}-{content}"
    return Placed(encode(event), row.where, reading.replaced(item, row.where))


def _properties(row: _Row, reading: CatalogueReading) -> Wire:
    """Item properties. A field's own name goes first, so that another name does not overwrite it."""
    found: Wire = {}
    attributes: Wire = {}
    _check_names(row.fields)
    ordered = sorted(row.fields.items(), key=lambda pair: plain_name(pair[0]) not in FIELDS)
    for theirs, value in ordered:
        name = reading.ours(theirs)
        if plain_name(theirs) == "attributes" and isinstance(value, dict):
            attributes |= value
        elif name in FIELDS:
            _put(found, name, value, commas=row.commas)
        elif value is not None:
            attributes[name] = value
    return found | ({"attributes": attributes} if attributes else {})


def _check_names(fields: Mapping[str, object]) -> None:
    met: dict[str, str] = {}
    for name in fields:
        other = met.setdefault(plain_name(name), name)
        if other != name:
            raise ValueError(f"has both {other[:64]!r} and {name[:64]!r}: keep one of them")


def _put(found: Wire, name: str, value: object, *, commas: bool) -> None:
    if name in found or value is None:
        return
    made = CONVERTERS[name](value, commas) if name in CONVERTERS else value
    if isinstance(made, tuple):
        found[name], currency = made
        found.setdefault("currency", currency)
    else:
        found[name] = made
