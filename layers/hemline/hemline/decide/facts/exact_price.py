"""Exact catalogue prices, for comparisons in a site file.

The edition's price column is float32, for the ranker: there 19.99 is 19.989999771, which is
neither equal to 19.99 nor at least 19.99. Pure.
"""

import math
from collections.abc import Iterable

import msgspec

from hemline.decide.facts.snapshot import Snapshot

_DECIMALS = 6
"""More than any currency has. Rounding removes binary error: 3 times 33.30 is slightly under 99.90."""


class _Priced(msgspec.Struct):
    price: float | None = None
    currency: str = ""


_decode = msgspec.json.Decoder(_Priced).decode


def price_of(snapshot: Snapshot, index: int) -> float | None:
    """The price in the site's currency; None for an item without a price or without a rate for it.

    A price in another currency is the edition's converted float32: a conversion has no exact cent.
    """
    stated = _decode(snapshot.cut("catalogue", index))
    if stated.price is None or stated.currency in {"", snapshot.header.currency}:
        return stated.price
    converted = float(snapshot.price[index])
    return None if math.isnan(converted) else converted


def total(snapshot: Snapshot, quantities: Iterable[tuple[int, int]]) -> float | None:
    """Total value of (item index, quantity) pairs in the site's currency. Items without a price count 0.

    None when an item's currency has no rate: a partial sum would be wrong.
    """
    held: dict[int, int] = {}
    for index, quantity in quantities:
        held[index] = held.get(index, 0) + quantity
    amounts: list[float] = []
    for index, quantity in held.items():
        price = price_of(snapshot, index)
        if price is not None:
            amounts.append(price * quantity)
        elif _decode(snapshot.cut("catalogue", index)).price is not None:
            return None
    return round(math.fsum(amounts), _DECIMALS)
