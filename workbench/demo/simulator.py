"""A documented simulator of visitors with known tastes: it makes the shop's history.

What each visitor likes is in `tastes`. How a visit goes:

1. A visitor comes 1 + geometric times, at any moment of the period, more often in the evening.
2. A visit starts at home, in a category (drawn by love) or with a search for one. A page shows a row
   of items, drawn without replacement by exp(appeal + trend): by a logging policy that knows what is
   popular and nothing of the visitor. The row is logged as an `exposure`, its lines in shown order.
3. Position bias: the item at rank r (from 0) is examined with probability 1 / (1 + 0.25 r); examined,
   it is clicked with probability sigmoid(utility - 3.2). A click opens its page (`click`, `view`).
4. An item page shows a row of what goes with it: `TOGETHER` and its own collection.
5. A viewed item is put in the cart with probability sigmoid(utility - 3.4); then, one time in two, its
   best partner is looked at and put there too. Six filled carts of ten are bought, in one `purchase`.

Everything is drawn from (seed, visitor), so a visitor's history does not depend on how many others
there are; the same arguments give the same events, ordered by time.
"""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from hemline.model.ids import hash64
from hemline.model.item import Item
from workbench.demo.catalogue import CATEGORIES, CURRENCY, TOGETHER, by_id
from workbench.demo.tastes import Floats, Taste, appeal, taste, trend, utility

Wire = dict[str, object]

_DAY = 86_400_000
_RETURN = 0.45
_ROW, _SHELF, _PARTNERS = 8, 12, 6
_EXAMINE = 0.25
_CLICK_AT, _CART_AT = 3.2, 3.4
_PAIR, _BUY = 0.5, 0.6
_EVENING = 19.5


def visitors_of(seed: int, visitors: int) -> list[str]:
    """The ids of the simulated visitors."""
    return [f"sim-{seed}-{number:05d}" for number in range(visitors)]


def history(*, until: int, seed: int = 7, visitors: int = 1500, days: int = 28) -> Iterator[Wire]:
    """Wire events of a signed batch, by time, all in the `days` before `until` (epoch ms).

    Each names its `visitor`, `country` and `device` beside the members of the HTTP contract.
    """
    walks = (_walk(visitor, seed, until, days) for visitor in visitors_of(seed, visitors))
    yield from heapq.merge(*walks, key=lambda event: (event["time"], event["id"]))


@dataclass
class _Walk:
    """One visitor on the way through the shop: the clock and the pen."""

    visitor: str
    taste: Taste
    rng: np.random.Generator
    until: int
    now: int = 0
    utility: Floats = field(default_factory=appeal)
    pull: Floats = field(default_factory=appeal)
    written: int = 0
    cart: list[int] = field(default_factory=list)

    def event(self, kind: str, **members: object) -> Wire:
        """The next event, a few seconds after the last one; never after the period's end."""
        self.now += int(self.rng.integers(2_000, 40_000))
        self.written += 1
        head = {"visitor": self.visitor, "id": f"{self.visitor}-{self.written}", "type": kind}
        traits = {"country": self.taste.country, "device": self.taste.device}
        return head | {"time": min(self.now, self.until - 1)} | members | traits

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return bool(self.rng.random() < probability)

    def likes(self, index: int, threshold: float) -> bool:
        """A draw of sigmoid(utility - threshold)."""
        return self.chance(1 / (1 + np.exp(threshold - self.utility[index])))


def _walk(visitor: str, seed: int, until: int, days: int) -> list[Wire]:
    rng = np.random.default_rng([seed, hash64(visitor)])
    walk = _Walk(visitor, taste(visitor), rng, until)
    events: list[Wire] = []
    for start in _visits(rng, days):
        progress = start / days
        rise = trend(progress)
        walk.now = max(walk.now, until - int((days - start) * _DAY))
        walk.utility, walk.pull = utility(walk.taste) + rise, appeal() + rise
        walk.cart = []
        events += _visit(walk)
    return events


def _visits(rng: np.random.Generator, days: int) -> list[float]:
    """Starts in days since the period's start, at least 90 minutes before its end."""
    count = int(rng.geometric(1 - _RETURN))
    hours = rng.normal(_EVENING, 3.5, count) % 24
    starts = np.floor(rng.uniform(0, days, count)) + hours / 24
    return sorted(np.minimum(starts, days - 0.0625).tolist())


def _visit(walk: _Walk) -> Iterator[Wire]:
    openings = (_home, _browse, _search)
    opening = openings[int(walk.rng.choice(3, p=[0.5, 0.4, 0.1]))]
    yield from opening(walk)
    while walk.chance(0.35):
        yield from _browse(walk)
    if walk.cart and walk.chance(_BUY):
        yield _purchase(walk)


def _home(walk: _Walk) -> Iterator[Wire]:
    yield from _row(walk, "for-you", _draw(walk, range(len(by_id())), _ROW))


def _browse(walk: _Walk) -> Iterator[Wire]:
    weights = np.exp(np.array(walk.taste.love))
    name = list(CATEGORIES)[int(walk.rng.choice(len(weights), p=weights / weights.sum()))]
    yield from _row(walk, "category", _draw(walk, _shelf(name), _SHELF))


def _search(walk: _Walk) -> Iterator[Wire]:
    yield walk.event("search", query=CATEGORIES[walk.taste.favourites[0]][0].lower())
    yield from _row(walk, "category", _draw(walk, _shelf(walk.taste.favourites[0]), _SHELF))


def _draw(walk: _Walk, pool: Sequence[int], count: int) -> list[int]:
    """Without replacement by exp(pull): the largest of log weight + Gumbel noise, in that order."""
    indices = np.array(pool, np.intp)
    scores = walk.pull[indices] + walk.rng.gumbel(size=len(indices))
    return [int(i) for i in indices[np.argsort(-scores)[:count]]]


def _row(walk: _Walk, slot: str, shown: list[int]) -> Iterator[Wire]:
    """One shown row and what follows from it; an item page inside shows its partners, once."""
    ids = _ids()
    lines = [{"item": ids[i]} for i in shown]
    exposure = walk.event("exposure", slot=slot, lines=lines)
    token = f"{exposure['id']}-row"
    yield exposure | {"token": token}
    for rank, index in enumerate(shown):
        examined = walk.chance(1 / (1 + _EXAMINE * rank))
        if not examined or not walk.likes(index, _CLICK_AT):
            continue
        yield walk.event("click", item=ids[index], slot=slot, token=token)
        yield from _look(walk, index)
        if slot != "goes-well-with" and walk.chance(0.6):
            yield from _row(walk, "goes-well-with", _draw(walk, _partners(index), _PARTNERS))


def _look(walk: _Walk, index: int) -> Iterator[Wire]:
    yield walk.event("view", item=_ids()[index])
    if index in walk.cart or not walk.likes(index, _CART_AT):
        return
    yield _put_in_cart(walk, index)
    if walk.chance(_PAIR):
        partners = [p for p in _partners(index) if p not in walk.cart]
        best = max(partners, key=lambda p: walk.utility[p])
        yield walk.event("view", item=_ids()[best])
        yield _put_in_cart(walk, best)


def _put_in_cart(walk: _Walk, index: int) -> Wire:
    walk.cart.append(index)
    return walk.event("add_to_cart", item=_ids()[index])


def _purchase(walk: _Walk) -> Wire:
    items = list(by_id().values())
    lines = [_line(walk, items[i]) for i in walk.cart]
    value = sum(float(str(line["price"])) * int(str(line["quantity"])) for line in lines)
    return walk.event("purchase", lines=lines, currency=CURRENCY, value=round(value, 2))


def _line(walk: _Walk, item: Item) -> Wire:
    many = item.categories[0] in {"cups", "bowls"} and walk.chance(0.5)
    return {"item": item.id, "quantity": 4 if many else 1, "price": item.price}


@cache
def _ids() -> list[str]:
    return list(by_id())


@cache
def _shelf(category: str) -> tuple[int, ...]:
    items = enumerate(by_id().values())
    return tuple(i for i, item in items if item.categories[0] == category)


@cache
def _partners(index: int) -> tuple[int, ...]:
    """What goes with an item: its partner categories, and its own collection in other categories."""
    items = list(by_id().values())
    own = items[index]
    return tuple(
        i
        for i, item in enumerate(items)
        if item.categories[0] != own.categories[0]
        and (
            item.categories[0] in TOGETHER[own.categories[0]]
            or item.attributes["collection"] == own.attributes["collection"]
        )
    )
