"""Seeded calls of many visitors, a shop's server and some broken clients, in order of time.

Each event comes with the event that ingest must make of it. Times go back by up to three days within a
visitor's events, as from phones that were offline. Knows no stream and no store.
"""

import random
from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import Any, NamedTuple

import msgspec

from hemline.learn.profile.capsule import Capsule
from hemline.model.consent import NOT_STATED, Purpose, with_choices
from hemline.model.decision import Traits
from hemline.model.durations import DAY_MS, HOUR_MS
from hemline.model.events.event import ITEM_EVENT, Event, OrderLine, worth
from hemline.usecases.ingest.collect import Caller

START = 1_780_000_000_000
DAY = 86_400_000
SPAN = 12 * DAY
"""Length of the simulated time: more than the eight days after which a copy is late."""
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
    """What it must become. Without a time on the wire, its time is that of the call."""
    subject: str
    wire: dict[str, Any]
    """The JSON object that is sent."""
    right: bool = True
    """False: the collect endpoint must refuse it."""


class EventCall(NamedTuple):
    """One call to the collect endpoint; `at` is epoch ms."""

    at: int
    caller: Caller
    sent: tuple[SentEvent, ...]

    @property
    def body(self) -> bytes:
        """The body of POST /v1/events."""
        return msgspec.json.encode({"events": [one.wire for one in self.sent]})

    @property
    def refused(self) -> frozenset[str]:
        """Purposes that the caller's capsule refuses."""
        consent = self.caller.capsule.consent if self.caller.capsule else NOT_STATED
        return frozenset(one.value for one in Purpose if consent.states(one) is False)

    def refusing(self, purposes: frozenset[str]) -> "EventCall":
        """The call with a capsule that refuses `purposes`."""
        choices = [(Purpose(purpose), False) for purpose in purposes]
        capsule = Capsule(self.caller.subject or "", with_choices(choices, NOT_STATED, self.at))
        return self._replace(caller=self.caller._replace(capsule=capsule))


def traits_of(subject: str) -> Traits:
    """Country and device of a subject; items have none."""
    if subject.startswith("i:"):
        return Traits()
    number = sum(subject.encode())
    return Traits(_COUNTRIES[number % len(_COUNTRIES)], _DEVICES[number % len(_DEVICES)])


def visitors_of(events: int) -> int:
    """Number of visitors for so many events. They are called n0, n1 and so on."""
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
    """Draws calls. Every event gets an id of its own."""

    def __init__(self, rng: random.Random, visitors: int) -> None:
        self._rng, self._visitors, self._number = rng, visitors, 0

    def call(self, at: int, count: int) -> EventCall:
        draw = self._rng.random()
        if draw < 0.05:
            return EventCall(
                at, Caller(signed=True), tuple(self._item_event(at) for _ in range(count))
            )
        if draw < 0.15:
            return EventCall(
                at, Caller(signed=True), tuple(self._server_event(at) for _ in range(count))
            )
        subject = f"v:{self._visitor()}"
        caller = Caller(
            subject,
            opted_out=draw < 0.17,
            traits=traits_of(subject),
            program=0.17 <= draw < 0.19,
        )
        return EventCall(at, caller, tuple(self._browser_event(at, subject) for _ in range(count)))

    def _browser_event(self, at: int, subject: str) -> SentEvent:
        """An event that a browser sends about its own visitor; one in a hundred is wrong."""
        event = self._event(at)
        if self._rng.random() < 0.01:
            return SentEvent(
                event, subject, self._rng.choice(_MISTAKES)(to_wire(event)), right=False
            )
        wire = to_wire(event)
        if self._rng.random() < _UNTIMED:
            del wire["time"]
        return SentEvent(event, subject, wire)

    def _server_event(self, at: int) -> SentEvent:
        """An event that a server sends about a user or visitor, with their traits."""
        name = self._visitor()
        field, subject = self._rng.choice((("user", f"u:{name}"), ("visitor", f"v:{name}")))
        event, traits = self._event(at), traits_of(subject)
        told = {field: name, "country": traits.country, "device": traits.device}
        return SentEvent(event, subject, to_wire(event) | told)

    def _item_event(self, at: int) -> SentEvent:
        name = self._item_id()
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
                "lines": tuple(OrderLine(self._item_id()) for _ in range(rng.randint(1, 6))),
            }
        if kind == "purchase":
            lines = tuple(
                OrderLine(self._item_id(), rng.randint(1, 5), rng.randint(1, 99) / 2)
                for _ in range(rng.randint(1, 12))
            )
            return {"lines": lines, "currency": "GBP", "value": worth(lines)}
        if kind == "search":
            return {"query": f"red {self._item_id()}"}
        return (
            {"properties": {"step": rng.randrange(9)}}
            if kind == "custom"
            else {"item": self._item_id()}
        )

    def _id(self) -> str:
        self._number += 1
        return f"{self._rng.getrandbits(48):012x}-{self._number}"

    def _visitor(self) -> str:
        # A few come all the time and fill their profiles, most come now and then.
        return f"n{int(self._visitors * self._rng.random() ** 2)}"

    def _item_id(self) -> str:
        return f"thing-{int(_ITEMS * self._rng.random() ** 3)}"


def to_wire(event: Event) -> dict[str, Any]:
    """The event as a client sends it."""
    wire: dict[str, Any] = msgspec.to_builtins(event)
    return wire


_MISTAKES: tuple[Callable[[dict[str, Any]], dict[str, Any]], ...] = (
    lambda wire: wire | {"type": "glance"},
    lambda wire: wire | {"item": "two words"},
    lambda wire: wire | {"time": "yesterday"},
    lambda wire: wire | {"colour": "red"},
    lambda wire: wire | {"lines": [{"item": "thing-1", "quantity": 0}]},
    lambda wire: wire | {"properties": {"deep": {"a": {"b": {"c": {"d": 1}}}}}},
    lambda wire: wire | {"user": "somebody-else"},
)
"""Changes that the collect endpoint must refuse; the last would write to another person's profile."""
