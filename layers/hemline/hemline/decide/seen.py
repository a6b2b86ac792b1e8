"""What a page has shown so far, and earlier pages of a list before it: what a slot may not repeat."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from hemline.decide import cursor
from hemline.decide.facts.facts import Facts, TracedRead
from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.token import EncodedRequest
from hemline.learn.array_types import Hashes, Ints
from hemline.model.decision import SlotRequest
from hemline.model.site.slot import Slot


class Seen(NamedTuple):
    """What earlier slots of the page showed, and what they read to choose it."""

    items: tuple[int, ...] = ()
    trace: tuple[TracedRead, ...] = ()
    wants: tuple[EncodedRequest, ...] = ()
    broken: int = 0
    """Bit n: the ranker failed or was late for `wants[n]`."""
    counted: tuple[int, ...] = ()
    """Those of the items that page-wide caps count."""
    before: Hashes = cursor.NOTHING
    """What earlier pages of this list showed."""
    listed: Sequence[int] = ()
    """What the caller's own list for this slot names, as item indices: those that the edition has."""

    def add(
        self,
        shown: Sequence[int],
        trace: tuple[TracedRead, ...],
        want: EncodedRequest,
        *,
        broken: bool,
        free: bool,
    ) -> "Seen":
        """After one more slot; `free` when page-wide caps do not count it."""
        return Seen(
            self.items + tuple(shown),
            self.trace + trace,
            (*self.wants, want),
            self.broken | broken << len(self.wants),
            self.counted if free else self.counted + tuple(shown),
        )

    def more(
        self, snapshot: Snapshot, slot: Slot, shown: Sequence[int], keys: tuple[bytes, ...]
    ) -> bytes:
        """The cursor's JSON member. Items of other slots on the page do not come with "more" either."""
        marks = (*self.items, *shown) if shown else ()
        return cursor.member(snapshot, slot.name, self.before, marks, keys)

    def excluded(
        self,
        snapshot: Snapshot,
        slot: Slot,
        want: SlotRequest,
        facts: Facts,
        blocked: Iterable[int] = (),
    ) -> Ints:
        """Indices of items not to show: of the page, caller, visitor, cursor, and those `blocked`."""
        names = list(want.exclude)
        # A category page shows all of its category, items in the cart too.
        if "category" not in slot.sources:
            names += (facts.read_or("page.item", None) or "",)
            names += facts.read_or("page.cart", ()) if slot.personal else ()
            names += _listed(facts, "page.owned") if slot.personal else ()
        names += _listed(facts, "page.seen") if slot.personal else ()
        known = [i for i in map(snapshot.index.get, names) if i is not None]
        earlier = cursor.items_of(snapshot, self.before).tolist()
        return np.array([*self.items, *known, *earlier, *blocked], np.int32)


def _listed(facts: Facts, name: str) -> tuple[str, ...]:
    # Whether a request has such a list is part of its URL or body, so of every cache's key.
    names: tuple[str, ...] = facts.read_or(name, ()) if facts.offers(name) else ()
    return names
