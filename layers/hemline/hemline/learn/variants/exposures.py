"""Which variants were really seen, and what followed: counted from events, each fragment once a visitor.

An exposure is an event of that type with the decision token of a content slot; what the token says
(variant, how likely it was) is taken on trust, for the door has verified it. A goal with a token belongs
to that decision. One without (a purchase at the till), which a click never is, belongs to the last
fragment of the slot that the same visitor saw in the `ATTRIBUTION_WINDOW_MS` before.

A fragment counts once, and its goal once, however often either was told or delivered: the result is a
function of the set of events. Knows no statistics.
"""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hemline.learn.statistics.counts import day_of
from hemline.learn.statistics.sums import Longs
from hemline.model.choice import Match
from hemline.model.events.event import Event, Record
from hemline.model.ids import hash64
from hemline.model.site.kinds import learns_variants
from hemline.model.site.slot import Slot
from hemline.model.token_header import TokenHeader, peek

ATTRIBUTION_WINDOW_MS = 24 * 3_600_000
"""How long after a fragment was seen a goal without a token is put down to it."""
DEVICES = ("", "mobile", "tablet", "desktop")
"""Classes that are told apart; what is of none is the first."""
_MATCH_BITS, _DEVICE_BITS, _VARIANT_BITS = 2, 2, 20


class _Watched(NamedTuple):
    number: int
    goal: str
    variants: Mapping[str, int]


class AttributedExposures(NamedTuple):
    """n fragments that somebody saw, by a hash of who and what, so in an order of their own."""

    slot: Longs
    """[n] position among the slots that are watched; of all these, position in the site file's order."""
    variant: Longs
    """[n] position in its slot."""
    match: Longs
    device: Longs
    """[n] position in DEVICES."""
    day: Longs
    """[n] when it was first seen, days since 1970."""
    propensity: npt.NDArray[np.float64]
    """[n] how likely it was to be shown; 0 where it was not chosen by estimate or chance."""
    converted: npt.NDArray[np.bool_]
    """[n] whether the slot's goal followed."""


class Choices:
    """Events of the content slots of a site; those that have two variants or more are watched."""

    def __init__(self, slots: Iterable[Slot]) -> None:
        self.slots: Sequence[Slot] = [
            slot for slot in slots if learns_variants(slot.kind) and len(slot.variants) > 1
        ]
        self._watched = {
            slot.name: _Watched(at, slot.goal, {v.name: n for n, v in enumerate(slot.variants)})
            for at, slot in enumerate(self.slots)
        }
        self._goals = frozenset(slot.goal for slot in self.slots)
        self._told = frozenset({None, *self._watched})
        # Exposures column by column: a site has many.
        self._key, self._who, self._time, self._cell = (array("q") for _ in range(4))
        self._propensity = array("d")
        self._met = array("q")
        self._later: list[tuple[int, int, int]] = []
        """(slot, who, time) of goals without a token."""

    def add(self, record: Record) -> None:
        """Count one record, if it is about a slot that is watched."""
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
        match, propensity = _mark(head)
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
                self._met.append(_key(record.subject, event.token))
        elif event.type != "click":
            who = _hash(record.subject)
            self._later += [(number, who, event.time) for number in self._meant(event)]

    def _of(self, event: Event) -> tuple[TokenHeader | None, _Watched | None]:
        """What its token says, and the slot, where that is watched."""
        # Most events are about other slots, and say so: their tokens need not be opened.
        if not event.token or event.slot not in self._told:
            return None, None
        head = peek(event.token)
        return head, self._watched.get(head.slot) if head else None

    def _meant(self, event: Event) -> Iterator[int]:
        for name, watched in self._watched.items():
            if watched.goal == event.type and event.slot in (None, name):
                yield watched.number

    def trials(self) -> AttributedExposures:
        """Every fragment that somebody saw, as of its first time."""
        key, who, time, cell = (
            np.array(column, np.int64) for column in (self._key, self._who, self._time, self._cell)
        )
        kept = _once(key, time, cell)
        met = np.isin(key[kept], np.array(self._met, np.int64))
        place = cell[kept] >> _DEVICE_BITS
        slot = place >> _MATCH_BITS + _VARIANT_BITS
        met[self._followed(slot, who[kept], time[kept])] = True
        return AttributedExposures(
            slot,
            place >> _MATCH_BITS & (1 << _VARIANT_BITS) - 1,
            place & (1 << _MATCH_BITS) - 1,
            cell[kept] & (1 << _DEVICE_BITS) - 1,
            np.array([day_of(at) for at in time[kept].tolist()], np.int64),
            np.array(self._propensity, np.float64)[kept],
            met,
        )

    def _followed(self, slot: Longs, who: Longs, time: Longs) -> list[int]:
        """Positions of the fragments that goals without a token are put down to."""
        asked = np.flatnonzero(np.isin(who, np.array([one[1] for one in self._later], np.int64)))
        seen: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
        for at in asked.tolist():
            seen[int(slot[at]), int(who[at])].append((int(time[at]), at))
        before = (
            [
                one
                for one in seen.get((number, person), ())
                if when - ATTRIBUTION_WINDOW_MS <= one[0] <= when
            ]
            for number, person, when in self._later
        )
        return [max(found)[1] for found in before if found]


def _once(key: Longs, time: Longs, cell: Longs) -> npt.NDArray[np.intp]:
    """Positions of each key's first time, by key."""
    order = np.lexsort((cell, time, key))
    fresh = np.ones(len(order), np.bool_)
    fresh[1:] = key[order][1:] != key[order][:-1]
    return order[fresh]


def _mark(head: TokenHeader) -> tuple[int, float]:
    """How the variant matched, and how likely it was; likely by 0 where nothing is said of that."""
    match, propensity = head.explored or (0, 0.0)
    fine = 0 <= match < len(Match) and 0 < propensity <= 1
    return (match, propensity) if fine else (0, 0.0)


def _key(subject: str, token: str) -> int:
    # By the visitor too: a fragment that is cached for everybody has one token for all.
    return _hash(f"{subject}|{token}")


def _hash(text: str) -> int:
    return hash64(text) >> 1
