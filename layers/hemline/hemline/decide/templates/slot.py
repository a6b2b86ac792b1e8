"""A decided slot rendered by its template: builds the plain data that the template may name.

Facts are read through the slot's own `Facts`, so scope, ETag and receipt follow from what was shown.
If a template fails, the answer reports it and keeps the slot's default markup.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple
from weakref import WeakKeyDictionary

from hemline.decide.facts.facts import Facts, MissingFact
from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.fragment import SlotAnswer
from hemline.decide.render.cards import price_text
from hemline.decide.render.reasons import item_of
from hemline.decide.rules.conditions import Holds, compile_all, segment_of
from hemline.decide.templates.escape import address
from hemline.decide.templates.render import SECTION, LinkedProgram, ReadFact, names_of, programs
from hemline.model.errors import Unavailable
from hemline.model.item import Item
from hemline.model.site.kinds import KINDS, Fills
from hemline.model.site.rule import Condition
from hemline.model.site.slot import Slot
from hemline.model.site.template import FACT, Program


class _Ready(NamedTuple):
    """A template of an edition, ready to run."""

    linked: LinkedProgram
    fields: tuple[tuple[str, "Field"], ...]
    """The item fields that the template names; no others are built."""
    segments: Mapping[str, Holds]
    """`segment.NAME` → whether the visitor is in it."""
    rows: dict[int, dict[str, object]]
    """Cache, item index → its fields; the edition's data, the same for every visitor."""


_ready: WeakKeyDictionary[Snapshot, dict[str, _Ready]] = WeakKeyDictionary()


def templated(snapshot: Snapshot, slot: Slot, answer: SlotAnswer, facts: Facts) -> SlotAnswer:
    """The answer with its template's markup; unchanged when there is nothing to show."""
    if KINDS[slot.kind].fills != "sections" and not (answer.shown or answer.variant):
        return answer
    faults: list[str] = []
    try:
        ready = _of(snapshot)[slot.template]
        data: dict[str, object] = {"slot": {"name": slot.name, "title": slot.title}}
        data |= _DATA[KINDS[slot.kind].fills](snapshot, slot, answer, ready)
        html = ready.linked.render(data, _reader(facts, ready.segments, faults))
    except Exception as fault:  # noqa: BLE001 - a fragment never fails: the reason is reported
        faults.append(type(fault).__name__)
        html = answer.html
    reasons = tuple(f"template: {fault}" for fault in faults)
    return answer._replace(html=html, reasons=answer.reasons + reasons)


def _of(snapshot: Snapshot) -> dict[str, _Ready]:
    found = _ready.get(snapshot)
    if found is None:
        made = programs(snapshot.edition.raw(SECTION))
        found = _ready[snapshot] = {name: _made(one, snapshot) for name, one in made.items()}
    return found


def _made(program: Program, snapshot: Snapshot) -> _Ready:
    names = list(names_of(program))
    named = {name.path[0] for name in names if name.at != FACT and name.path}
    segments = {one.name: one for one in snapshot.header.segments}
    asked = {name.path[0] for name in names if name.at == FACT and segment_of(name.path[0])}
    held = {fact: compile_all((Condition(fact, "eq", True),), segments) for fact in sorted(asked)}
    fields = tuple((name, field) for name, field in _FIELDS.items() if name in named)
    return _Ready(LinkedProgram(program), fields, held, {})


def _reader(facts: Facts, segments: Mapping[str, Holds], faults: list[str]) -> ReadFact:
    known: dict[str, object] = {}

    def read(name: str) -> object:
        if name not in known:
            known[name] = _read(name)
        return known[name]

    def _read(name: str) -> object:
        try:
            holds = segments.get(name)
            return _plain(holds(facts) if holds else facts.read(name))
        except MissingFact:
            return None
        except Exception as why:  # noqa: BLE001 - an unavailable fact is reported and shows as nothing
            faults.append(str(why) if isinstance(why, Unavailable) else type(why).__name__)
            return None

    return read


def _plain(value: object) -> object:
    """Text, number, flag or a list of texts; anything else becomes None."""
    if isinstance(value, list | tuple):
        return [one for one in value if isinstance(one, str)]
    return value if isinstance(value, str | bool | int | float) else None


Field = Callable[[Item, str], object]
"""Of an item and the site's currency."""


def _link(url: str) -> str:
    """As in the JSON: empty when the address is unsafe."""
    found = address(url)
    return "" if found == "#" else found


def _price_text(item: Item, currency: str) -> str:
    return "" if item.price is None else price_text(item.price, item.currency or currency)


_FIELDS: Mapping[str, Field] = {
    "id": lambda item, _: item.id,
    "title": lambda item, _: item.title,
    "url": lambda item, _: _link(item.url),
    "image": lambda item, _: _link(item.image),
    "price": lambda item, _: item.price,
    "price_text": _price_text,
    "currency": lambda item, currency: item.currency or currency,
    "categories": lambda item, _: list(item.categories),
    "tags": lambda item, _: list(item.tags),
    "attributes": lambda item, _: item.attributes,
}


def _items(snapshot: Snapshot, _: Slot, answer: SlotAnswer, ready: _Ready) -> dict[str, object]:
    known = ready.rows
    rows = [
        {**(known.get(index) or _row(snapshot, index, ready)), "position": n, "reason": reason}
        for n, (index, reason) in enumerate(zip(answer.shown, answer.said, strict=True), 1)
    ]
    return {"items": rows}


def _row(snapshot: Snapshot, index: int, ready: _Ready) -> dict[str, object]:
    item, currency = item_of(snapshot, index), snapshot.header.currency
    if len(ready.rows) >= _MOST_ROWS:
        ready.rows.clear()
    row = ready.rows[index] = {name: made(item, currency) for name, made in ready.fields}
    return row


_MOST_ROWS = 2_000
"""Bound of the row cache: about 1 kB each, so about 2 MB per template."""


def _variant(_: Snapshot, slot: Slot, answer: SlotAnswer, __: _Ready) -> dict[str, object]:
    chosen = next(one for one in slot.variants if one.name == answer.variant)
    return {"variant": {"name": chosen.name, "fields": chosen.fields}}


def _layout(_: Snapshot, __: Slot, answer: SlotAnswer, ___: _Ready) -> dict[str, object]:
    return {"sections": list(answer.said)}


_DATA: Mapping[Fills, Callable[[Snapshot, Slot, SlotAnswer, _Ready], dict[str, object]]] = {
    "list": _items,
    "variant": _variant,
    "sections": _layout,
}
