"""Prices as the catalogue states them, for what a site file compares them with.

The edition's column of prices is float32, as a ranker wants it: there 19.99 is 19.989999771, which is
neither equal to 19.99 nor at least 19.99. Pure.
"""

import math
from collections.abc import Iterable

import msgspec

from hemline.decide.snapshot import Snapshot

_DECIMALS = 6
"""More than any currency has; below is how binary fractions add up: 3 times 33.30 is under 99.90."""


class _Priced(msgspec.Struct):
    price: float | None = None
    currency: str = ""


_decode = msgspec.json.Decoder(_Priced).decode


def price_of(snapshot: Snapshot, index: int) -> float | None:
    """In the site's currency; None for an item without a price.

    One in another currency is what the edition made of it, which has no last cent to be kept.
    """
    stated = _decode(snapshot.cut("catalogue", index))
    if stated.price is None or stated.currency in {"", snapshot.header.currency}:
        return stated.price
    converted = float(snapshot.price[index])
    return None if math.isnan(converted) else converted


def total(snapshot: Snapshot, quantities: Iterable[tuple[int, int]]) -> float:
    """The worth of (item index, quantity), without what has no price."""
    held: dict[int, int] = {}
    for index, quantity in quantities:
        held[index] = held.get(index, 0) + quantity
    priced = ((price_of(snapshot, index), quantity) for index, quantity in held.items())
    return round(math.fsum(price * n for price, n in priced if price is not None), _DECIMALS)
