"""The naive variant's shop and visitor: plain objects, dicts and loops. Used by `decide`."""

import math
from collections import defaultdict
from collections.abc import Iterator

from pydantic import BaseModel

from hemline.decide.facts.snapshot import Snapshot
from hemline.model.item import Item

TASTE = {
    "view": 1,
    "click": 1,
    "rate": 1,
    "share": 1,
    "add_to_cart": 2,
    "wishlist": 2,
    "purchase": 2,
}


class NaiveAction(BaseModel):
    """One action of the visitor."""

    time: int
    type: str
    items: list[str]
    quantities: list[int]


class NaiveProfile(BaseModel):
    """The visitor's actions by ring, newest first."""

    bought: list[NaiveAction]
    engaged: list[NaiveAction]
    shown: list[NaiveAction]


class NaiveItem(BaseModel):
    """An item of the catalogue."""

    id: str
    title: str
    url: str
    image: str
    price: float | None
    currency: str


class NaiveShop(BaseModel):
    """The data that is the same for all visitors; lists are by item index unless stated."""

    items: list[NaiveItem]
    index: dict[str, int]
    """Item id → index."""
    published: list[int]
    """Epoch ms; 0 when unknown."""
    category: list[int]
    stats: list[list[float]]
    """In the order of `STATS`."""
    terms: list[list[int]]
    width: int
    """Most terms that an item can have."""
    term_share: list[float]
    """By term: its share of all interactions."""
    neighbours: list[list[tuple[int, float]]]
    """(item index, co-occurrence weight)."""

    @classmethod
    def read(cls, snapshot: Snapshot, items: tuple[Item, ...]) -> "NaiveShop":
        """The edition's numbers as Python lists."""
        near, weight = snapshot.neighbours
        count = len(snapshot.term_share) - 1
        return cls(
            items=[
                NaiveItem(
                    id=i.id, title=i.title, url=i.url, image=i.image, price=i.price,
                    currency=i.currency,
                )
                for i in items
            ],
            index=snapshot.index,
            published=snapshot.published.tolist(),
            category=snapshot.main_category.tolist(),
            stats=snapshot.item_stats.tolist(),
            terms=[[t for t in row if t < count] for row in snapshot.item_terms.tolist()],
            width=snapshot.item_terms.shape[1],
            term_share=snapshot.term_share.tolist(),
            neighbours=[
                [(i, w) for i, w in zip(*pair, strict=True) if i >= 0]
                for pair in zip(near.tolist(), weight.tolist(), strict=True)
            ],
        )  # fmt: skip


class NaiveInteractions(BaseModel):
    """The visitor's interactions with one item."""

    bought: int = 0
    carted: int = 0
    quantity: int = 0
    engaged: int = 0
    shown: int = 0
    last: dict[str, int] = {}
    first: int = 0

    def gap(self) -> float:
        """Mean milliseconds between purchases; 0 with fewer than two."""
        return (self.last["bought"] - self.first) / (self.bought - 1) if self.bought > 1 else 0.0


class NaiveVisitor:
    """The visitor's features, computed from the profile."""

    LAST = ("bought", "engaged", "shown")

    def __init__(self, profile: NaiveProfile, shop: NaiveShop) -> None:
        self._profile, self._shop = profile, shop
        self.purchases = sum(action.type == "purchase" for action in profile.bought)
        self.interactions: dict[int, NaiveInteractions] = defaultdict(NaiveInteractions)
        self._count_interactions()
        taken = sorted([*self._lines("bought"), *self._lines("engaged")], key=lambda t: -t[0])
        self._taken = [(i, TASTE[kind] * 0.98**n) for n, (_, i, kind, _) in enumerate(taken)]
        self._total = sum(weight for _, weight in self._taken)
        self.lift = self._lift()
        self.category_share: dict[int, float] = defaultdict(float)
        for index, weight in self._taken:
            self.category_share[shop.category[index]] += weight / max(self._total, 1.0)
        self.together: dict[int, float] = defaultdict(float)
        for place, index in enumerate(list(dict.fromkeys(i for i, _ in self._taken))[:12]):
            for other, weight in shop.neighbours[index]:
                self.together[other] += weight * 0.85**place
        self.price = self._mean(lambda i: math.log(shop.items[i].price or 1.0))
        self.born = self._mean(lambda i: float(shop.published[i]))
        actions = [*profile.bought, *profile.engaged, *profile.shown]
        self.seen = max(action.time for action in actions)

    def _lines(self, ring: str) -> Iterator[tuple[int, int, str, int]]:
        for action in getattr(self._profile, ring):
            for item, quantity in zip(action.items, action.quantities, strict=True):
                yield action.time, self._shop.index[item], action.type, quantity

    def _count_interactions(self) -> None:
        for ring in self.LAST:
            for time, index, kind, quantity in self._lines(ring):
                met = self.interactions[index]
                met.last = {ring: time} | met.last
                if ring == "engaged":
                    met.engaged += 1
                elif ring == "shown":
                    met.shown += 1
                else:
                    met.bought += kind == "purchase"
                    met.carted += kind != "purchase"
                    met.quantity += quantity
                    met.first = time

    def _lift(self) -> dict[int, float]:
        liked: dict[int, float] = defaultdict(float)
        met: dict[int, float] = defaultdict(float)
        for index, weight in self._taken:
            for term in self._shop.terms[index]:
                liked[term] += weight
        shown = [index for _, index, _, _ in self._lines("shown")]
        for index in shown:
            for term in self._shop.terms[index]:
                met[term] += 1
        lift: dict[int, float] = {}
        for term, share in enumerate(self._shop.term_share[:-1]):
            expected = (met[term] + 20.0 * share) * self._total / (len(shown) + 20.0)
            lift[term] = math.log((liked[term] + 1.0) / (expected + 1.0))
        return lift

    def _mean(self, value: "object") -> float | None:
        if not self._total:
            return None
        return sum(value(i) * weight for i, weight in self._taken) / self._total  # type: ignore[operator]

    def totals(self) -> dict[str, float]:
        """How much the visitor did of each kind."""
        profile = self._profile
        return {
            "visitor_purchases": math.log1p(self.purchases),
            "visitor_carted": math.log1p(len(profile.bought) - self.purchases),
            "visitor_engaged": math.log1p(len(profile.engaged)),
            "visitor_shown": math.log1p(len(profile.shown)),
        }
