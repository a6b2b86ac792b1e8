"""Items rendered once, at publish: JSON members and escaped HTML cards that serving only joins.

Pure. Catalogue text is untrusted and escaped here; no later step escapes it.
"""

import math
from collections.abc import Iterable, Sequence

import msgspec
import numpy as np

from hemline.decide.render.markup import escape
from hemline.decide.render.web import safe_url
from hemline.model.edition import Payload
from hemline.model.item import Item

_encode = msgspec.json.Encoder(order="deterministic").encode
_SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥", "INR": "₹"}
_WHOLE_UNITS = frozenset({"JPY", "KRW", "VND", "CLP", "ISK", "HUF"})
"""Currencies that shops show without decimals."""


def price_text(price: float, currency: str) -> str:
    """`€12.50`, `¥1,200`, `12.50 CHF`, `12.50`; of nothing `€0.00`, never `€-0.00`."""
    price += 0.0  # negative zero is equal to zero and is written otherwise
    number = f"{price:,.0f}" if currency in _WHOLE_UNITS else f"{price:,.2f}"
    symbol = _SYMBOLS.get(currency)
    return f"{symbol}{number}" if symbol else f"{number} {currency}".rstrip()


def json_members(item: Item) -> bytes:
    """`"id":…,"title":…,…` without braces, for a decision to add its own members to."""
    members: dict[str, object] = {"id": item.id, "title": item.title}
    members |= {"url": _link(item.url), "image": _link(item.image), "price": _price(item)}
    if item.currency:
        members["currency"] = item.currency
    # `<` is spelled so that the JSON may also stand inside a script element.
    return msgspec.json.encode(members)[1:-1].replace(b"<", b"\\u003c")


def html_card(item: Item) -> bytes:
    """One card: a link with picture, title and price; what is missing or unsafe is left out.

    It ends before `render.CARD_END`, so that a reason can be put inside.
    """
    url = _link(item.url)
    href = f' href="{escape(url)}"' if url else ""
    lead = f'<li class="hem-card" data-item="{escape(item.id)}"><a class="hem-card__link"{href}>'
    title = f'<span class="hem-card__title">{escape(item.title)}</span>'
    return (lead + _image_html(item) + title + _price_html(item)).encode()


def _image_html(item: Item) -> str:
    image = escape(_link(item.image))
    # The title is beside the image: an empty alt keeps screen readers from reading it twice.
    lead = '<img class="hem-card__image" alt="" loading="lazy" src='
    return f'{lead}"{image}">' if image else ""


def _price_html(item: Item) -> str:
    price = _price(item)
    if price is None:
        return ""
    text = escape(price_text(price, item.currency))
    return f'<data class="hem-card__price" value="{price!r}">{text}</data>'


def sections(items: Sequence[Item], *, currency: str = "") -> dict[str, Payload]:
    """cards_json, cards_html and catalogue, each with its offsets; `currency` where an item has none."""
    priced = [i if i.currency else msgspec.structs.replace(i, currency=currency) for i in items]
    return {
        **_cut("cards_json", map(json_members, priced)),
        **_cut("cards_html", map(html_card, priced)),
        **_cut("catalogue", map(_encode, items)),
    }


def _cut(name: str, parts: Iterable[bytes]) -> dict[str, Payload]:
    """Parts one after another, and u4 offsets [n+1] that cut them."""
    pieces = list(parts)
    at = np.zeros(len(pieces) + 1, np.uint32)
    np.cumsum([len(piece) for piece in pieces], out=at[1:], dtype=np.uint32)
    whole = b"".join(pieces)
    return {name: ("bytes", (len(whole),), whole), f"{name}_at": ("<u4", at.shape, at.tobytes())}


def _link(url: str) -> str:
    found = safe_url(url.strip().replace(" ", "%20"))
    return "" if found == "#" else found


def _price(item: Item) -> float | None:
    return item.price + 0.0 if item.price is not None and math.isfinite(item.price) else None
