"""Converts prices to the site's currency, in which all prices are compared and added up.

Rates come from the site file, never from outside.
"""

import math
from collections.abc import Iterable, Mapping

import msgspec

from hemline.model.ids import CURRENCY_PATTERN, is_currency
from hemline.model.item import Item

__all__ = ["CURRENCY_PATTERN", "Money", "is_currency"]

UNKNOWN = math.nan
"""The price of an item whose currency has no rate: it cannot be compared."""


class Money(msgspec.Struct, frozen=True, omit_defaults=True):
    """A site's currency and rates. Without a currency, prices are used as they are."""

    currency: str = ""
    rates: dict[str, float] = {}
    """Currency → what one unit of it is worth in the site's."""

    def rate(self, currency: str) -> float | None:
        """The rate of `currency` (empty: the site's own); None when there is none."""
        if not currency or not self.currency or currency == self.currency:
            return 1.0
        return self.rates.get(currency)

    def price(self, item: Item) -> float | None:
        """The item's price in the site's currency; None without a price, UNKNOWN without a rate."""
        if item.price is None:
            return None
        rate = self.rate(item.currency)
        return UNKNOWN if rate is None else item.price * rate

    def compared(self, items: Iterable[Item]) -> list[Item]:
        """The items with prices converted for comparison; shown prices keep their own currency."""
        return [
            item
            if item.price is None or self.rate(item.currency) == 1
            else msgspec.structs.replace(item, price=self.price(item), currency=self.currency)
            for item in items
        ]

    def without_rate(self, items: Iterable[Item]) -> Mapping[str, list[str]]:
        """Currency without a rate → ids of the items priced in it."""
        found: dict[str, list[str]] = {}
        for item in items:
            if item.price is not None and self.rate(item.currency) is None:
                found.setdefault(item.currency, []).append(item.id)
        return dict(sorted(found.items()))
