"""Replays a log as the product sees it: folds profiles, builds editions, makes features before each list.

All steps are the product's own code: `fold`, `Statistics`, `sections`, `view` and `matrix`. Features of a
list come only from earlier events; its own events are folded afterwards.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.ranking.features.matrix import FEATURES
from hemline.decide.ranking.visitor import VisitorView, view
from hemline.learn.array_types import Floats, Ints
from hemline.learn.profile.fold import Profile, decode, encode, fold
from hemline.learn.statistics import content
from hemline.learn.statistics.arrays import (
    Statistics,
    catalogue_sections,
    count_sections,
    neighbour_sections,
)
from hemline.learn.statistics.cold_items import cold_section, item_similarity
from hemline.model.edition import SCHEMA, Header, Payload, pack, unpack
from hemline.model.events.event import Record
from hemline.model.item import Item


class ReplayWorld:
    """The product's state at one moment of the log: profiles, statistics, edition."""

    def __init__(self, site: str, *, alike: bool = True) -> None:
        """Without `alike`, items have no similarity to each other: to measure what similarity adds."""
        self.site, self._alike = site, alike
        self.statistics = Statistics()
        self._profiles: dict[str, bytes] = {}
        self._catalogue: dict[str, Payload] = {}
        self._pairs: dict[str, Payload] = {}
        self._items: Sequence[Item] = ()
        self._vectors = content.vectors(())
        self.snapshot: Snapshot | None = None

    def fold(self, record: Record) -> None:
        """Fold one event into its profile and the statistics."""
        self.statistics.add(record)
        before = self.profile(record.subject)
        self._profiles[record.subject] = encode(fold(before, [record]))

    def profile(self, subject: str) -> Profile:
        """The profile as decoded from its stored bytes, so that nothing else can help the ranker."""
        blob = self._profiles.get(subject)
        return decode(blob) if blob else Profile()

    def stock(self, items: Sequence[Item]) -> None:
        """Set the catalogue. Neighbours are kept only if known items keep their indices."""
        kept = [item.id for item in self._items]
        if [item.id for item in items[: len(kept)]] != kept:
            self._pairs = {}
        self._items, self._catalogue = items, catalogue_sections(items)
        self._vectors = content.vectors(items if self._alike else [Item(i.id) for i in items])

    def build(self, built: int, *, pairs: bool = True) -> Snapshot:
        """Build an edition. Without `pairs` the last edition's neighbours are reused; new items get none."""
        like = item_similarity(self.statistics, self._items, self._vectors)
        if pairs or not self._pairs:
            self._pairs = neighbour_sections(self.statistics, self._items, like)
        counts = count_sections(self.statistics, self._items, built, like)
        header = Header(SCHEMA, self.site, built, (), (), FEATURES, {})
        near = {name: _extended(part, len(self._items)) for name, part in self._pairs.items()
                if name != "newcomers"} | {"newcomers": cold_section(like)}  # fmt: skip
        data = pack(header, {**self._catalogue, **counts, **near})
        self.snapshot = Snapshot(unpack(data, site=self.site))
        return self.snapshot

    def view(self, subject: str) -> VisitorView:
        """The visitor's features under the current edition."""
        assert self.snapshot is not None, "build an edition first"
        return view(self.profile(subject), self.snapshot)


def _extended(payload: Payload, n: int) -> Payload:
    dtype, (rows, width), data = payload
    more = np.full((n - rows, width), -1 if dtype == "<i4" else 0, dtype)
    return dtype, (n, width), data + more.tobytes()


class Rows(NamedTuple):
    """Lists as the arrays that a trainer takes: r rows in q lists."""

    features: Floats
    """[r, FEATURES]."""
    labels: Ints
    """[r], the gain of each candidate."""
    groups: Ints
    """[q], candidates of each list."""
