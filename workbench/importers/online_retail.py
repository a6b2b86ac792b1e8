"""Reads UCI Online Retail, invoice lines of a gift shop, as a catalogue and purchases.

A line is kept if it has a customer, Quantity > 0, UnitPrice > 0, an invoice that is not a cancellation
(C…) and a StockCode of five digits and up to two letters. Other lines are left out and counted apart from
rejections.

| in the file | becomes |
|---|---|
| StockCode | `item`: its most frequent description, last UnitPrice, first sale; a category (below) |
| InvoiceNo | `purchase` with its lines, in pieces when it has more than a call may carry |
| CustomerID | the visitor (or user) |
| Country | the country trait, as ISO 3166-1 |

The data has no categories, so one is derived from the description. Words for colour, size, pattern and
packing are dropped and the rest made singular. The category is then the rightmost word that ends the
descriptions of 10 or more items, else `other`. `JUMBO BAG RED RETROSPOT` is a bag.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from math import inf

from hemline.model.errors import BadInput
from workbench.importers.countries import ISO_CODES
from workbench.importers.wire import Wire, WireEvents, encode

CURRENCY = "GBP"
_COLUMNS = (
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
)
_MOST_LINES = 500
_COMMON = 10
_STOCK_CODE = re.compile(r"\d{5}[A-Za-z]{0,2}")
_WORD = re.compile(r"[A-Z]{3,}")
_COLOURS = """RED BLUE PINK WHITE BLACK GREEN IVORY CREAM SILVER GOLD BROWN PURPLE TURQUOISE YELLOW
    ORANGE GREY AMETHYST CLEAR AMBER MINT LILAC TURQ NATURAL COLOUR MULTICOLOUR"""
_SIZES = "SMALL LARGE MEDIUM MINI JUMBO BIG TIER PCS PIECE PIECES ASSORTED SET"
_STYLES = """RETROSPOT POLKADOT SPOTTY SPOT SPOTS PAISLEY VINTAGE RETRO DESIGN DESIGNS PATTERN STRIPE
    STRIPES CHRISTMAS SKULL SKULLS DOLLY GIRL WOODLAND SUKI STRAWBERRY APPLES PARK LONDON PARIS ANTIQUE
    METAL LACE SPACEBOY BABUSHKA LOVE HOME ROSE"""
_SMALL_WORDS = "THE AND FOR WITH FROM OLD NEW"
_NO_HEADS = frozenset(f"{_COLOURS} {_SIZES} {_STYLES} {_SMALL_WORDS}".split())

_SoldLine = tuple[str, int, float]
"""Item, quantity, unit price."""


@dataclass
class _Product:
    titles: Counter[str] = field(default_factory=Counter)
    price: float = 0.0
    first: int = 0


@dataclass
class _Invoice:
    customer: str
    country: str
    time: int
    lines: list[_SoldLine] = field(default_factory=list)


class Sales:
    """The cleaned file in memory; 397,000 lines take about 60 MB."""

    def __init__(self) -> None:
        self.products: dict[str, _Product] = {}
        self.invoices: dict[str, _Invoice] = {}
        self.left_out = 0

    def add(self, row: Mapping[str, str]) -> None:
        """Add one row, unless the protocol leaves it out."""
        if not _counts(row):
            self.left_out += 1
            return
        time, price = _time(row["InvoiceDate"]), float(row["UnitPrice"])
        product = self.products.setdefault(row["StockCode"], _Product(first=time))
        product.titles[" ".join(row["Description"].split())] += 1
        product.price = price
        number = row["InvoiceNo"]
        if number not in self.invoices:
            customer = row["CustomerID"].removesuffix(".0")
            country = ISO_CODES.get(row["Country"], "")
            self.invoices[number] = _Invoice(customer, country, time)
        line = (row["StockCode"], int(float(row["Quantity"])), price)
        self.invoices[number].lines.append(line)


def checked(rows: Iterable[Mapping[str, str]]) -> Iterator[Mapping[str, str]]:
    """The rows, each with all columns. Raises BadInput when the file is not Online Retail."""
    for number, row in enumerate(rows):
        missing = [name for name in _COLUMNS if name not in row]
        if missing and not number:
            problem = f"has no column {missing[0]}."
            raise BadInput("FILE", problem, f"Online Retail has {', '.join(_COLUMNS)}.")
        # A short row ends in columns without a value.
        yield {name: row[name] or "" for name in _COLUMNS}


def read(rows: Iterable[Mapping[str, str]]) -> Sales:
    """Read the whole file: an item's name and price are known only at its end. Raises BadInput."""
    sales = Sales()
    for row in checked(rows):
        sales.add(row)
    return sales


def events(sales: Sales, *, who: str = "visitor") -> WireEvents:
    """The catalogue, then the purchases, oldest first."""
    made = [*_items(sales.products), *_purchases(sales.invoices, who)]
    return WireEvents([encode(event) for event in made], len(made))


def _counts(row: Mapping[str, str]) -> bool:
    try:
        positive = 0 < float(row["Quantity"]) < inf and 0 < float(row["UnitPrice"]) < inf
        _time(row["InvoiceDate"])
    except ValueError:
        return False
    known = bool(row["CustomerID"]) and not row["InvoiceNo"].startswith("C")
    return positive and known and bool(_STOCK_CODE.fullmatch(row["StockCode"]))


def _time(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def _items(products: Mapping[str, _Product]) -> Iterator[Wire]:
    # Of equally frequent descriptions the alphabetically first, so that row order does not matter.
    titles = {c: min(p.titles, key=lambda t: (-p.titles[t], t)) for c, p in products.items()}
    kinds = categories(titles)
    for code, product in products.items():
        properties: Wire = {"title": titles[code].capitalize(), "price": product.price}
        properties |= {"currency": CURRENCY, "categories": [kinds[code]]}
        properties["published_at"] = product.first
        head: Wire = {"id": f"item-{code}", "type": "item", "item": code, "time": product.first}
        yield head | {"properties": properties}


def _purchases(invoices: Mapping[str, _Invoice], who: str) -> Iterator[Wire]:
    for number, invoice in invoices.items():
        for piece, lines in enumerate(_pieces(invoice.lines)):
            event: Wire = {"id": f"invoice-{number}" + (f"-{piece}" if piece else "")}
            event |= {"type": "purchase", "time": invoice.time, who: invoice.customer}
            event |= {"country": invoice.country, "currency": CURRENCY}
            event["value"] = round(sum(count * price for _, count, price in lines), 2)
            event["lines"] = [{"item": i, "quantity": n, "price": p} for i, n, p in lines]
            yield event


def _pieces(lines: list[_SoldLine]) -> Iterator[list[_SoldLine]]:
    rest = iter(lines)
    while piece := list(islice(rest, _MOST_LINES)):
        yield piece


def categories(titles: Mapping[str, str]) -> dict[str, str]:
    """Item → the head noun of its description, or `other`; see the module's docstring."""
    words = {code: _words(title) for code, title in titles.items()}
    ends = Counter(found[-1] for found in words.values() if found)
    heads = {word for word, count in ends.items() if count >= _COMMON}
    return {
        code: next((word.lower() for word in reversed(found) if word in heads), "other")
        for code, found in words.items()
    }


def _words(title: str) -> list[str]:
    return [_singular(w) for w in _WORD.findall(title.upper()) if w not in _NO_HEADS]


def _singular(word: str) -> str:
    if word.endswith("IES"):
        return word[:-3] + "Y"
    if word.endswith(("SSES", "XES", "CHES", "SHES")):
        return word[:-2]
    return word[:-1] if word.endswith("S") and not word.endswith(("SS", "US")) else word
