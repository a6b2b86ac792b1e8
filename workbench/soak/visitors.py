"""What many visitors, a shop's server and some broken clients send, in order of time; all seeded.

Calls as they come to the door, each event beside what it must become. Times go back by up to three
days within a visitor's events, as phones that were offline send them. Knows no stream and no store.
"""

import random
from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import Any, NamedTuple

import msgspec

from hemline.learn.profile.capsule import Capsule
from hemline.model.consent import UNSAID, Purpose, say
from hemline.model.decision import Traits
from hemline.model.durations import DAY_MS, HOUR_MS
from hemline.model.events.event import ITEM_EVENT, Event, OrderLine, worth
from hemline.usecases.ingest.collect import Caller

START = 1_780_000_000_000
SPAN = 12 * DAY_MS
"""How long it takes: more than the eight days after which a copy is late."""
_EVENTS_OF_ONE = 40
_ITEMS = 2000
_UNTIMED = 0.01
"""Share of a browser's events that come without a time."""
_KINDS = {
    "exposure": 0.52, "view": 0.24, "click": 0.1, "add_to_cart": 0.04, "purchase": 0.02,
    "wishlist": 0.01, "search": 0.03, "remove": 0.01, "custom": 0.03,
}  # fmt: skip
_NAMES, _CHANCES = tuple(_KINDS), tuple(accumulate(_KINDS.values()))
_COUNTRIES = ("GB", "DE", "FR", "US", "JP")
_DEVICES = ("mobile", "desktop", "tablet")


class SentEvent(NamedTuple):
    """One event of a call."""

    event: Event
    """What it must become, but for the time when none is stated."""
    subject: str
    wire: dict[str, Any]
    right: bool = True
    """False: the door must refuse it."""


class EventCall(NamedTuple):
    """One call to the door; `at` is epoch ms."""

    at: int
    caller: Caller
    sent: tuple[SentEvent, ...]

    @property
    def body(self) -> bytes:
        """As it goes over the wire."""
        return msgspec.json.encode({"events": [one.wire for one in self.sent]})

    @property
    def refused(self) -> frozenset[str]:
        """Purposes that the caller's capsule says no to."""
        said = self.caller.capsule.consent if self.caller.capsule else UNSAID
        return frozenset(one.value for one in Purpose if said.states(one) is False)

    def refusing(self, purposes: frozenset[str]) -> "EventCall":
        """With a capsule that says no to them."""
        choices = [(Purpose(purpose), False) for purpose in purposes]
        capsule = Capsule(self.caller.subject or "", say(choices, UNSAID, self.at))
        return self._replace(caller=self.caller._replace(capsule=capsule))


def traits_of(subject: str) -> Traits:
    """Country and device of a visitor; the catalogue has none."""
    if subject.startswith("i:"):
        return Traits()
    number = sum(subject.encode())
    return Traits(_COUNTRIES[number % len(_COUNTRIES)], _DEVICES[number % len(_DEVICES)])


def visitors_of(events: int) -> int:
    """How many there are, called n0, n1 and so on."""
    return max(20, events // _EVENTS_OF_ONE)


def calls(rng: random.Random, events: int, largest: int) -> Iterator[EventCall]:
    """Calls of up to `largest` events, `events` in all, none of them a repeat."""
    made, world = 0, _World(rng, visitors_of(events))
    while made < events:
        at = START + SPAN * made // events
        call = world.call(at, min(rng.randint(1, largest), events - made))
        made += len(call.sent)
        yield call


class _World:
    """Draws calls; every event gets an id of its own."""

    def __init__(self, rng: random.Random, visitors: int) -> None:
        self._rng, self._visitors, self._number = rng, visitors, 0

    def call(self, at: int, count: int) -> EventCall:
        draw = self._rng.random()
        if draw < 0.05:
            return EventCall(at, Caller(signed=True), tuple(self._item(at) for _ in range(count)))
        if draw < 0.15:
            return EventCall(at, Caller(signed=True), tuple(self._told(at) for _ in range(count)))
        subject = f"v:{self._somebody()}"
        caller = Caller(
            subject,
            opted_out=draw < 0.17,
            traits=traits_of(subject),
            program=0.17 <= draw < 0.19,
        )
        return EventCall(at, caller, tuple(self._seen(at, subject) for _ in range(count)))

    def _seen(self, at: int, subject: str) -> SentEvent:
        """What a browser sends: of itself, mostly right."""
        event = self._event(at)
        if self._rng.random() < 0.01:
            return SentEvent(
                event, subject, self._rng.choice(_MISTAKES)(to_wire(event)), right=False
            )
        wire = to_wire(event)
        if self._rng.random() < _UNTIMED:
            del wire["time"]
        return SentEvent(event, subject, wire)

    def _told(self, at: int) -> SentEvent:
        """What a server sends: of somebody, with the traits that somebody has."""
        name = self._somebody()
        field, subject = self._rng.choice((("user", f"u:{name}"), ("visitor", f"v:{name}")))
        event, traits = self._event(at), traits_of(subject)
        told = {field: name, "country": traits.country, "device": traits.device}
        return SentEvent(event, subject, to_wire(event) | told)

    def _item(self, at: int) -> SentEvent:
        name = self._thing()
        properties = {
            "title": f"Thing {name}",
            "url": f"/{name}",
            "price": self._rng.randint(1, 99),
        }
        event = Event(self._id(), ITEM_EVENT, at, name, properties=properties)
        return SentEvent(event, f"i:{name}", to_wire(event))

    def _event(self, at: int) -> Event:
        rng = self._rng
        kind = rng.choices(_NAMES, cum_weights=_CHANCES)[0]
        old = rng.random()
        time = at - rng.randrange(3 * DAY_MS if old < 0.02 else 2 * HOUR_MS if old < 0.1 else 5000)
        event = Event(self._id(), kind, time)
        return msgspec.structs.replace(event, **self._about(kind))

    def _about(self, kind: str) -> dict[str, Any]:
        rng = self._rng
        if kind == "exposure":
            return {
                "slot": "hero",
                "lines": tuple(OrderLine(self._thing()) for _ in range(rng.randint(1, 6))),
            }
        if kind == "purchase":
            lines = tuple(
                OrderLine(self._thing(), rng.randint(1, 5), rng.randint(1, 99) / 2)
                for _ in range(rng.randint(1, 12))
            )
            return {"lines": lines, "currency": "GBP", "value": worth(lines)}
        if kind == "search":
            return {"query": f"red {self._thing()}"}
        return (
            {"properties": {"step": rng.randrange(9)}}
            if kind == "custom"
            else {"item": self._thing()}
        )

    def _id(self) -> str:
        self._number += 1
        return f"{self._rng.getrandbits(48):012x}-{self._number}"

    def _somebody(self) -> str:
        # A few come all the time and fill their profiles, most come now and then.
        return f"n{int(self._visitors * self._rng.random() ** 2)}"

    def _thing(self) -> str:
        return f"thing-{int(_ITEMS * self._rng.random() ** 3)}"


def to_wire(event: Event) -> dict[str, Any]:
    """The event as a client spells it."""
    found: dict[str, Any] = msgspec.to_builtins(event)
    return found


_MISTAKES: tuple[Callable[[dict[str, Any]], dict[str, Any]], ...] = (
    lambda wire: wire | {"type": "glance"},
    lambda wire: wire | {"item": "two words"},
    lambda wire: wire | {"time": "yesterday"},
    lambda wire: wire | {"colour": "red"},
    lambda wire: wire | {"lines": [{"item": "thing-1", "quantity": 0}]},
    lambda wire: wire | {"properties": {"deep": {"a": {"b": {"c": {"d": 1}}}}}},
    lambda wire: wire | {"user": "somebody-else"},
)
"""What a door must refuse; the last one would write to another person's profile."""
