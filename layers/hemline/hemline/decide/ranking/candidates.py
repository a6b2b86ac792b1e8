"""Candidate generation: one function per source, and the order in which sources fill a list."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from hemline.decide.facts.facts import Facts, MissingFact
from hemline.decide.facts.snapshot import Snapshot
from hemline.learn.array_types import Codes, Ints, Mask, Order
from hemline.model.site.slot import Slot, Source

MOST = 200
"""The most candidates that a ranker gets."""
_TOP_CATEGORIES = 4

NONE: Ints = np.empty(0, np.int32)

SHARES: Mapping[Source, int] = {
    "own": 80,
    "recent_together": 80,
    "similar_new": 20,
    "together": 60,
    "category": MOST,
    "your_categories": 60,
    "trending": 40,
    "new": 20,
    "popular": MOST,
}
"""The most candidates that one source adds. `popular` fills what is left."""

PERSONAL: frozenset[Source] = frozenset(
    {"own", "recent_together", "similar_new", "your_categories"}
)


NAMES: tuple[str, ...] = (*SHARES, "yours", "static")
"""Source code → name: a source, `yours` (the caller's own list) or `static` (the slot's fallback)."""
_CODE = {name: code for code, name in enumerate(NAMES)}


class Candidates(NamedTuple):
    """Candidates, each item once: `items` int32 [n], `sources` uint8 [n], codes of NAMES."""

    items: Ints
    sources: Codes

    def take(self, order: Order) -> "Candidates":
        """Those at these positions, in this order."""
        return Candidates(self.items.take(order), self.sources.take(order))


def from_one(source: str, items: Ints) -> Candidates:
    """Candidates of one source."""
    return Candidates(items, np.full(len(items), _CODE[source], np.uint8))


NOTHING = from_one("static", NONE)


def _page_item(snapshot: Snapshot, facts: Facts) -> int:
    return snapshot.index.get(facts.read_or("page.item", None) or "", -1)


def _page_category(snapshot: Snapshot, facts: Facts) -> int:
    return snapshot.category_index.get(facts.read_or("page.category", None) or "", -1)


def _row(table: Ints, row: int) -> Ints:
    if row < 0 or row >= len(table):
        return NONE
    line: Ints = table[row]
    return line[line >= 0]


def _together(snapshot: Snapshot, facts: Facts) -> Ints:
    item = _page_item(snapshot, facts)
    return _row(snapshot.neighbours[0], item)


def _recent_together(_snapshot: Snapshot, facts: Facts) -> Ints:
    score = facts.read("visitor.view").together
    near = np.flatnonzero(score)
    return near[np.argsort(-score[near], kind="stable")].astype(np.int32)


def _similar_new(snapshot: Snapshot, facts: Facts) -> Ints:
    """Cold items (too new for statistics) that resemble the visitor's newest items, the closest first."""
    new = snapshot.ints("newcomers")
    score = facts.read("visitor.view").together[new]
    return new[np.argsort(-score, kind="stable")[: np.count_nonzero(score)]]


def _own(_snapshot: Snapshot, facts: Facts) -> Ints:
    return np.asarray(facts.read("visitor.recent"), np.int32)


def _your_categories(snapshot: Snapshot, facts: Facts) -> Ints:
    table = snapshot.ints("category_popular")
    if not table.size:
        return NONE
    liked = table[facts.read("visitor.categories")[:_TOP_CATEGORIES]]
    # The transpose interleaves the categories: each one's first item, then each one's second, and so on.
    turns: Ints = liked.T.ravel()
    return turns[turns >= 0]


def _category(snapshot: Snapshot, facts: Facts) -> Ints:
    """All items of the page's category, popular ones first."""
    category = _page_category(snapshot, facts)
    if category < 0:
        return NONE
    flat, at = snapshot.item_categories
    members = np.searchsorted(at, np.flatnonzero(flat == category), side="right") - 1
    return first_of(_row(snapshot.ints("category_popular"), category), members.astype(np.int32))


SOURCES: Mapping[Source, Callable[[Snapshot, Facts], Ints]] = {
    "popular": lambda snapshot, _facts: snapshot.ints("popular"),
    "trending": lambda snapshot, _facts: snapshot.ints("trending"),
    "new": lambda snapshot, _facts: snapshot.ints("fresh"),
    "together": _together,
    "recent_together": _recent_together,
    "similar_new": _similar_new,
    "your_categories": _your_categories,
    "own": _own,
    "category": _category,
}


def first_of(*lists: Ints) -> Ints:
    """The lists one after another, each item at its first place only."""
    joined = np.concatenate(lists)
    return joined[_first_places(joined)]


def _first_places(items: Ints) -> Order:
    """Positions at which an item first occurs, ascending."""
    places = np.arange(len(items))
    # np.empty is safe: only written places are read. Written in reverse, an item's first place is
    # written last and stays.
    first = np.empty(int(items.max(initial=-1)) + 1, np.intp)
    first[items[::-1]] = places[::-1]
    return np.flatnonzero(first[items] == places)


def generate(  # noqa: PLR0913 - a slot's sources, and what bounds them
    slot: Slot,
    snapshot: Snapshot,
    facts: Facts,
    *,
    personal: bool,
    most: int = MOST,
    allowed: Mask | None = None,
) -> Candidates:
    """Candidates of the slot's sources, each up to its share. PERSONAL sources only when `personal`.

    With `allowed` (bool [n]), items that may not be shown use up no share. This matters far down a list,
    where most items have been shown before.
    Raises what reading a fact raises, except MissingFact: a source without its fact is empty.
    """
    parts = list(_lists(slot, snapshot, facts, personal=personal))
    if allowed is not None:
        parts = [(name, items[allowed[items]]) for name, items in parts]
    return merged([from_one(name, items[: SHARES[name]]) for name, items in parts], most)


def merged(parts: Sequence[Candidates], most: int = MOST) -> Candidates:
    """The parts one after another, each item at its first place only, at most `most`."""
    if not parts:
        return NOTHING
    items = np.concatenate([part.items for part in parts])
    sources = np.concatenate([part.sources for part in parts])
    return Candidates(items, sources).take(_first_places(items)[:most])


def _lists(
    slot: Slot, snapshot: Snapshot, facts: Facts, *, personal: bool
) -> Iterator[tuple[Source, Ints]]:
    for name in slot.sources:
        if name in PERSONAL and not personal:
            continue
        try:
            yield name, SOURCES[name](snapshot, facts)
        except MissingFact:
            continue


def from_request(listed: Sequence[int]) -> Candidates:
    """The caller's own list of item indices, in the caller's order, each item once."""
    # Repeats are rare, and a set is a cheaper check than removing them.
    once = listed if len(set(listed)) == len(listed) else list(dict.fromkeys(listed))
    return from_one("yours", np.array(once[:MOST], np.int32))
