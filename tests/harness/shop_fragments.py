"""Fragments for a scripted API: what the real one says, from the shop's own catalogue."""

from collections.abc import Sequence
from html import escape

from hemline.decide.render.cards import html_card
from hemline.decide.render.web import CARD_END, variant_html
from workbench.demo.catalogue import by_id
from workbench.demo.pages import site


def row(names: Sequence[str], *, title: str = "For you", token: str = "t-row") -> dict[str, object]:
    """An items fragment of these items, each with a reason."""
    items = [by_id()[name] for name in names]
    reason = "Because you looked at <b>vases</b>"
    end = f'<span class="hem-card__reason">{escape(reason)}</span>'.encode() + CARD_END
    cards = b"".join(html_card(item) + end for item in items).decode()
    return {
        "kind": "items",
        "items": [{"id": item.id, "title": item.title, "reason": reason} for item in items],
        "html": f'<h2 class="hem-title">{escape(title)}</h2><ul class="hem-list">{cards}</ul>',
        "rung": "model",
        "scope": "visitor",
        "token": token,
    }


def variant(slot: str, name: str, *, token: str = "t-variant") -> dict[str, object]:
    """A content or alert fragment of the site file's own variant."""
    found = next(s for s in site().slots if s.name == slot)
    chosen = next(v for v in found.variants if v.name == name)
    return {
        "kind": found.kind,
        "variant": {"name": name, "fields": chosen.fields},
        "html": variant_html(found, chosen).decode(),
        "rung": "segment",
        "scope": "visitor",
        "token": token,
    }
