"""An edition's arrays over items, from the catalogue and the counts; names as in `model.edition`.

Pure: the same catalogue, counts and build time give the same bytes. Ages count back from the newest
event when that is older than the build, so that a site without new events (or with an imported
history) keeps its popular items instead of slowly losing all of them.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from hemline.learn.array_types import Floats, Ints, Longs, Mask, Reals
from hemline.learn.statistics import cold_items, content
from hemline.learn.statistics.cold_items import ItemSimilarity
from hemline.learn.statistics.columns import STATS, WINDOWS
from hemline.learn.statistics.counts import SEGMENT_DAYS, WEIGHTS, Statistics, day_of
from hemline.model.edition import UNKNOWN_STOCK, Payload
from hemline.model.events.event import InteractionLevel
from hemline.model.item import Item

__all__ = ["STATS", "Statistics", "sections"]


LIST = 200
"""Length of popular, trending and fresh."""
SHORT_LIST = 100
"""Length of each segment's and each category's list."""
NEIGHBOURS = 32
TERMS = 16
"""Terms (categories, tags, words) that an item keeps."""
HALF_LIFE_DAYS = 14.0
# Prior weights: events that the mean rate is worth, weighted interactions that everybody's taste is worth.
_RATE_PRIOR = 10.0
_SEGMENT_PRIOR = 30.0
_MOST_TERMS = 20_000
_MOST_STOCK = 2**31 - 1
_LATEST = 253_402_300_799_999  # 9999-12-31
_WORD = re.compile(r"[a-z]{3,}")


def sections(statistics: Statistics, items: Sequence[Item], built: int) -> dict[str, Payload]:
    """Every section that is an array over items; `built` in epoch ms."""
    similarity = cold_items.item_similarity(statistics, items, content.vectors(items))
    return {
        **catalogue_sections(items),
        **count_sections(statistics, items, built, similarity),
        **neighbour_sections(statistics, items, similarity),
    }


def catalogue_sections(items: Sequence[Item]) -> dict[str, Payload]:
    """Sections from the catalogue alone: ids, categories, price, stock, publication, terms."""
    names = sorted({name for item in items for name in item.categories})
    number = {name: i for i, name in enumerate(names)}
    own = [[number[name] for name in dict.fromkeys(item.categories)] for item in items]
    at = np.cumsum([0, *map(len, own)])
    price = [np.nan if item.price is None else item.price for item in items]
    return {
        "item_ids": _json(item.id for item in items),
        "categories": _json(names),
        "item_categories": _array([i for part in own for i in part], "<i4"),
        "item_categories_at": _array(at, "<u4"),
        "price": _array(price, "<f4"),
        "stock": _array([_stock(item) for item in items], "<i4"),
        "published": _array([_published(item) for item in items], "<i8"),
        "fresh": _array(_fresh(items), "<i4"),
        **_term_sections(items),
    }


def _stock(item: Item) -> int:
    return UNKNOWN_STOCK if item.stock is None else min(max(item.stock, 0), _MOST_STOCK)


def _published(item: Item) -> int:
    # 0 means unknown, so the first instant of 1970 is stored a millisecond later.
    at = item.published_at
    return 0 if at is None else max(-_LATEST, min(at, _LATEST)) or 1


def _fresh(items: Sequence[Item]) -> list[int]:
    dated = [i for i, item in enumerate(items) if item.published_at is not None]
    return sorted(dated, key=lambda i: -(items[i].published_at or 0))[:LIST]


def terms_of(item: Item) -> list[str]:
    """What an item is about: categories, tags, and the title's words where it has no tags."""
    words = () if item.tags else _WORD.findall(item.title.lower())
    named = (
        *(f"category:{name}" for name in item.categories),
        *(f"tag:{name}" for name in item.tags),
        *(f"{key}:{value}" for key, value in item.attributes.items() if isinstance(value, str)),
        *(f"word:{word}" for word in words),
    )
    return list(dict.fromkeys(named))


def _term_sections(items: Sequence[Item]) -> dict[str, Payload]:
    terms, table = _term_table(items)
    return {"terms": _json(terms), "item_terms": _array(table, "<i4")}


def _term_share(items: Sequence[Item], ever: Reals) -> Reals:
    """[t + 1]: share of all interactions with items that have the term; 0 for the padding at the end."""
    terms, table = _term_table(items)
    weight = np.repeat((ever + 1.0) / (ever + 1.0).sum(), table.shape[1])
    share: Reals = np.bincount(table.ravel(), weight, len(terms) + 1).astype(np.float64)
    share[-1] = 0.0
    return share


def _term_table(items: Sequence[Item]) -> tuple[list[str], Ints]:
    own = [terms_of(item) for item in items]
    counts = Counter(term for part in own for term in part)
    # A term of a single item adds nothing to the item itself.
    shared = [term for term, count in counts.most_common(_MOST_TERMS) if count > 1]
    number = {term: i for i, term in enumerate(sorted(shared))}
    table = np.full((len(items), TERMS), len(number), np.int32)
    for row, part in zip(table, own, strict=True):
        kept = [number[term] for term in part if term in number][:TERMS]
        row[: len(kept)] = kept
    return sorted(shared), table


def count_sections(
    statistics: Statistics, items: Sequence[Item], built: int, similarity: ItemSimilarity
) -> dict[str, Payload]:
    """Sections from the counts: the statistics block and the lists that need no visitor."""
    position = positions(statistics, items)
    n = len(items)
    as_of = day_of(min(built, statistics.newest + 1) - 1)
    windows, decayed = _windows(statistics, position, n, as_of)
    ever = windows[-1] @ WEIGHTS
    popularity = decayed + ever * 1e-6
    trend = _trend(windows)
    popular = _ranked(popularity, ever > 0, LIST)
    return {
        "item_stats": _array(
            cold_items.with_borrowed_statistics(_block(windows, decayed, trend), similarity), "<f4"
        ),
        "popular": _array(popular, "<i4"),
        "trending": _array(_ranked(trend * np.log1p(decayed), trend > 0, LIST), "<i4"),
        **_segment_sections(statistics, position, popularity, as_of),
        "category_popular": _array(_by_category(items, popularity), "<i4"),
        "term_share": _array(_term_share(items, ever), "<f4"),
    }


def positions(statistics: Statistics, items: Sequence[Item]) -> Ints:
    """The accumulator's item number → position in `items`, -1 for items no longer in the catalogue."""
    position = np.full(max(len(statistics.numbers), 1), -1, np.int32)
    for i, item in enumerate(items):
        number = statistics.numbers.get(item.id)
        if number is not None:
            position[number] = i
    return position


def _windows(statistics: Statistics, position: Ints, n: int, as_of: int) -> tuple[Reals, Reals]:
    """(counts [windows + ever, n, levels], popularity [n] decayed by HALF_LIFE_DAYS)."""
    numbers, days, levels, counts = statistics.daily()
    item = position[numbers].astype(np.int64)
    known = item >= 0
    cell, days, counts = (item * len(InteractionLevel) + levels)[known], days[known], counts[known]
    ever = days == statistics.ever()
    age = np.maximum(as_of - days, 0)

    def total(rows: Mask, weight: Reals | Longs) -> Reals:
        flat: Reals = np.bincount(cell[rows], weight[rows], n * len(InteractionLevel)).astype(
            np.float64
        )
        return flat.reshape(n, len(InteractionLevel))

    parts = [total(~ever & (age < window), counts) for window in WINDOWS]
    decayed = total(~ever, counts * np.exp2(-age / HALF_LIFE_DAYS)) @ WEIGHTS
    return np.stack([*parts, total(ever, counts)]), decayed


def _trend(windows: Reals) -> Reals:
    """Log ratio of the last week to the item's average week before it; 0 without interactions."""
    week, quarter = windows[1] @ WEIGHTS, windows[3] @ WEIGHTS
    before = (quarter - week) * 7.0 / (WINDOWS[3] - 7)
    trend: Reals = np.where(week > 0, np.log((week + 3.0) / (before + 3.0)), 0.0)
    return trend


def _rate(part: Reals, whole: Reals) -> Reals:
    prior = float(part.sum()) / max(float(whole.sum()), 1.0)
    rate: Reals = (part + _RATE_PRIOR * prior) / (whole + _RATE_PRIOR)
    return rate


def _block(windows: Reals, decayed: Reals, trend: Reals) -> Floats:
    week, month, ever = windows[1], windows[2], windows[-1]
    counts = np.log1p(windows)
    columns = [
        *(counts[w, :, level] for level in InteractionLevel for w in range(len(WINDOWS))),
        *(counts[-1, :, level] for level in InteractionLevel),
        *(
            _rate(w[:, InteractionLevel.ENGAGED], w[:, InteractionLevel.SHOWN])
            for w in (week, month, ever)
        ),
        _rate(ever[:, InteractionLevel.BOUGHT], ever[:, InteractionLevel.ENGAGED]),
        np.log1p(decayed),
        trend,
    ]
    return np.stack(columns, axis=1).astype(np.float32)


def _segment_sections(
    statistics: Statistics, position: Ints, popularity: Reals, as_of: int
) -> dict[str, Payload]:
    names = sorted(statistics.segments)
    row = np.array([names.index(name) for name in statistics.segments], np.int64)
    segments, numbers, days, counts = statistics.by_segment()
    item, n = position[numbers].astype(np.int64), len(popularity)
    age = np.maximum(as_of - days, 0)
    known = (item >= 0) & (age < SEGMENT_DAYS)
    weight = counts[known] * np.exp2(-age[known] / HALF_LIFE_DAYS)
    flat = np.bincount(row[segments[known]] * n + item[known], weight, len(names) * n)
    # A segment with little data is shrunk to everybody's taste.
    prior = _SEGMENT_PRIOR * popularity / max(popularity.sum(), 1e-12)
    scores = flat.reshape(len(names), n) + prior
    best = np.full((len(names), min(SHORT_LIST, n)), -1, np.int32)
    for i, score in enumerate(scores):
        found = _ranked(score, score > 0, best.shape[1])
        best[i, : len(found)] = found
    return {"segments": _json(names), "segment_popular": _array(best, "<i4")}


def _by_category(items: Sequence[Item], popularity: Reals) -> Ints:
    names = sorted({name for item in items for name in item.categories})
    members: dict[str, list[int]] = {name: [] for name in names}
    for i in np.argsort(-popularity, kind="stable"):
        for name in dict.fromkeys(items[i].categories):
            if len(members[name]) < SHORT_LIST:
                members[name].append(int(i))
    width = max(map(len, members.values()), default=0)
    best = np.full((len(names), width), -1, np.int32)
    for row, name in zip(best, names, strict=True):
        row[: len(members[name])] = members[name]
    return best


def neighbour_sections(
    statistics: Statistics, items: Sequence[Item], similarity: ItemSimilarity
) -> dict[str, Payload]:
    """Co-occurring items. Its cost grows with the number of pairs, so it may be built less often."""
    position = positions(statistics, items)
    met = statistics.pairs.neighbours(position, len(items), NEIGHBOURS)
    best, weight = cold_items.with_cold_neighbours(*met, similarity)
    return {
        "neighbours": _array(best, "<i4"),
        "neighbour_weight": _array(weight, "<f4"),
        "newcomers": cold_items.cold_section(similarity),
    }


def _ranked(score: Reals, allowed: Mask, most: int) -> Ints:
    order = np.argsort(-score, kind="stable")
    return order[allowed[order]][:most].astype(np.int32)


def _array(values: npt.ArrayLike, dtype: str) -> Payload:
    array = np.ascontiguousarray(values, dtype)
    return dtype, array.shape, array.tobytes()


def _json(values: Iterable[str]) -> Payload:
    return "json", (), json.dumps(list(values), ensure_ascii=False).encode()
