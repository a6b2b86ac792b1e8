"""Prices as the catalogue states them, for what a site file compares them with.

The edition's column of prices is float32, as a ranker wants it: there 19.99 is 19.989999771, which is
neither equal to 19.99 nor at least 19.99. Pure.
"""

import math
from collections.abc import Iterable

import msgspec

from hemline.decide.facts.snapshot import Snapshot

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


def total(snapshot: Snapshot, quantities: Iterable[tuple[int, int]]) -> float | None:
    """The worth of (item index, quantity), in the site's currency, without what has no price.

    None when an item has a price whose currency has no rate: a part of a sum is no sum.
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
