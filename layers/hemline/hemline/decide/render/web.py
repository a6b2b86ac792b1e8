"""A decision as JSON and as escaped HTML. Cards come ready-made from the edition; only reasons vary."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

import msgspec

from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.render.markup import escape
from hemline.model.site.slot import Slot, Variant

_json = msgspec.json.Encoder(order="deterministic")
_SAFE_SCHEMES = frozenset({"", "http", "https", "mailto", "tel"})

CARD_END = b"</a></li>"
"""`cards_html` sections hold cards without it, so that a reason can be put inside."""


def safe_url(text: str) -> str:
    """The URL, or `#` when its scheme could run code or a browser could read a scheme into it."""
    cleaned = "".join(c for c in text if c.isprintable() and not c.isspace())
    try:
        scheme = urlsplit(cleaned).scheme.lower()
    except ValueError:
        return "#"
    before = cleaned.partition("/")[0]
    if scheme not in _SAFE_SCHEMES or (not scheme and ":" in before) or "\\" in cleaned:
        return "#"
    return cleaned


_NEXT, _REASON = b"},{", b',"reason":'


def items_json(snapshot: Snapshot, shown: Sequence[int], reasons: Sequence[str]) -> bytes:
    """`[{…card…,"reason":…}, …]`."""
    blob, at = snapshot.cards_json
    parts: list[bytes | memoryview] = []
    for i, reason in zip(shown, reasons, strict=True):
        # Memory views: the final join makes the only copy.
        parts += (_NEXT, blob[at[i] : at[i + 1]], _REASON, _json.encode(reason))
    parts[:1] = (b"[{",) if parts else (b"[",)
    parts.append(b"}]" if shown else b"]")
    return b"".join(parts)


def items_html(
    snapshot: Snapshot, slot: Slot, shown: Sequence[int], reasons: Sequence[str]
) -> bytes:
    """A list with its heading; nothing at all when there is nothing to show."""
    if not shown:
        return b""
    blob, at = snapshot.cards_html
    title = f'<h2 class="hem-title">{escape(slot.title)}</h2>' if slot.title else ""
    parts: list[bytes | memoryview] = [title.encode(), b'<ul class="hem-list">']
    for i, reason in zip(shown, reasons, strict=True):
        parts += (blob[at[i] : at[i + 1]], _reason(reason), CARD_END)
    parts.append(b"</ul>")
    return b"".join(parts)


def _reason(text: str) -> bytes:
    return f'<span class="hem-card__reason">{escape(text)}</span>'.encode() if text else b""


def variant_json(variant: Variant | None) -> bytes:
    """`{"name": …, "fields": {…}}` or null."""
    if variant is None:
        return b"null"
    return _json.encode({"name": variant.name, "fields": variant.fields})


def variant_html(slot: Slot, variant: Variant | None) -> bytes:
    """One block: the fields `image`, `headline`, `text` and `cta` with `url`; others are for JSON."""
    if variant is None:
        return b""
    fields: Mapping[str, str] = variant.fields
    parts = [
        _image(fields),
        _text("h2", "headline", fields),
        _text("p", "text", fields),
        _link(fields),
    ]
    name = escape(variant.name)
    lead = f'<div class="hem-{slot.kind}" data-variant="{name}">'
    return (lead + "".join(parts) + "</div>").encode()


def _text(tag: str, field: str, fields: Mapping[str, str]) -> str:
    text = fields.get(field, "")
    return f'<{tag} class="hem-{field}">{escape(text)}</{tag}>' if text else ""


def _image(fields: Mapping[str, str]) -> str:
    if not fields.get("image"):
        return ""
    source, alt = escape(safe_url(fields["image"])), escape(fields.get("alt", ""))
    return f'<img class="hem-image" src="{source}" alt="{alt}">'


def _link(fields: Mapping[str, str]) -> str:
    if not (fields.get("url") and fields.get("cta")):
        return ""
    href, text = escape(safe_url(fields["url"])), escape(fields["cta"])
    return f'<a class="hem-cta" href="{href}">{text}</a>'


def sections_html(sections: Sequence[str]) -> bytes:
    """An ordered list of section names, for a template to arrange by."""
    parts = "".join(f'<li data-section="{escape(name)}"></li>' for name in sections)
    return f'<ol class="hem-layout">{parts}</ol>'.encode()


def json_string(text: bytes) -> bytes:
    """UTF-8 text as a JSON string."""
    return _json.encode(text.decode())
