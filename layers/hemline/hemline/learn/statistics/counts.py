"""What all visitors did, as integer counts: by item, level and day, by segment, and as item pairs.

A mutable accumulator: publish feeds it the archive, `arrays` turns it into an edition's arrays. Knows
no catalogue: items are numbered as they appear.
"""

import numpy as np

from hemline.learn.array_types import Longs
from hemline.learn.statistics.cooccurrence import Cooccurrence
from hemline.learn.statistics.sums import Sums
from hemline.model.durations import DAY_MS
from hemline.model.events.event import InteractionLevel, Record
from hemline.model.token_header import peek

KEEP_DAYS = 120
"""Days with counts of their own; older ones are in the all-time sums only."""
SEGMENT_DAYS = 28
MAX_SEGMENTS = 256

_DAY_BITS, _LEVEL_BITS = 20, 2
_EVER = 0
"""The day that stands for all time; real days start with 1970-01-02."""


LEVEL_WEIGHT = {
    InteractionLevel.SHOWN: 0,
    InteractionLevel.ENGAGED: 1,
    InteractionLevel.CARTED: 3,
    InteractionLevel.BOUGHT: 6,
}
"""Weight of one interaction of each level in the popularity of an item."""
WEIGHTS = np.array([LEVEL_WEIGHT[level] for level in InteractionLevel], np.float64)


def day_of(time: int) -> int:
    """Days since 1970 of epoch ms, at least 1."""
    return max(time // DAY_MS, 1)


def segments_of(country: str, device: str) -> tuple[str, ...]:
    """Segment keys, narrowest first: `GB|mobile`, `GB|`, `|`."""
    return tuple(dict.fromkeys((f"{country}|{device}", f"{country}|", "|")))


class Statistics:
    """Counts of all records added. The caller removes duplicates."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        """Item id → the number it is counted under."""
        self.segments: dict[str, int] = {"|": 0}
        """Segment key → its number; at most MAX_SEGMENTS, the first ones seen."""
        self.counted = 0
        """Records added."""
        self.newest = 0
        """Time of the newest event, epoch ms."""
        self.pairs = Cooccurrence()
        self._daily = Sums()
        self._confirmed = Sums()
        self._segment = Sums()

    def add(self, record: Record) -> None:
        """Count one record. Only co-occurrence depends on the order."""
        event = record.event
        self.counted += 1
        self.newest = max(self.newest, event.time)
        level, lines = event.level, event.items()
        if level is None or not lines:
            return
        items = [self._number(item) for item in dict.fromkeys(line.item for line in lines)]
        day = day_of(event.time)
        for item in items:
            self._daily.add(item << _DAY_BITS + _LEVEL_BITS | day << _LEVEL_BITS | level)
            self._daily.add(item << _DAY_BITS + _LEVEL_BITS | _EVER << _LEVEL_BITS | level)
        if level is not InteractionLevel.SHOWN:
            self._add_deeper(record, level, items, day)
        elif _is_confirmed(record):
            for item in items:
                self._confirmed.add(item)

    def _add_deeper(
        self, record: Record, level: InteractionLevel, items: list[int], day: int
    ) -> None:
        self.pairs.add(record.subject, record.event.time, items)
        for segment in segments_of(record.country, record.device):
            number = self._segment_number(segment)
            if number is not None:
                for item in items:
                    self._segment.add((number << 32 | item) << _DAY_BITS | day, LEVEL_WEIGHT[level])

    def _number(self, item: str) -> int:
        return self.numbers.setdefault(item, len(self.numbers))

    def _segment_number(self, segment: str) -> int | None:
        if segment not in self.segments and len(self.segments) >= MAX_SEGMENTS:
            return None
        return self.segments.setdefault(segment, len(self.segments))

    def daily(self) -> tuple[Longs, Longs, Longs, Longs]:
        """(item numbers, days, levels, counts), each int64 [m]; the newest KEEP_DAYS days."""
        keys, counts = self._daily.table()
        days = keys >> _LEVEL_BITS & (1 << _DAY_BITS) - 1
        recent = (days == _EVER) | (days > day_of(self.newest) - KEEP_DAYS)
        if not recent.all():
            self._daily.keep(recent)
            keys, counts, days = keys[recent], counts[recent], days[recent]
        return keys >> _DAY_BITS + _LEVEL_BITS, days, keys & (1 << _LEVEL_BITS) - 1, counts

    def confirmed(self) -> dict[str, int]:
        """Item id → its exposures, ever, in lists that we decided or that the site's server reported."""
        of = dict(zip(*(column.tolist() for column in self._confirmed.table()), strict=True))
        return {name: of.get(number, 0) for name, number in self.numbers.items()}

    def by_segment(self) -> tuple[Longs, Longs, Longs, Longs]:
        """(segment numbers, item numbers, days, weighted counts), each int64 [m]."""
        keys, counts = self._segment.table()
        days = keys & (1 << _DAY_BITS) - 1
        recent = days > day_of(self.newest) - KEEP_DAYS
        if not recent.all():
            self._segment.keep(recent)
            keys, counts, days = keys[recent], counts[recent], days[recent]
        rest = keys >> _DAY_BITS
        return rest >> 32, rest & 0xFFFFFFFF, days, counts

    def ever(self) -> int:
        """The day under which `daily` gives all-time sums."""
        return _EVER


def _is_confirmed(record: Record) -> bool:
    """Whether it counts towards a cold item's budget. Without a list's token anybody could claim it."""
    if record.signed:
        return True
    head = peek(record.event.token) if record.event.token else None
    return bool(head and head.items)
