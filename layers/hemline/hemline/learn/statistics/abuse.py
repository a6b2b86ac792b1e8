"""Which events of a history are no person's doing: too many at a time, or in an order that cannot be.

A pure function of the set of events: no order of theirs, no repeat and no cut into objects shows. That
takes two looks at the history: `survey` remembers of the first one what the second needs to judge
each event by itself. Knows no storage; what is flagged is kept there as it is.

Limits of what this can see: whoever forges exposures along with clicks, slowly, under many visitor ids,
looks like people. Tokens are compared and not verified here: the door did that, and found out whether one
was given to somebody else; a fragment that is cached for everybody has one token for all who see it.
"""

from array import array
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import numpy as np

from hemline.learn.statistics.sums import Sums
from hemline.model.durations import DAY_MS, MINUTE_MS
from hemline.model.events.abuse import DWELL, FOREIGN, RATE, UNKNOWN, UNSEEN, AbuseLimits
from hemline.model.events.event import ITEM_EVENT, Event, Record
from hemline.model.ids import hash64

_TOKENED = frozenset({"click", "dwell"})


class Suspects(NamedTuple):
    """What a history says about its single events. Hashes are 63 bits."""

    hot: frozenset[int]
    """Visitor and minute, or visitor and day, with too many events, or too many that came late."""
    seen: Mapping[int, int]
    """Token → when its fragment was first seen, of the tokens that events came back with; epoch ms."""
    items: frozenset[int]
    """Items that were ever in the catalogue; none: the history has no catalogue."""
    early: int
    """How much earlier than its exposure a click may be, ms."""

    def flags(self, record: Record) -> tuple[str, ...]:
        """All flags of one record of that history, those of the door first."""
        if record.event.type == ITEM_EVENT:
            return ()
        return (*of_the_door(record), *(flag for flag, holds in _HISTORY if holds(self, record)))


def of_the_door(record: Record) -> tuple[str, ...]:
    """The flags of a record alone, for whoever has no history at hand."""
    return (*record.flags, FOREIGN) if record.given else record.flags


def survey(records: Iterable[Record], limits: AbuseLimits) -> Suspects:
    """One look at de-duplicated records. Memory: 16 bytes an exposure, 32 a visitor and minute.

    When something happened is the client's word: what says that it happened at another time than it
    came is counted by when it came too, and may be more, since a phone was perhaps without a network.
    """
    busy = {span: (Sums(), Sums()) for span in (MINUTE_MS, DAY_MS)}
    items: set[int] = set()
    asked: set[int] = set()
    shown, times = array("q"), array("q")
    for record in records:
        event = record.event
        if event.type == ITEM_EVENT:
            items.add(_hash(event.item or ""))
            continue
        for span, (happened, late) in busy.items():
            happened.add(_bucket(record, span))
            if _came_late(record, span):
                late.add(_arrival(record, span))
        if event.token and event.type == "exposure" and not record.given:
            shown.append(_hash(event.token))
            times.append(event.time)
        elif event.token and event.type in _TOKENED:
            asked.add(_hash(event.token))
    most = {
        MINUTE_MS: (limits.per_minute, limits.late_per_minute),
        DAY_MS: (limits.per_day, limits.late_per_day),
    }
    hot = frozenset[int]().union(
        *(_above(*pair) for span in busy for pair in zip(busy[span], most[span], strict=True))
    )
    seen = _first(shown, times, asked)
    return Suspects(hot, seen, frozenset(items), limits.early_seconds * 1000)


def clean(records: Iterable[Record], limits: AbuseLimits) -> list[Record]:
    """Those that may be counted and have no flag, in the same order: what may be learnt from."""
    records = [record for record in records if record.counted]
    suspects = survey(records, limits)
    return [record for record in records if not suspects.flags(record)]


def _hash(text: str) -> int:
    return hash64(text) >> 1


def _bucket(record: Record, span: int) -> int:
    return _hash(f"{record.subject}|{span}|{record.event.time // span}")


def _arrival(record: Record, span: int) -> int:
    return _hash(f"{record.subject}|late|{span}|{record.received // span}")


def _came_late(record: Record, span: int) -> bool:
    """A site's own server may tell of years in one call: it is believed."""
    return not record.signed and record.event.time // span != record.received // span


def _above(sums: Sums, most: int) -> frozenset[int]:
    keys, counts = sums.table()
    return frozenset(keys[counts > most].tolist())


def _first(shown: "array[int]", times: "array[int]", asked: set[int]) -> dict[int, int]:
    keys, at = np.array(shown, np.int64), np.array(times, np.int64)
    wanted = np.isin(keys, np.array(sorted(asked), np.int64))
    first: dict[int, int] = {}
    for key, time in zip(keys[wanted].tolist(), at[wanted].tolist(), strict=True):
        first[key] = min(time, first.get(key, time))
    return first


def _too_many(suspects: Suspects, record: Record) -> bool:
    return bool(suspects.hot) and any(
        _bucket(record, span) in suspects.hot
        or (_came_late(record, span) and _arrival(record, span) in suspects.hot)
        for span in (MINUTE_MS, DAY_MS)
    )


def _unseen(suspects: Suspects, record: Record) -> bool:
    event = record.event
    if event.type != "click":
        return False
    if not event.token:
        # Who makes up a click in a fragment leaves out what could be looked up.
        return event.slot is not None and not record.signed
    first = suspects.seen.get(_hash(event.token))
    return first is None or first > event.time + suspects.early


def _too_long(suspects: Suspects, record: Record) -> bool:
    event = record.event
    if event.type != "dwell" or not event.token or event.duration is None:
        return False
    first = suspects.seen.get(_hash(event.token))
    return first is not None and event.duration > event.time - first + suspects.early


def _never_sold(suspects: Suspects, record: Record) -> bool:
    return (
        bool(suspects.items)
        and record.event.type == "purchase"
        and not _known(suspects, record.event)
    )


def _known(suspects: Suspects, event: Event) -> bool:
    return any(_hash(line.item) in suspects.items for line in event.items())


_HISTORY: tuple[tuple[str, Callable[[Suspects, Record], bool]], ...] = (
    (RATE, _too_many),
    (UNSEEN, _unseen),
    (DWELL, _too_long),
    (UNKNOWN, _never_sold),
)
