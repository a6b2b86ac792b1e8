"""Facts that only rules read. Each is computed when a rule first reads it.

Each is a function of the request, the profile or the edition; names and kinds are listed in
`decide/facts/names.py`. Visitor and cart facts are there only with consent.
"""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qs, urlsplit

import msgspec
import numpy as np

from hemline.decide.facts.clock import LOCAL
from hemline.decide.facts.exact_price import price_of, total
from hemline.decide.facts.facts import Fact, Maker, MissingFact
from hemline.decide.facts.names import window
from hemline.decide.facts.snapshot import Snapshot
from hemline.learn.array_types import Longs
from hemline.learn.profile import alerts
from hemline.learn.profile.fold import BOUGHT, ENGAGED, SHOWN, TYPES
from hemline.model.decision import PageContext, Traits
from hemline.model.durations import DAY_MINUTES, DAY_MS, MINUTE_MS
from hemline.model.edition import UNKNOWN_STOCK
from hemline.model.input.text import normal
from hemline.usecases.serving.visitor_context import VisitorContext

if TYPE_CHECKING:
    from hemline.learn.profile.columns import Columns

_encode = msgspec.json.Encoder().encode
_SOUTH = "AO AR AU BO BR BW CL FJ LS MG MU MW MZ NA NZ PE PG PY RE SZ TL UY VU WS ZA ZM ZW"
"""Countries where most people live south of the equator."""


class RequestContext(NamedTuple):
    """The inputs of request facts. `minute`: epoch ms, cut to the minute."""

    page: PageContext
    traits: Traits
    snapshot: Snapshot
    minute: int


def others(page: PageContext, traits: Traits, snapshot: Snapshot, visitor: VisitorContext) -> Maker:
    """Under `facts.OTHERS`: a fact whose value finds further facts by name."""
    request, history = (
        RequestContext(page, traits, snapshot, visitor.minute),
        ProfileHistory(visitor, snapshot),
    )

    def find(name: str) -> Fact:
        provider = OF_REQUEST.get(name)
        if provider is not None:
            value = provider(request)
            return Fact(value, _encode(value))
        if visitor.consented and name in OF_CART:
            value = OF_CART[name](request)
            return Fact(value, _encode(value))
        if visitor.consented and visitor.subject:
            return visitor.fact(history.value(name))
        raise MissingFact(name)

    fact = Fact(find, b"")
    return lambda: fact


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _query(name: str) -> Callable[[RequestContext], str]:
    def value(request: RequestContext) -> str:
        _, _, query = request.page.url.partition("?")
        try:
            found = parse_qs(query.partition("#")[0], max_num_fields=100).get(name, [""])
            return normal(found[0])
        except ValueError:
            return ""

    return value


def _item(request: RequestContext) -> int:
    """The index of the page's item. Raises MissingFact."""
    index = request.snapshot.index.get(request.page.item or "", -1)
    if index < 0:
        raise MissingFact("page.item")
    return index


def _categories_of(snapshot: Snapshot, index: int) -> list[str]:
    flat, at = snapshot.item_categories
    return [snapshot.categories[c] for c in flat[at[index] : at[index + 1]].tolist()]


def _price(request: RequestContext) -> float | None:
    return price_of(request.snapshot, _item(request))


def _stock(request: RequestContext) -> int | None:
    stock = int(request.snapshot.stock[_item(request)])
    return None if stock == UNKNOWN_STOCK else stock


def _place(request: RequestContext) -> tuple[float, float] | None:
    latitude, longitude = request.traits.latitude, request.traits.longitude
    return None if latitude is None or longitude is None else (latitude, longitude)


def _site_time(name: str) -> Callable[[RequestContext], int | str]:
    def value(request: RequestContext) -> int | str:
        time, minute = request.snapshot.header.time, request.minute // MINUTE_MS
        return LOCAL[name](minute + time.own.at(minute), time.hemisphere)

    return value


def _visitor_time(name: str) -> Callable[[RequestContext], int | str]:
    def value(request: RequestContext) -> int | str:
        time, minute = request.snapshot.header.time, request.minute // MINUTE_MS
        offsets = time.of(request.traits.time_zone)
        if offsets is None:
            raise MissingFact(f"trait.{name}")
        return LOCAL[name](minute + offsets.at(minute), _hemisphere(request))

    return value


def _hemisphere(request: RequestContext) -> str:
    """The visitor's: by latitude, else by country, else the site's."""
    traits = request.traits
    if traits.latitude is not None:
        return "south" if traits.latitude < 0 else "north"
    if traits.country:
        return "south" if traits.country in _SOUTH else "north"
    return request.snapshot.header.time.hemisphere


OF_REQUEST: Mapping[str, Callable[[RequestContext], object]] = {
    "trait.region": lambda request: normal(request.traits.region),
    "trait.city": lambda request: normal(request.traits.city),
    "trait.lat": lambda request: request.traits.latitude,
    "trait.lon": lambda request: request.traits.longitude,
    "trait.place": _place,
    "trait.time_zone": lambda request: request.traits.time_zone,
    "page.referrer": lambda request: request.page.referrer,
    "page.referrer_host": lambda request: _host(request.page.referrer),
    "page.app_version": lambda request: request.page.app_version,
    "page.campaign": _query("utm_campaign"),
    "page.utm_source": _query("utm_source"),
    "page.utm_medium": _query("utm_medium"),
    "page.item_categories": lambda request: _categories_of(request.snapshot, _item(request)),
    "page.item_price": _price,
    "page.item_stock": _stock,
    **{f"clock.{name}": _site_time(name) for name in LOCAL},
    **{f"trait.{name}": _visitor_time(name) for name in LOCAL},
}
"""Name → its value; None for what is not known."""


def _cart_value(request: RequestContext) -> float | None:
    items = request.snapshot.indices(list(dict.fromkeys(request.page.cart))).tolist()
    return total(request.snapshot, ((item, 1) for item in items))


def _cart_categories(request: RequestContext) -> list[str]:
    items = request.snapshot.indices(request.page.cart).tolist()
    names = (name for item in items for name in _categories_of(request.snapshot, item))
    return list(dict.fromkeys(names))


OF_CART: Mapping[str, Callable[[RequestContext], object]] = {
    "cart.count": lambda request: len(set(request.page.cart)),
    "cart.value": _cart_value,
    "cart.categories": _cart_categories,
}
"""Facts of the cart that the page states: each item counts once, at today's price."""


class ProfileHistory:
    """Visitor facts for rules, from the actions that the profile still holds, at today's prices."""

    def __init__(self, visitor: VisitorContext, snapshot: Snapshot) -> None:
        self._visitor, self._snapshot = visitor, snapshot

    def value(self, name: str) -> object:
        """Raises MissingFact for an unknown name, Unavailable when the profile could not be read."""
        plain = _OF_VISITOR.get(name)
        if plain is not None:
            return plain(self)
        family, _, rest = name.removeprefix("visitor.").partition(".")
        if family not in _OF_FAMILY or not rest:
            raise MissingFact(name)
        return _OF_FAMILY[family](self, rest)

    @cached_property
    def _columns(self) -> "Columns":
        return self._visitor.profile().columns(BOUGHT, ENGAGED, SHOWN)

    def affinity(self, category: str) -> float:
        """The category's share of the visitor's interactions, 0 to 1."""
        at = self._snapshot.category_index.get(category)
        return 0.0 if at is None else float(self._visitor.view().category_share[at])

    def count(self, rest: str) -> int:
        """Actions of a type, all that are kept or those of the last days."""
        event_type, days = window(rest)
        times = self._times(event_type)
        since = 0 if days is None else self._visitor.minute - days * DAY_MS
        return int(np.count_nonzero(times >= since))

    def _times(self, event_type: str) -> Longs:
        if event_type not in TYPES:
            raise MissingFact(event_type)
        times: Longs = self._columns.times[self._columns.kinds == TYPES.index(event_type)]
        return times

    def last(self, event_type: str) -> int | None:
        """Epoch ms of the newest action of a type."""
        times = self._times(event_type)
        return int(times.max()) if times.size else None

    def items(self, event_type: str) -> list[str]:
        """Distinct item ids of the actions of a type, newest first."""
        self._times(event_type)
        columns = self._columns
        here = (columns.kinds == TYPES.index(event_type)).repeat(columns.counts)
        return list(dict.fromkeys(columns.items[at] for at in columns.positions[here].tolist()))

    def alert(self, slot: str) -> dict[str, object]:
        """When a capped slot was seen and answered, epoch ms, and since when all of that is known."""
        packed = self._visitor.profile().alerts
        seen, answered = alerts.history_of(packed, slot)
        return {
            "exposures": [second * 1000 for second in seen],
            "answers": [second * 1000 for second in answered],
            "known_since": alerts.known_since(packed) * 1000,
        }

    def days_since(self, time: int | None) -> float | None:
        """Days from a time (epoch ms) to now; None for never."""
        return None if not time else max(self._visitor.minute - time, 0) / (DAY_MINUTES * MINUTE_MS)

    def since_last(self) -> float | None:
        """Days since anything at all."""
        return self.days_since(self._visitor.profile().last_seen)

    def since_first(self) -> float | None:
        """Days since the first that is known."""
        return self.days_since(self._visitor.profile().first_seen)

    def spent(self) -> float | None:
        """Quantities bought times today's prices; None when one of them has no rate."""
        columns = self._columns
        bought = (columns.kinds == TYPES.index("purchase")).repeat(columns.counts)
        index = [self._snapshot.index.get(item, -1) for item in columns.items]
        items = np.array(index, np.int64)[columns.positions[bought]]
        in_edition = items >= 0
        quantities = columns.quantities[bought][in_edition].tolist()
        return total(self._snapshot, zip(items[in_edition].tolist(), quantities, strict=True))


_OF_VISITOR: Mapping[str, Callable[[ProfileHistory], object]] = {
    "visitor.days_since_last": ProfileHistory.since_last,
    "visitor.days_since_first": ProfileHistory.since_first,
    "visitor.last_purchase_days": lambda history: history.days_since(history.last("purchase")),
    "visitor.lifetime_value": ProfileHistory.spent,
}
_OF_FAMILY: Mapping[str, Callable[[ProfileHistory, str], object]] = {
    "affinity": ProfileHistory.affinity,
    "count": ProfileHistory.count,
    "last": ProfileHistory.last,
    "items": ProfileHistory.items,
    "alert": ProfileHistory.alert,
}
