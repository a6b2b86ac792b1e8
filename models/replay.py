"""A log replayed as the product lives it: profiles folded, editions built, features taken before each list.

Everything here is the product's own: `fold`, `Statistics`, `sections`, `view` and `matrix`. A list's
features are made from what came before it; its own events are folded afterwards.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hemline.decide.features import FEATURES, matrix
from hemline.decide.snapshot import Ints, Snapshot
from hemline.decide.visitor import VisitorView, view
from hemline.learn.profile import Profile, decode, encode, fold
from hemline.learn.statistics import (
    Statistics,
    catalogue_sections,
    count_sections,
    neighbour_sections,
)
from hemline.model.edition import SCHEMA, Header, Payload, pack, unpack
from hemline.model.event import Record
from hemline.model.item import Item

Floats = npt.NDArray[np.float32]


class World:
    """What the product would know at this moment of the log."""

    def __init__(self, site: str) -> None:
        self.site = site
        self.statistics = Statistics()
        self._profiles: dict[str, bytes] = {}
        self._catalogue: dict[str, Payload] = {}
        self._pairs: dict[str, Payload] = {}
        self._items: Sequence[Item] = ()
        self.snapshot: Snapshot | None = None

    def fold(self, record: Record) -> None:
        """One event, into its profile and into the statistics."""
        self.statistics.add(record)
        before = self.profile(record.subject)
        self._profiles[record.subject] = encode(fold(before, [record]))

    def profile(self, subject: str) -> Profile:
        """As it is stored: what does not survive its bytes must not help here."""
        blob = self._profiles.get(subject)
        return decode(blob) if blob else Profile()

    def stock(self, items: Sequence[Item]) -> None:
        """The catalogue from now on; neighbours are built anew when it has other items."""
        if [item.id for item in items] != [item.id for item in self._items]:
            self._pairs = {}
        self._items, self._catalogue = items, catalogue_sections(items)

    def build(self, built: int, *, pairs: bool = True) -> Snapshot:
        """A new edition; without `pairs` the neighbours are those of the last one."""
        if pairs or not self._pairs:
            self._pairs = neighbour_sections(self.statistics, self._items)
        counts = count_sections(self.statistics, self._items, built)
        header = Header(SCHEMA, self.site, built, (), (), FEATURES, {})
        data = pack(header, {**self._catalogue, **counts, **self._pairs})
        self.snapshot = Snapshot(unpack(data, site=self.site))
        return self.snapshot

    def view(self, subject: str) -> VisitorView:
        """The visitor as the live edition sees them."""
        assert self.snapshot is not None, "build an edition first"
        return view(self.profile(subject), self.snapshot)


class Rows(NamedTuple):
    """Lists to learn from or to be judged on; r rows in q lists."""

    features: Floats
    """[r, FEATURES]."""
    labels: npt.NDArray[np.int32]
    """[r], the gain of each candidate."""
    groups: npt.NDArray[np.int32]
    """[q], candidates of each list."""

    def lists(self) -> list[slice]:
        """Where each list lies."""
        ends = np.cumsum(self.groups)
        return [slice(int(e - g), int(e)) for e, g in zip(ends, self.groups, strict=True)]


class RowsBuilder:
    """Collects lists one by one."""

    def __init__(self) -> None:
        self._features: list[Floats] = []
        self._labels: list[npt.NDArray[np.int32]] = []

    def add(self, features: Floats, labels: Iterable[int]) -> None:
        """One list: [n, FEATURES] and n gains."""
        self._features.append(features)
        self._labels.append(np.fromiter(labels, np.int32))

    def __len__(self) -> int:
        return len(self._labels)

    def rows(self, start: int = 0, stop: int | None = None) -> Rows:
        """Lists `start` to `stop` as arrays."""
        labels, features = self._labels[start:stop], self._features[start:stop]
        return Rows(
            np.concatenate(features) if features else np.empty((0, len(FEATURES)), np.float32),
            np.concatenate(labels) if labels else np.empty(0, np.int32),
            np.array([len(part) for part in labels], np.int32),
        )


__all__ = ["Ints", "Rows", "RowsBuilder", "World", "matrix"]
