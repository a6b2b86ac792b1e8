"""Content vectors of items: their products say how alike two items are, without any statistics.

Terms (categories, tags, attributes, words of the title, price bands) are weighted by inverse document
frequency and hashed into `WIDTH` columns, so the size is bounded whatever the vocabulary. A term that no
other item has only adds to the length of a row: it makes the item less like all others.

Pure: the same items give the same bytes, in every process. Knows no counts and no edition.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from hemline.learn.array_types import Floats
from hemline.model.ids import hash64
from hemline.model.item import Item

WIDTH = 128
_SPOTS = 4
"""Columns that a term is hashed to, each with a sign: collisions cancel on average."""
_MOST_TERMS = 48
"""Terms of one item: a long title must not drown its categories."""
_BANDS = 2.0
"""Price bands a doubling; an item is in two of them, so that no boundary separates close prices."""
_WORD = re.compile(r"[^\W\d_]{3,}")


def terms(item: Item) -> list[str]:
    """The distinct terms of an item, the most informative kinds first."""
    named = (
        *(f"category:{name}" for name in item.categories),
        *(f"tag:{name}" for name in item.tags),
        *(f"{key}:{value}" for key, value in item.attributes.items() if isinstance(value, str)),
        *_bands(item.price),
        *(f"word:{word}" for word in _WORD.findall(item.title.casefold())),
    )
    return list(dict.fromkeys(named))[:_MOST_TERMS]


def vectors(
    items: Sequence[Item], terms: Callable[[Item], list[str]] = terms, width: int = WIDTH
) -> Floats:
    """[n, width], rows of length about 1 at most: their dot products are similarities, -1 to 1.

    A row is 0 when the item shares no term with another one.
    """
    own = [terms(item) for item in items]
    counts = Counter(term for part in own for term in part)
    weight = {term: _weight(term, count, len(items)) for term, count in counts.items()}
    spots = {term: _spots(term, width) for term, count in counts.items() if count > 1}
    rows = np.zeros((len(items), width), np.float32)
    for row, part in zip(rows, own, strict=True):
        length = math.sqrt(sum(weight[term] ** 2 for term in part)) or 1.0
        for term in part:
            for column, sign in spots.get(term, ()):
                row[column] += sign * weight[term] / length
    return rows


def _weight(term: str, count: int, items: int) -> float:
    # Each item has two bands for one price, and a price says less about a thing than its name.
    share = 0.5 if term.startswith("price:") else 1.0
    return share * math.log((items + 1) / count)


def _bands(price: float | None) -> Iterator[str]:
    if price is None or not price > 0:
        return
    band = math.log2(price) * _BANDS
    yield from (f"price:{math.floor(band)}", f"price:{math.floor(band) + 1}")


def _spots(term: str, width: int) -> list[tuple[int, float]]:
    """Columns and signed shares of a term; their squares sum up to about 1."""
    share = 1.0 / math.sqrt(_SPOTS)
    found = []
    bits = hash64(term)
    for _ in range(_SPOTS):
        bits, low = bits >> 16, bits & 0xFFFF
        found.append(((low >> 1) % width, share if low & 1 else -share))
    return found
