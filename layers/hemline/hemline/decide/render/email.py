"""A decision for an email: a table with inline styles and absolute links, and the same as plain text.

Mail clients support no style sheets, base address or script. Catalogue text is escaped in the HTML.
Plain text has no escape, so characters that could form a tag are replaced.
"""

from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import quote, urljoin, urlsplit

from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.render.cards import price_text
from hemline.decide.render.markup import escape
from hemline.decide.render.reasons import item_of
from hemline.decide.render.web import safe_url
from hemline.model.item import Item
from hemline.model.site.slot import Slot, Variant

_FONT = "font-family:Arial,Helvetica,sans-serif;"
_TABLE = '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0">'
_TITLE = f"{_FONT}font-size:20px;line-height:28px;color:#1a1a1a;padding:0 0 12px 0;"
_CELL = f"{_FONT}font-size:16px;line-height:24px;color:#1a1a1a;padding:0 0 16px 0;"
_PICTURE = "display:block;border:0;width:96px;height:auto;"
_LINK = "color:#1a1a1a;text-decoration:underline;"
_SMALL = "font-size:14px;line-height:20px;color:#555555;"
_WIDE = "display:block;border:0;width:100%;max-width:600px;height:auto;"
_TEXT_OF = str.maketrans({"<": "\u2039", ">": "\u203a"})
"""`<` and `>` → single angle quotation marks: the text looks alike and holds no tag."""
_IN_A_URL = "/:?#[]@!$&()*+,;=%~-._"


class Mail(NamedTuple):
    """The two bodies of a message's part."""

    html: bytes
    text: bytes


NOTHING = Mail(b"", b"")


def items(snapshot: Snapshot, slot: Slot, shown: Sequence[int], reasons: Sequence[str]) -> Mail:
    """One row an item; nothing at all when there is nothing to show."""
    if not shown:
        return NOTHING
    header = snapshot.header
    known = [item_of(snapshot, index) for index in shown]
    rows = [
        _row(item, reason, header.base_url, header.currency)
        for item, reason in zip(known, reasons, strict=True)
    ]
    lines = [
        _lines(item, reason, header.base_url, header.currency)
        for item, reason in zip(known, reasons, strict=True)
    ]
    title = [f'<tr><td colspan="2" style="{_TITLE}">{escape(slot.title)}</td></tr>']
    head = [plain(slot.title)] if slot.title else []
    return _mail([*(title if slot.title else []), *rows], [*head, *lines])


def variant(chosen: Variant | None, base_url: str) -> Mail:
    """Picture, headline, text and link of a content slot or an alert."""
    if chosen is None:
        return NOTHING
    fields = {name: chosen.fields.get(name, "") for name in ("headline", "text", "cta", "alt")}
    url, image = (absolute(chosen.fields.get(name, ""), base_url) for name in ("url", "image"))
    parts = [
        _picture(image, fields["alt"], _WIDE, "600"),
        _spaced(fields["headline"], _TITLE),
        _spaced(fields["text"], _CELL),
        _spaced(fields["cta"], _CELL, url) if url and fields["cta"] else "",
    ]
    rows = [f"<tr><td>{part}</td></tr>" for part in parts if part]
    link = f"{plain(fields['cta'])}: {url}" if url and fields["cta"] else ""
    said = [plain(fields["headline"]), plain(fields["text"]), link]
    return _mail(rows, [line for line in said if line])


def sections(names: Sequence[str]) -> Mail:
    """The order as plain text only: the sender arranges the email."""
    return Mail(b"", "\n".join(map(plain, names)).encode())


def absolute(url: str, base_url: str) -> str:
    """An absolute http(s) address; empty when the URL is unsafe or cannot be made absolute."""
    cleaned = safe_url(url)
    if not url or cleaned == "#":
        return ""
    joined = urljoin(base_url, cleaned) if base_url else cleaned
    try:
        parts = urlsplit(joined)
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        return ""
    return quote(joined, safe=_IN_A_URL)


def plain(text: str) -> str:
    """One line without control characters and without anything that reads as a tag."""
    shown = "".join(c if c.isprintable() else " " for c in text.translate(_TEXT_OF))
    return " ".join(shown.split())


def _mail(rows: Sequence[str], lines: Sequence[str]) -> Mail:
    if not rows:
        return NOTHING
    return Mail((_TABLE + "".join(rows) + "</table>").encode(), "\n\n".join(lines).encode())


def _row(item: Item, reason: str, base_url: str, currency: str) -> str:
    url, image = absolute(item.url, base_url), absolute(item.image, base_url)
    title = _linked(escape(item.title), url)
    small = [_price(item, currency), reason]
    below = "".join(f'<br><span style="{_SMALL}">{escape(text)}</span>' for text in small if text)
    picture = _linked(_picture(image, "", _PICTURE, "96"), url)
    return (
        f'<tr><td width="112" valign="top" style="{_CELL}">{picture}</td>'
        f'<td valign="top" style="{_CELL}">{title}{below}</td></tr>'
    )


def _lines(item: Item, reason: str, base_url: str, currency: str) -> str:
    head = ", ".join(filter(None, (plain(item.title), plain(_price(item, currency)))))
    parts = (head, plain(reason), absolute(item.url, base_url))
    return "\n".join(part for part in parts if part)


def _price(item: Item, currency: str) -> str:
    return "" if item.price is None else price_text(item.price, item.currency or currency)


def _linked(inner: str, url: str) -> str:
    return f'<a href="{escape(url)}" style="{_LINK}">{inner}</a>' if url and inner else inner


def _picture(url: str, alt: str, style: str, width: str) -> str:
    source, says = escape(url), escape(alt)
    return f'<img src="{source}" alt="{says}" width="{width}" style="{style}">' if url else ""


def _spaced(text: str, style: str, url: str = "") -> str:
    inner = _linked(escape(text), url)
    return f'<div style="{style}">{inner}</div>' if text else ""
