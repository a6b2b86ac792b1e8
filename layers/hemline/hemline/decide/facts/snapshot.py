"""An edition opened as numpy views: what every step of a decision reads. Opened once, then shared."""

import zlib
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from hemline.learn.array_types import Floats, Hashes, Ints, Longs
from hemline.model.durations import DAY_MS
from hemline.model.edition import Edition
from hemline.model.input.text import normal
from hemline.model.site.slot import diverse_attributes

if TYPE_CHECKING:
    from hemline.model.choice import Evidence

LEAST_PRICE = 0.01
"""In the site's currency. Lower prices are raised to it: log(0) is undefined."""
Array = TypeVar("Array", bound=npt.NDArray[np.generic])


class Snapshot:
    """Zero-copy arrays over one edition; see `hemline.model.edition` for names and shapes."""

    def __init__(self, edition: Edition) -> None:
        self.edition, self.header, self.digest = edition, edition.header, edition.digest
        self.item_ids: list[str] = edition.json("item_ids")
        self.index: dict[str, int] = {name: i for i, name in enumerate(self.item_ids)}
        self.categories: list[str] = edition.json("categories")
        self.segments: dict[str, int] = {s: i for i, s in enumerate(edition.json("segments"))}
        self.slots = {slot.name: slot for slot in edition.header.slots}
        self._arrays: dict[str, npt.NDArray[np.generic]] = {}
        self._prepared: dict[object, Any] = {}
        self.slot_index = {slot.name: i for i, slot in enumerate(edition.header.slots)}

    def once(self, prepare: Callable[["Snapshot"], Array]) -> Array:
        """The result of `prepare` for this edition, computed at first use and cached."""
        found: Array | None = self._prepared.get(prepare)
        if found is None:
            found = self._prepared[prepare] = prepare(self)
        return found

    def array(self, name: str) -> npt.NDArray[np.generic]:
        """A section as a read-only array of its stated dtype and shape; empty when absent."""
        found = self._arrays.get(name)
        if found is None:
            found = self._arrays[name] = self._open(name)
        return found

    def _open(self, name: str) -> npt.NDArray[np.generic]:
        section = self.header.sections.get(name)
        if section is None:
            return np.empty(0, np.int32)
        return np.frombuffer(self.edition.raw(name), section.dtype).reshape(section.shape)

    def ints(self, name: str) -> Ints:
        """A section of item or category indices."""
        return self.array(name).astype(np.int32, copy=False)

    def floats(self, name: str) -> Floats:
        """A section of float32."""
        return self.array(name).astype(np.float32, copy=False)

    @cached_property
    def category_index(self) -> dict[str, int]:
        """Category name in normal form → index. Older editions may hold names in another form."""
        return {normal(name): i for i, name in enumerate(self.categories)}

    @cached_property
    def id_marks(self) -> Hashes:
        """[n] CRC-32 of each item's id: a four-byte mark that is the same in every edition."""
        return np.array([zlib.crc32(name.encode()) for name in self.item_ids], np.uint32)

    @cached_property
    def id_mark_list(self) -> list[int]:
        """`id_marks` as plain integers: for a row of ten a list is faster than an array."""
        marks: list[int] = self.id_marks.tolist()
        return marks

    @cached_property
    def cold_start_items(self) -> frozenset[int]:
        """Indices of new items that still need impressions."""
        return frozenset(self.ints("owed").tolist())

    @cached_property
    def choices(self) -> "Mapping[str, Evidence]":
        """Slot → evidence on how its variants perform; only slots with enough data."""
        if "choices" not in self.header.sections:
            return {}
        from hemline.model import choice  # noqa: PLC0415 - only editions with this section need it

        return choice.decode(self.edition.raw(choice.SECTION))

    @cached_property
    def page_group(self) -> Ints:
        """[attributes, n] group of each item for page-wide caps, -1 for none."""
        return self.ints("page_group")

    @cached_property
    def diverse_rows(self) -> dict[str, int]:
        """Attribute that a slot is diverse over → its row in `diverse_group`."""
        return {n: row for row, n in enumerate(diverse_attributes(self.header.slots))}

    @cached_property
    def price(self) -> Floats:
        """[n] in the site's currency, NaN when unknown."""
        return self.floats("price")

    @cached_property
    def stock(self) -> Ints:
        """[n], -1 when unknown."""
        return self.ints("stock")

    @cached_property
    def published(self) -> Longs:
        """[n], epoch ms, 0 when unknown."""
        return self.array("published").astype(np.int64, copy=False)

    @cached_property
    def item_stats(self) -> Floats:
        """[n, S], the statistics block of the feature matrix."""
        return self.floats("item_stats")

    @cached_property
    def item_categories(self) -> tuple[Ints, Ints]:
        """(flat category indices, [n+1] offsets)."""
        return self.ints("item_categories"), self.ints("item_categories_at")

    @cached_property
    def main_category(self) -> Ints:
        """[n], the first category of each item, -1 when it has none."""
        flat, at = self.item_categories
        has = at[1:] > at[:-1]
        first = np.full(len(has), -1, np.int32)
        first[has] = flat[at[:-1][has]]
        return first

    @cached_property
    def log_price(self) -> Floats:
        """[n] natural log of `price`, NaN when unknown; prices below LEAST_PRICE count as LEAST_PRICE."""
        price = self.price if self.price.size else np.full(len(self.item_ids), np.nan, np.float32)
        found: Floats = np.log(np.maximum(price, np.float32(LEAST_PRICE)))
        return found

    @cached_property
    def born(self) -> Floats:
        """[n] publication in days since 1970, NaN when unknown."""
        days: Floats = (self.published / DAY_MS).astype(np.float32)
        days[self.published == 0] = np.nan
        return days

    @cached_property
    def price_and_born(self) -> Floats:
        """[2, n] `log_price` and `born` in one array: decisions read both at once."""
        return np.stack([self.log_price, self.born])

    @cached_property
    def all_priced(self) -> bool:
        """Whether every item has a price: then the search for NaN is skipped."""
        return not bool(np.isnan(self.log_price).any())

    @cached_property
    def all_dated(self) -> bool:
        """Whether every item has a publication date."""
        return not bool(np.isnan(self.born).any())

    @cached_property
    def item_terms(self) -> Ints:
        """[n, w] term indices of each item; padded with t, the number of terms."""
        terms = self.ints("item_terms")
        if not terms.size:
            return np.zeros((len(self.item_ids), 1), np.int32)
        # Drop padding columns that no item uses. One padding column stays (if there was any): its lift of
        # 0 takes part in the maximum over terms.
        used = int((terms < len(self.term_share) - 1).sum(axis=1).max(initial=0)) + 1
        return np.ascontiguousarray(terms[:, :used])

    @cached_property
    def terms_across(self) -> Ints:
        """[w, n] `item_terms` transposed, contiguous for the feature matrix."""
        return np.ascontiguousarray(self.item_terms.T)

    @cached_property
    def term_share(self) -> Floats:
        """[t + 1] share of all interactions with items of the term; 0 for the padding."""
        share = self.floats("term_share")
        return share if share.size else np.zeros(1, np.float32)

    @cached_property
    def term_counts(self) -> Floats:
        """[n] number of terms of each item, at least 1 (it is a divisor)."""
        known: Ints = (self.item_terms < len(self.term_share) - 1).sum(axis=1, dtype=np.int32)
        return known.clip(min=1).astype(np.float32)

    @cached_property
    def neighbours(self) -> tuple[Ints, Floats]:
        """([n, k] item indices padded with -1, [n, k] weights in (0, 1])."""
        return self.ints("neighbours"), self.floats("neighbour_weight")

    def indices(self, names: tuple[str, ...] | list[str]) -> Ints:
        """Item ids → indices, unknown ids left out, order kept."""
        found = [i for i in map(self.index.get, names) if i is not None]
        return np.array(found, np.int32)

    def cut(self, name: str, index: int) -> memoryview:
        """One item's bytes of a section with offsets, such as `cards_json`."""
        at = self.array(f"{name}_at")
        return self.edition.raw(name)[int(at[index]) : int(at[index + 1])]

    @cached_property
    def cards_json(self) -> tuple[memoryview, list[int]]:
        """(ready JSON members of all items, [n+1] offsets)."""
        return self.edition.raw("cards_json"), self.array("cards_json_at").tolist()

    @cached_property
    def cards_html(self) -> tuple[memoryview, list[int]]:
        """(ready HTML cards of all items, [n+1] offsets)."""
        return self.edition.raw("cards_html"), self.array("cards_html_at").tolist()
