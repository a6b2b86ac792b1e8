"""Local times in a site file. Only this module reads the time zone database; a decision reads tables."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator

from hemline.model.site.rule import When, leaves
from hemline.model.site.zones import Offsets, SiteTime

_FROM, _TO = 2020, 2050
"""First and (excluded) last year of the offset tables; outside them the nearest offset holds."""
_FIRST_YEAR, _LAST_YEAR = 2000, 2100
"""Years in which a rule may begin and end; any other year is taken for a typing error."""
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2})?")
_VISITORS = frozenset({"trait.hour", "trait.weekday", "trait.date", "trait.season"})


def _moment(text: str) -> str:
    wrong = f"{text[:40]} is no local time such as '2026-12-24 18:00'"
    if not _MOMENT.fullmatch(text):
        raise ValueError(wrong)
    try:
        year = datetime.fromisoformat(text).year
    except ValueError:
        raise ValueError(wrong) from None
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        raise ValueError(f"{text[:40]} lies in the year {year}; write one from 2000 to 2100")
    return text


Moment = Annotated[str, AfterValidator(_moment)]
"""A date (meaning its first minute), or a date and a time; in the site's time zone."""


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"{name[:40]} is no time zone; write such as Europe/London")
    return name


Zone = Annotated[str, AfterValidator(_zone)]


def epoch_ms(moment: str, zone: str) -> int:
    """A local time as epoch ms. A time that occurs twice means the first; one in a gap, the gap's end."""
    _, end = gap(moment, zone) or ("", moment)
    local = datetime.fromisoformat(end).replace(tzinfo=ZoneInfo(zone))
    return int(local.timestamp()) * 1000


def gap(moment: str, zone: str) -> tuple[str, str] | None:
    """The last minute before and the first after the gap, if clocks are put forward over `moment`."""
    local, place = datetime.fromisoformat(moment), ZoneInfo(zone)
    # A time in a gap does not exist: fold 0 reads it with the offset before the gap, fold 1 with the one
    # after. So fold 1 gives the earlier moment, and the change lies between the two.
    early, late = (local.replace(tzinfo=place, fold=fold) for fold in (1, 0))
    there = early.astimezone(UTC).astimezone(place).replace(tzinfo=None)
    if there == local or late.utcoffset() == early.utcoffset():
        return None
    minutes = int(early.timestamp()) // 60, int(late.timestamp()) // 60
    change = _change(place, *minutes)
    return _spelt(change - 1, place), _spelt(change, place)


def _spelt(minute: int, place: ZoneInfo) -> str:
    there = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)).astimezone(place)
    return there.strftime("%Y-%m-%d %H:%M")


@cache
def offsets(name: str) -> Offsets:
    """The offsets of a zone, in minutes; each change is found to the minute."""
    zone = ZoneInfo(name)
    start, end = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) // 60 for year in (_FROM, _TO))
    starts: list[int] = []
    found = [_offset(zone, start)]
    # Compare weekly (in minutes), then bisect: a week is short enough to hold one change at most.
    for day in range(start, end, 7 * 1440):
        after = _offset(zone, day + 7 * 1440)
        if after != found[-1]:
            starts.append(_change(zone, day, day + 7 * 1440))
            found.append(after)
    return Offsets(tuple(starts), tuple(found))


def _offset(zone: ZoneInfo, minute: int) -> int:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
    return int((moment.astimezone(zone).utcoffset() or timedelta()).total_seconds()) // 60


def _change(zone: ZoneInfo, low: int, high: int) -> int:
    """The first minute whose offset differs from that at `low`. Bisects: expects one change up to `high`."""
    before = _offset(zone, low)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset(zone, middle) == before else (low, middle)
    return high


def site_time(zone: str, hemisphere: str, conditions: Iterable[When]) -> SiteTime:
    """The site's offsets; those of every zone too, if a condition reads a visitor's local time."""
    asked = any(one.fact in _VISITORS for one in leaves(list(conditions)))
    names = sorted(available_timezones()) if asked else []
    tables = list(dict.fromkeys(offsets(name) for name in names))
    position = {table: at for at, table in enumerate(tables)}
    found = {name: position[offsets(name)] for name in names}
    return SiteTime(zone, hemisphere, offsets(zone), found, tuple(tables))
