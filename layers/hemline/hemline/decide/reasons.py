"""Why an item is shown, in words a visitor understands; derived from where it came from."""

from collections.abc import Callable, Mapping, Sequence

import msgspec
import numpy as np

from hemline.decide.facts import Facts
from hemline.decide.snapshot import Snapshot
from hemline.model.brake import NO_BRAKE
from hemline.model.item import Item

_items = msgspec.json.Decoder(Item)
_RECENT = 12


def item_of(snapshot: Snapshot, index: int) -> Item:
    """The catalogue's own record of an item."""
    return _items.decode(snapshot.cut("catalogue", index))


def _looked_at(snapshot: Snapshot, facts: Facts, item: int) -> str:
    recent = np.asarray(facts.read("visitor.recent")[:_RECENT], np.int32)
    # What is blocked everywhere is not named in somebody's reason either.
    stopped = snapshot.indices(facts.read_or("site.brake", NO_BRAKE).names("block"))
    recent = recent[~np.isin(recent, stopped)] if stopped.size else recent
    near = (snapshot.neighbours[0][recent] == item).any(axis=1)
    if not near.any():
        return "Because of what you looked at"
    return f"Because you looked at {item_of(snapshot, int(recent[int(near.argmax())])).title}"


def _category(snapshot: Snapshot, _facts: Facts, item: int) -> str:
    category = int(snapshot.main_category[item])
    return f"From {snapshot.categories[category]}, which you like" if category >= 0 else ""


def _says(text: str) -> Callable[[Snapshot, Facts, int], str]:
    return lambda _snapshot, _facts, _item: text


REASONS: Mapping[str, Callable[[Snapshot, Facts, int], str]] = {
    "own": _says("You know this one"),
    "recent_together": _looked_at,
    "together": _says("Goes well with this"),
    "your_categories": _category,
    "trending": _says("Trending now"),
    "new": _says("New here"),
    "popular": _says("Popular right now"),
    "pin": _says("Our pick"),
}


def reasons(
    snapshot: Snapshot, facts: Facts, shown: Sequence[int], sources: Sequence[str]
) -> list[str]:
    """One sentence an item, empty where there is nothing to say (the caller's own list)."""
    return [
        REASONS[source](snapshot, facts, item) if source in REASONS else ""
        for item, source in zip(shown, sources, strict=True)
    ]
