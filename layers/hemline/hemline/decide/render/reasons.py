"""Why an item is shown, in words a visitor understands; derived from where it came from."""

from collections.abc import Callable, Mapping, Sequence

import msgspec
import numpy as np

from hemline.decide.facts.facts import Facts
from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.ranking.visitor import OWN, STEPS, VisitorView
from hemline.model.brake import NO_BRAKE
from hemline.model.item import Item

_items = msgspec.json.Decoder(Item)


def item_of(snapshot: Snapshot, index: int) -> Item:
    """The catalogue's own record of an item."""
    return _items.decode(snapshot.cut("catalogue", index))


_ANY = "Because of what you were interested in"
"""The fallback when no single item can be named."""
_BOUGHT, _CARTED = OWN.index("own_bought"), OWN.index("own_carted")


def _because_of(snapshot: Snapshot, facts: Facts, items: Sequence[int]) -> list[str]:
    """For each item, the visitor's newest related item and how they interacted with it."""
    view: VisitorView = facts.read("visitor.view")
    recent = view.recent[:STEPS]
    # A reason must not name an item that the brake blocks.
    stopped = snapshot.indices(facts.read_or("site.brake", NO_BRAKE).names("block"))
    recent = recent[~np.isin(recent, stopped)] if stopped.size else recent
    if not len(recent):
        return [_ANY] * len(items)
    # [recent, k neighbours, items] in one comparison: a loop over items costs more than the rest.
    near = snapshot.neighbours[0][recent][:, :, None] == np.asarray(items, np.int32)
    hits = near.any(axis=1)
    newest = recent[hits.argmax(axis=0)].tolist()
    said = {i: _because(view, i, item_of(snapshot, i).title) for i in set(newest)}
    found = zip(newest, hits.any(axis=0).tolist(), strict=True)
    return [said[i] if hit else _ANY for i, hit in found]


def _because(view: VisitorView, item: int, title: str) -> str:
    """Uses the visitor's deepest interaction level with the item; leaves out an empty title."""
    named, own = title.strip(), view.own[view.slot[item]]
    if own[_BOUGHT]:
        return f"Because you bought {named}" if named else "Because of what you bought"
    if own[_CARTED]:
        # Put in the cart or on a wish list: it need not be there any more.
        return f"Because you picked {named}" if named else "Because of what you picked"
    return f"Because you looked at {named}" if named else "Because of what you looked at"


def _category(snapshot: Snapshot, _facts: Facts, items: Sequence[int]) -> list[str]:
    main = snapshot.main_category[list(items)].tolist()
    names = [snapshot.categories[c].strip() if c >= 0 else "" for c in main]
    return [f"From {name}, which you like" if name else "" for name in names]


def _says(text: str) -> Callable[[Snapshot, Facts, Sequence[int]], list[str]]:
    return lambda _snapshot, _facts, items: [text] * len(items)


REASONS: Mapping[str, Callable[[Snapshot, Facts, Sequence[int]], list[str]]] = {
    "own": _says("You know this one"),
    "recent_together": _because_of,
    "together": _says("Goes well with this"),
    "your_categories": _category,
    "trending": _says("Trending now"),
    "new": _says("New here"),
    "similar_new": _says("New, and like what you were interested in"),
    "popular": _says("Popular right now"),
    "pin": _says("Our pick"),
}
"""Source → one sentence for each of the items that it brought."""


def reasons(
    snapshot: Snapshot, facts: Facts, shown: Sequence[int], sources: Sequence[str]
) -> list[str]:
    """One sentence per item; empty when there is none (as for the caller's own list)."""
    said: dict[int, str] = {}
    for source in set(sources) & REASONS.keys():
        items = [item for item, from_ in zip(shown, sources, strict=True) if from_ == source]
        said |= zip(items, REASONS[source](snapshot, facts, items), strict=True)
    return [said.get(item, "") for item in shown]
