"""What conditions mean, read plainly: an oracle that shares no code with the compiled ones.

Each comparison that generated sites use stands here beside one line of Python that says the same of
whoever asks. Knows the model's nouns and nothing of `decide`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from hemline.model.events.event import Record
from hemline.model.site.rule import Condition, Every, Not, Segment, Some, When

DAY = 86_400_000
LONDON = (51.5, -0.13)


class Doubt(Exception):  # noqa: N818 - nobody can tell
    """The fact cannot be had, or does not compare so."""


class Asker(NamedTuple):
    """Who asks for what, as one slot may know it; None is what is not there."""

    minute: int
    """Epoch ms."""
    country: str = ""
    device: str = ""
    language: str = ""
    region: str = ""
    place: tuple[float, float] | None = None
    page: str = ""
    item: str | None = None
    category: str | None = None
    path: str = ""
    campaign: str = ""
    app_version: str = ""
    cart: tuple[str, ...] | None = None
    told: tuple[Record, ...] | None = None
    """What the visitor did; use `acts`."""
    unreadable: bool = False

    @property
    def acts(self) -> tuple[Record, ...] | None:
        """Raises Doubt when there is a profile that could not be read."""
        if self.unreadable:
            raise Doubt
        return self.told

    def did(self, kind: str, days: int | None = None) -> list[Record]:
        """Acts of a type, all or of the last days; none of somebody unknown."""
        since = 0 if days is None else self.minute - days * DAY
        return [r for r in self.acts or () if r.event.type == kind and r.event.time >= since]


Plain = Callable[[Asker], bool]


def _known(asker: Asker) -> bool:
    return asker.acts is not None


def _spent(asker: Asker, prices: Mapping[str, float]) -> float:
    lines = [line for record in asker.did("purchase") for line in record.event.items()]
    return sum(line.quantity * prices.get(line.item, 0.0) for line in lines)


def _doubt(_asker: Asker) -> bool:
    raise Doubt


def _newest(asker: Asker, kind: str) -> int:
    return max((record.event.time for record in asker.did(kind)), default=0)


def _bought(asker: Asker) -> set[str]:
    return {line.item for record in asker.did("purchase") for line in record.event.items()}


PRICES = {f"i{n}": 1.0 + n for n in range(14) if n != 9}
_LEAVES: Sequence[tuple[Condition, Plain]] = (
    (Condition("trait.country", "eq", "GB"), lambda a: a.country == "GB"),
    (Condition("trait.country", "ne", "GB"), lambda a: a.country != "GB"),
    (Condition("trait.country", "in", ["FR", "DE"]), lambda a: a.country in {"FR", "DE"}),
    (Condition("trait.country", "gt", 3), _doubt),
    (Condition("trait.device", "eq", "mobile"), lambda a: a.device == "mobile"),
    (Condition("trait.language", "matches", "^(de|fr)$"), lambda a: a.language in {"de", "fr"}),
    (Condition("trait.region", "exists"), lambda a: bool(a.region)),
    (Condition("trait.region", "exists", value=False), lambda a: not a.region),
    (
        Condition("trait.place", "distance_km", [*LONDON, 30]),
        lambda a: a.place is not None and a.place == LONDON,
    ),
    (Condition("page.type", "contains", "om"), lambda a: "om" in a.page),
    (Condition("page.item", "eq", "i3"), lambda a: a.item == "i3"),
    (Condition("page.item", "exists", value=False), lambda a: not a.item),
    (
        Condition("page.item_price", "lt", 5),
        lambda a: a.item in PRICES and PRICES[a.item or ""] < 5,
    ),
    (Condition("page.category", "exists"), lambda a: bool(a.category)),
    (Condition("page.url", "starts_with", "/sale"), lambda a: a.path.startswith("/sale")),
    (Condition("page.campaign", "eq", "autumn"), lambda a: a.campaign == "autumn"),
    (
        Condition("page.app_version", "semver", ">=2.0"),
        lambda a: a.app_version in {"2.0.0", "2.3.1"},
    ),
    (Condition("page.cart", "contains", "i3"), lambda a: a.cart is not None and "i3" in a.cart),
    (Condition("cart.count", "ge", 2), lambda a: a.cart is not None and len(a.cart) >= 2),
    (
        Condition("cart.value", "between", [1, 10]),
        lambda a: a.cart is not None and 1 <= sum(PRICES.get(i, 0) for i in set(a.cart)) <= 10,
    ),
    (Condition("clock.hour", "le", 22), lambda a: a.minute // 3_600_000 % 24 <= 22),
    (Condition("clock.weekday", "eq", "tuesday"), lambda a: (a.minute // DAY + 4) % 7 == 2),
    (Condition("visitor.known", "eq", value=True), lambda a: _known(a) and bool(a.acts)),
    (Condition("visitor.known", "exists", value=False), lambda a: not _known(a)),
    (Condition("visitor.count.click", "ge", 2), lambda a: _known(a) and len(a.did("click")) >= 2),
    (Condition("visitor.count.click", "lt", 2), lambda a: _known(a) and len(a.did("click")) < 2),
    (
        Condition("visitor.count.purchase.30d", "gt", 0),
        lambda a: _known(a) and bool(a.did("purchase", 30)),
    ),
    (
        Condition("visitor.lifetime_value", "gt", 9),
        lambda a: _known(a) and _spent(a, PRICES) > 9,
    ),
    (
        Condition("visitor.last.add_to_cart", "within_days", 7),
        lambda a: _known(a) and 0 <= a.minute - _newest(a, "add_to_cart") <= 7 * DAY,
    ),
    (Condition("visitor.items.purchase", "contains", "i6"), lambda a: "i6" in _bought(a)),
    (Condition("visitor.affinity.c1", "ge", 0), _known),
    (Condition("segment.keen", "eq", value=True), lambda a: holds(SEGMENTS[0].when[0], a)),
    (Condition("segment.abroad", "ne", value=True), lambda a: not in_segment("abroad", a)),
    (Condition("segment.nobody", "eq", value=True), _doubt),
    (Condition("nothing.known", "exists", value=False), lambda _a: True),
)
LEAVES = tuple(condition for condition, _ in _LEAVES)
_PLAIN = {msgspec.json.encode(condition): plain for condition, plain in _LEAVES}

SEGMENTS: tuple[Segment, ...] = (
    Segment("keen", (Condition("visitor.count.click", "ge", 2),)),
    Segment(
        "abroad",
        (
            Not(Condition("trait.country", "eq", "GB")),
            Some(
                (
                    Condition("page.category", "exists"),
                    Condition("visitor.known", "eq", value=True),
                )
            ),
        ),
    ),
)


def in_segment(name: str, asker: Asker) -> bool:
    """Raises Doubt, for a segment that is none as well."""
    found = next((one for one in SEGMENTS if one.name == name), None)
    if found is None:
        raise Doubt
    return all(holds(one, asker) for one in found.when)


def holds(one: When, asker: Asker) -> bool:
    """The plain reading of a condition: from left to right, no further than needed. Raises Doubt."""
    if isinstance(one, Every):
        return all(holds(part, asker) for part in one.of)
    if isinstance(one, Some):
        return any(holds(part, asker) for part in one.of)
    if isinstance(one, Not):
        return not holds(one.of, asker)
    return _PLAIN[msgspec.json.encode(one)](asker)
