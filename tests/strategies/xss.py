"""Hostile data in every field that anybody but the site's author fills, and everything that shows it."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

from hemline.decide.facts.facts import Fact, Facts, FactSource
from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.fragment import SlotAnswer
from hemline.decide.kinds import BEHAVIOURS
from hemline.decide.render import web
from hemline.decide.templates.slot import templated
from hemline.model.decision import Rung
from hemline.model.item import Item
from hemline.model.site.kinds import KINDS
from hemline.model.site.slot import Slot, Variant
from hemline.model.site.template import Template
from tests.builders.editions import build

FOLDER = Path(__file__).resolve().parents[1] / "cases/xss"
CLASSES: dict[str, list[str]] = json.loads((FOLDER / "payloads.json").read_text())
PAYLOADS = [payload for payloads in CLASSES.values() for payload in payloads]

TEMPLATES = [
    Template(name, (FOLDER / f"{name}.html").read_text()) for name in ("items", "variant", "layout")
]


def slots(text: str, address: str) -> dict[str, Slot]:
    """One of each kind, with a template and without."""
    names = ("headline", "text", "cta", "alt")
    fields = dict.fromkeys(names, text) | {"url": address, "image": address}
    variants = (Variant(text, fields),)
    row = Slot("row", title=text)
    hero = Slot("hero", kind="content", title=text, variants=variants)
    home = Slot("home", kind="layout", sections=(text, "b"))
    return {"items": row, "variant": hero, "layout": home}


def item(text: str, address: str) -> Item:
    """Of which every text is the same, and every address."""
    return Item(
        text, "product", text, address, address, 1.5, text, (text, "b"), (text,), {"brand": text}
    )


class Stage:
    """An edition of one item for each payload, and all that shows it. The last ones are harmless."""

    def __init__(self, payloads: Sequence[str]) -> None:
        self.items = [item(p, p) for p in payloads]
        used = [Slot("a", template="items"), Slot("b", kind="content", template="variant"),
                Slot("c", kind="layout", template="layout")]  # fmt: skip
        edition = build(self.items, used, templates=TEMPLATES, base_url="https://shop.example")
        self.snapshot = Snapshot(edition)

    def shown(self, at: int, text: str, address: str) -> Iterator[tuple[str, bytes]]:
        """(where, markup) with one payload as all text and all addresses."""
        facts = Facts(_facts(text), personal=True)
        for kind, slot in slots(text, address).items():
            answer = _answer(kind, at, text)
            named = Slot(
                **{n: getattr(slot, n) for n in slot.__struct_fields__} | {"template": kind}
            )
            made = templated(self.snapshot, named, answer, facts)
            assert not made.reasons, made.reasons
            yield f"template {kind}", made.html
            mail = BEHAVIOURS[KINDS[slot.kind].fills].email(self.snapshot, slot, answer)
            yield f"email {kind}", mail.html
        row, hero = slots(text, address)["items"], slots(text, address)["variant"]
        yield "items", web.items_html(self.snapshot, row, [at], [text])
        yield "variant", web.variant_html(hero, hero.variants[0])
        yield "layout", web.sections_html([text, "b"])


def _answer(kind: str, at: int, text: str) -> SlotAnswer:
    if kind == "items":
        return SlotAnswer(b"", b"", Rung.POPULAR, (), shown=(at,), said=(text,))
    if kind == "layout":
        return SlotAnswer(b"", b"", Rung.POPULAR, (), said=(text, "b"))
    return SlotAnswer(b"", b"", Rung.POPULAR, (), variant=text)


def _facts(text: str) -> FactSource:
    """What a request says; a campaign as an address carries it."""
    fact = Fact(text, quote(text, errors="replace").encode())
    return FactSource({name: lambda: fact for name in ("page.referrer", "page.campaign")})
