"""Why an item is shown, in words a visitor understands; derived from where it came from."""

from collections.abc import Callable, Mapping, Sequence

import msgspec
import numpy as np

from hemline.decide.facts import Facts
from hemline.decide.snapshot import Snapshot
from hemline.decide.visitor import STEPS
from hemline.model.brake import NO_BRAKE
from hemline.model.item import Item

_items = msgspec.json.Decoder(Item)


def item_of(snapshot: Snapshot, index: int) -> Item:
    """The catalogue's own record of an item."""
    return _items.decode(snapshot.cut("catalogue", index))


def _looked_at(snapshot: Snapshot, facts: Facts, items: Sequence[int]) -> list[str]:
    """For each item the newest of the visitor's own that it goes with."""
    recent = facts.read("visitor.view").recent[:STEPS]
    # What is blocked everywhere is not named in somebody's reason either.
    stopped = snapshot.indices(facts.read_or("site.brake", NO_BRAKE).names("block"))
    recent = recent[~np.isin(recent, stopped)] if stopped.size else recent
    if not len(recent):
        return [_LOOKED] * len(items)
    # [recent, k neighbours, items] at once: one item at a time costs more than the rest of a row.
    near = snapshot.neighbours[0][recent][:, :, None] == np.asarray(items, np.int32)
    hits = near.any(axis=1)
    newest = recent[hits.argmax(axis=0)].tolist()
    titles = {i: item_of(snapshot, i).title for i in set(newest)}
    found = zip(newest, hits.any(axis=0).tolist(), strict=True)
    return [f"Because you looked at {titles[i]}" if hit else _LOOKED for i, hit in found]


_LOOKED = "Because of what you looked at"


def _category(snapshot: Snapshot, _facts: Facts, items: Sequence[int]) -> list[str]:
    main = snapshot.main_category[list(items)].tolist()
    return [f"From {snapshot.categories[c]}, which you like" if c >= 0 else "" for c in main]


def _says(text: str) -> Callable[[Snapshot, Facts, Sequence[int]], list[str]]:
    return lambda _snapshot, _facts, items: [text] * len(items)


REASONS: Mapping[str, Callable[[Snapshot, Facts, Sequence[int]], list[str]]] = {
    "own": _says("You know this one"),
    "recent_together": _looked_at,
    "together": _says("Goes well with this"),
    "your_categories": _category,
    "trending": _says("Trending now"),
    "new": _says("New here"),
    "similar_new": _says("New, and like what you looked at"),
    "popular": _says("Popular right now"),
    "pin": _says("Our pick"),
}
"""Source → one sentence for each of the items that it brought."""


def reasons(
    snapshot: Snapshot, facts: Facts, shown: Sequence[int], sources: Sequence[str]
) -> list[str]:
    """One sentence an item, empty where there is nothing to say (the caller's own list)."""
    said: dict[int, str] = {}
    for source in set(sources) & REASONS.keys():
        items = [item for item, from_ in zip(shown, sources, strict=True) if from_ == source]
        said |= zip(items, REASONS[source](snapshot, facts, items), strict=True)
    return [said.get(item, "") for item in shown]
