"""Attributed exposures: which variants were really seen, and whether the slot's goal followed.

An exposure is an event of that type with the decision token of a content slot. The token's variant and
propensity are trusted: the collect endpoint verified the token. A goal with a token belongs to that
decision. A goal without one (a purchase in a shop) belongs to the last fragment of the slot that the
same visitor saw within `ATTRIBUTION_WINDOW_MS` before it; a click without a token belongs to none.

Each fragment counts once a visitor, and its goal once, however often either is sent or delivered: the
result is a function of the set of events. Knows no statistics.
"""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hemline.learn.array_types import Longs
from hemline.learn.statistics.counts import day_of
from hemline.model.choice import Match
from hemline.model.events.event import Event, Record
from hemline.model.ids import hash64
from hemline.model.site.kinds import learns_variants
from hemline.model.site.slot import Slot
from hemline.model.token_header import TokenHeader, peek

ATTRIBUTION_WINDOW_MS = 24 * 3_600_000
"""How long after its exposure a fragment may be credited with a goal without a token."""
DEVICES = ("", "mobile", "tablet", "desktop")
"""Device classes with counts of their own; any other device counts as the first."""
_MATCH_BITS, _DEVICE_BITS, _VARIANT_BITS = 2, 2, 20


class _WatchedSlot(NamedTuple):
    number: int
    goal: str
    variants: Mapping[str, int]


class AttributedExposures(NamedTuple):
    """n exposures, one for each fragment and visitor, sorted by a hash of both."""

    slot: Longs
    """[n] position in `Choices.slots`."""
    variant: Longs
    """[n] position in its slot's variants, in the site file's order."""
    match: Longs
    """[n] `Match` of the variant with the visitor's categories."""
    device: Longs
    """[n] position in DEVICES."""
    day: Longs
    """[n] day of the first exposure, days since 1970."""
    propensity: npt.NDArray[np.float64]
    """[n] probability of being shown; 0 when neither estimate nor chance chose it."""
    converted: npt.NDArray[np.bool_]
    """[n] whether the slot's goal followed."""


class Choices:
    """Collects the events of a site's content slots with two variants or more (the watched slots)."""

    def __init__(self, slots: Iterable[Slot]) -> None:
        self.slots: Sequence[Slot] = [
            slot for slot in slots if learns_variants(slot.kind) and len(slot.variants) > 1
        ]
        self._watched = {
            slot.name: _WatchedSlot(at, slot.goal, {v.name: n for n, v in enumerate(slot.variants)})
            for at, slot in enumerate(self.slots)
        }
        self._goals = frozenset(slot.goal for slot in self.slots)
        self._relevant_slots = frozenset({None, *self._watched})
        # Columns of plain numbers, not objects: a site has many exposures.
        self._key, self._who, self._time, self._cell = (array("q") for _ in range(4))
        self._propensity = array("d")
        self._goal_keys = array("q")
        self._untokened_goals: list[tuple[int, int, int]] = []
        """(slot, who, time) of goals without a token."""

    def add(self, record: Record) -> None:
        """Add one record; ignored unless it is about a watched slot."""
        event = record.event
        if event.type == "exposure":
            self._add_exposure(record)
        elif event.type in self._goals:
            self._add_goal(record)

    def _add_exposure(self, record: Record) -> None:
        event = record.event
        head, watched = self._of(event)
        number = watched.variants.get(head.variant) if head and watched else None
        if event.token is None or head is None or watched is None or number is None:
            return
        match, propensity = _match_and_propensity(head)
        device = DEVICES.index(record.device) if record.device in DEVICES else 0
        place = (watched.number << _VARIANT_BITS | number) << _MATCH_BITS | match
        self._key.append(_key(record.subject, event.token))
        self._who.append(_hash(record.subject))
        self._time.append(event.time)
        self._cell.append(place << _DEVICE_BITS | device)
        self._propensity.append(propensity)

    def _add_goal(self, record: Record) -> None:
        event = record.event
        if event.token:
            _, watched = self._of(event)
            if watched and watched.goal == event.type:
                self._goal_keys.append(_key(record.subject, event.token))
        elif event.type != "click":
            who = _hash(record.subject)
            self._untokened_goals += [
                (number, who, event.time) for number in self._slots_of_goal(event)
            ]

    def _of(self, event: Event) -> tuple[TokenHeader | None, _WatchedSlot | None]:
        """(header of its token, the watched slot that the token names), None for each that is missing."""
        # Most events name another slot: their tokens need not be decoded.
        if not event.token or event.slot not in self._relevant_slots:
            return None, None
        head = peek(event.token)
        return head, self._watched.get(head.slot) if head else None

    def _slots_of_goal(self, event: Event) -> Iterator[int]:
        for name, watched in self._watched.items():
            if watched.goal == event.type and event.slot in (None, name):
                yield watched.number

    def attributed(self) -> AttributedExposures:
        """One exposure for each fragment and visitor, as of its first time."""
        key, who, time, cell = (
            np.array(column, np.int64) for column in (self._key, self._who, self._time, self._cell)
        )
        kept = _first_times(key, time, cell)
        converted = np.isin(key[kept], np.array(self._goal_keys, np.int64))
        place = cell[kept] >> _DEVICE_BITS
        slot = place >> _MATCH_BITS + _VARIANT_BITS
        converted[self._attributed_to(slot, who[kept], time[kept])] = True
        return AttributedExposures(
            slot,
            place >> _MATCH_BITS & (1 << _VARIANT_BITS) - 1,
            place & (1 << _MATCH_BITS) - 1,
            cell[kept] & (1 << _DEVICE_BITS) - 1,
            np.array([day_of(at) for at in time[kept].tolist()], np.int64),
            np.array(self._propensity, np.float64)[kept],
            converted,
        )

    def _attributed_to(self, slot: Longs, who: Longs, time: Longs) -> list[int]:
        """Positions of the exposures that are credited with goals without a token."""
        asked = np.flatnonzero(
            np.isin(who, np.array([one[1] for one in self._untokened_goals], np.int64))
        )
        seen: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
        for at in asked.tolist():
            seen[int(slot[at]), int(who[at])].append((int(time[at]), at))
        before = (
            [
                one
                for one in seen.get((number, person), ())
                if when - ATTRIBUTION_WINDOW_MS <= one[0] <= when
            ]
            for number, person, when in self._untokened_goals
        )
        return [max(found)[1] for found in before if found]


def _first_times(key: Longs, time: Longs, cell: Longs) -> npt.NDArray[np.intp]:
    """Position of the earliest row of each key, sorted by key."""
    # The cell breaks ties of time, so that the order of arrival never decides.
    order = np.lexsort((cell, time, key))
    first = np.ones(len(order), np.bool_)
    first[1:] = key[order][1:] != key[order][:-1]
    return order[first]


def _match_and_propensity(head: TokenHeader) -> tuple[int, float]:
    """(match, propensity) of the token; propensity 0 when the token states none, or one out of range."""
    match, propensity = head.explored or (0, 0.0)
    valid = 0 <= match < len(Match) and 0 < propensity <= 1
    return (match, propensity) if valid else (0, 0.0)


def _key(subject: str, token: str) -> int:
    # The visitor is part of the key: a fragment that is cached for everybody has one token for all.
    return _hash(f"{subject}|{token}")


def _hash(text: str) -> int:
    return hash64(text) >> 1
