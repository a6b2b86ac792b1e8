"""The normal form of an item's properties, and the checks of a new item.

The normal form applies whenever an item is read, from the archive too, so that items accepted earlier look
like today's. `check_new` is separate: a check that was added later must not remove items from the
catalogue.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from hemline.model.errors import BadInput
from hemline.model.ids import is_currency
from hemline.model.input.text import composed, names, normal, normal_value
from hemline.model.input.times import WAY_OUT, check_time
from hemline.model.item import Item

CURRENCY_WAY_OUT = "Use three capital letters, such as EUR."
MOST_PRICE = 1e12
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_AWARE = "properties.published_at"


def readable(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The properties with an RFC 3339 `published_at` as epoch ms. Raises BadInput when it is not one."""
    stated = properties.get("published_at")
    if not isinstance(stated, str):
        return dict(properties)
    try:
        moment = datetime.fromisoformat(stated)
    except ValueError:
        raise BadInput(_AWARE, "is no RFC 3339 time.", WAY_OUT) from None
    if moment.tzinfo is None:
        raise BadInput(_AWARE, "has no offset from UTC.", WAY_OUT)
    return {**properties, "published_at": (moment - _EPOCH) // timedelta(milliseconds=1)}


def normal_item(item: Item) -> Item:
    """Texts in one Unicode form, names without duplicates, the currency code in capitals."""
    code = item.currency.strip().upper()
    return replace(
        item,
        kind=normal(item.kind),
        title=normal(item.title),
        categories=names(item.categories),
        tags=names(item.tags),
        currency=code if is_currency(code) else item.currency,
        attributes={composed(k): normal_value(v) for k, v in item.attributes.items()},
    )


def check_form(item: Item) -> None:
    """Raises BadInput for what no page may show, however old the item is."""
    for name in ("url", "image"):
        if not _is_link(getattr(item, name)):
            way_out = "Use https://…, http://… or a path that starts with one slash."
            raise BadInput(f"properties.{name}", "is not a link that a page may carry.", way_out)
    if item.price is not None and not 0 <= item.price <= MOST_PRICE:
        raise BadInput("properties.price", "is out of range.", "Use a number from 0 to 1e12.")


def check_new(properties: Mapping[str, Any]) -> None:
    """The checks that collect alone makes. Raises BadInput naming the property."""
    currency, published = properties.get("currency"), properties.get("published_at")
    if isinstance(currency, str) and currency and not is_currency(currency):
        raise BadInput("properties.currency", "is no currency's code.", CURRENCY_WAY_OUT)
    # Only a number can be in the wrong unit: RFC 3339 text is unambiguous.
    if isinstance(published, int):
        check_time("properties.published_at", published)


def _is_link(text: str) -> bool:
    if any(c <= " " for c in text):
        return False
    relative = text.startswith("/") and not text.startswith(("//", "/\\"))
    return not text or relative or text.lower().startswith(("https://", "http://"))
