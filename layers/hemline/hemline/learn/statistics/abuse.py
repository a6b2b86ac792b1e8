"""Flags events that no person made: too many in a time, or in an impossible order.

A pure function of the set of events: their order, repeats and the archive's objects do not matter. That
takes two passes over the history: `survey` collects what the second pass needs to flag each event by
itself. Knows no storage; flagged events stay in the archive.

Limits: slow, forged exposures and clicks under many visitor ids look like people. Tokens are compared
here, not verified: the collect endpoint did that, and it records when a token was given to somebody
else. A fragment that is cached for everybody has one token for all who see it.
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
    """The result of the first pass over a history. Hashes are 63 bits."""

    over_limit: frozenset[int]
    """Hashes of (visitor, minute or day) with too many events, or too many that came late."""
    seen: Mapping[int, int]
    """Token's hash → when its fragment was first seen (epoch ms), for tokens of clicks and dwells."""
    items: frozenset[int]
    """Hashes of all items that were ever in the catalogue; empty when the history has none."""
    early: int
    """Milliseconds that a click may be earlier than its exposure."""

    def flags(self, record: Record) -> tuple[str, ...]:
        """All flags of one record of that history, those that collect set first."""
        if record.event.type == ITEM_EVENT:
            return ()
        return (*own_flags(record), *(flag for flag, holds in _HISTORY if holds(self, record)))


def own_flags(record: Record) -> tuple[str, ...]:
    """The flags that a record shows by itself, without a history."""
    return (*record.flags, FOREIGN) if record.given else record.flags


def survey(records: Iterable[Record], limits: AbuseLimits) -> Suspects:
    """First pass over de-duplicated records. Memory: 16 bytes an exposure, 32 a visitor and minute.

    The time of an event is the client's claim. An event that claims another minute or day than that of
    its reception also counts at its reception, with a higher limit: a phone may have been offline.
    """
    counts_of = {span: (Sums(), Sums()) for span in (MINUTE_MS, DAY_MS)}
    items: set[int] = set()
    tokens: set[int] = set()
    shown, times = array("q"), array("q")
    for record in records:
        event = record.event
        if event.type == ITEM_EVENT:
            items.add(_hash(event.item or ""))
            continue
        for span, (happened, late) in counts_of.items():
            happened.add(_bucket(record, span))
            if _came_late(record, span):
                late.add(_arrival(record, span))
        if event.token and event.type == "exposure" and not record.given:
            shown.append(_hash(event.token))
            times.append(event.time)
        elif event.token and event.type in _TOKENED:
            tokens.add(_hash(event.token))
    most = {
        MINUTE_MS: (limits.per_minute, limits.late_per_minute),
        DAY_MS: (limits.per_day, limits.late_per_day),
    }
    over_limit = frozenset[int]().union(
        *(
            _keys_above(*pair)
            for span in counts_of
            for pair in zip(counts_of[span], most[span], strict=True)
        )
    )
    seen = _first_seen(shown, times, tokens)
    return Suspects(over_limit, seen, frozenset(items), limits.early_seconds * 1000)


def clean(records: Iterable[Record], limits: AbuseLimits) -> list[Record]:
    """The records that statistics and training may use: counted and without a flag, in the same order."""
    records = [record for record in records if record.counted]
    suspects = survey(records, limits)
    return [record for record in records if not suspects.flags(record)]


def _hash(text: str) -> int:
    # 63 bits, so that it fits a signed 64-bit array.
    return hash64(text) >> 1


def _bucket(record: Record, span: int) -> int:
    return _hash(f"{record.subject}|{span}|{record.event.time // span}")


def _arrival(record: Record, span: int) -> int:
    return _hash(f"{record.subject}|late|{span}|{record.received // span}")


def _came_late(record: Record, span: int) -> bool:
    """Whether it claims another minute or day than its reception. Signed batches may report the past."""
    return not record.signed and record.event.time // span != record.received // span


def _keys_above(sums: Sums, most: int) -> frozenset[int]:
    keys, counts = sums.table()
    return frozenset(keys[counts > most].tolist())


def _first_seen(shown: "array[int]", times: "array[int]", tokens: set[int]) -> dict[int, int]:
    keys, at = np.array(shown, np.int64), np.array(times, np.int64)
    wanted = np.isin(keys, np.array(sorted(tokens), np.int64))
    first: dict[int, int] = {}
    for key, time in zip(keys[wanted].tolist(), at[wanted].tolist(), strict=True):
        first[key] = min(time, first.get(key, time))
    return first


def _too_many(suspects: Suspects, record: Record) -> bool:
    return bool(suspects.over_limit) and any(
        _bucket(record, span) in suspects.over_limit
        or (_came_late(record, span) and _arrival(record, span) in suspects.over_limit)
        for span in (MINUTE_MS, DAY_MS)
    )


def _unseen(suspects: Suspects, record: Record) -> bool:
    event = record.event
    if event.type != "click":
        return False
    if not event.token:
        # A forged click would leave the token out, because a token can be checked.
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
        and not _in_catalogue(suspects, record.event)
    )


def _in_catalogue(suspects: Suspects, event: Event) -> bool:
    return any(_hash(line.item) in suspects.items for line in event.items())


_HISTORY: tuple[tuple[str, Callable[[Suspects, Record], bool]], ...] = (
    (RATE, _too_many),
    (UNSEEN, _unseen),
    (DWELL, _too_long),
    (UNKNOWN, _never_sold),
)
