"""Local times as facts: hour, weekday, date and season from an epoch minute and an offset.

Arithmetic on the proleptic Gregorian calendar. Pure: the caller passes the moment and the offset.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache

from hemline.model.durations import DAY_MINUTES, MINUTE_MS

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SEASONS = ("winter", "spring", "summer", "autumn")
_MONTHS = 12


def civil(days: int) -> tuple[int, int, int]:
    """Days since 1970-01-01 → (year, month, day)."""
    # Years start in March, so that the leap day is last. 719468 days lie from 0000-03-01 to 1970-01-01;
    # an era is 400 years, 146097 days.
    era, day_of_era = divmod(days + 719_468, 146_097)
    year = (day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year + year // 4 - year // 100)
    shifted = (5 * day_of_year + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9
    day = day_of_year - (153 * shifted + 2) // 5 + 1
    return year + era * 400 + (month <= 2), month, day


def days_of(year: int, month: int, day: int) -> int:
    """(year, month, day) → days since 1970-01-01."""
    year -= month <= 2
    era, year_of_era = divmod(year, 400)
    day_of_year = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5 + day - 1
    return (
        era * 146_097
        + year_of_era * 365
        + year_of_era // 4
        - year_of_era // 100
        + (day_of_year - 719_468)
    )


@cache
def _date() -> re.Pattern[str]:
    # Compiled at first use: most sites never need it, and import time adds to a cold start.
    time = r"(\d{2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?(?:Z|([+-])(\d{2}):?(\d{2}))?"
    return re.compile(rf"(\d{{4}})-(\d{{2}})-(\d{{2}})(?:[T ]{time})?", re.ASCII | re.IGNORECASE)


def epoch_ms(text: str) -> int | None:
    """Epoch ms of an RFC 3339 date or time, in UTC if it has no offset; None for any other text."""
    found = _date().fullmatch(text)
    if found is None:
        return None
    year, month, day, hours, minutes, seconds = (int(part or 0) for part in found.groups()[:6])
    days = days_of(year, month, day) if 1 <= month <= _MONTHS else 0
    east = _minutes(*found.groups()[6:])
    if civil(days) != (year, month, day) or hours >= 24 or minutes >= 60 or east is None:
        return None
    # A leap second (60) counts as the first second of the next minute.
    minute = days * DAY_MINUTES + hours * 60 + minutes - east
    return (minute * 60 + seconds) * 1000 if seconds <= 60 else None


def _minutes(sign: str | None, hours: str | None, minutes: str | None) -> int | None:
    """Minutes east of UTC; None for an invalid offset."""
    east = int(hours or 0) * 60 + int(minutes or 0)
    if int(minutes or 0) >= 60 or east >= DAY_MINUTES:
        return None
    return -east if sign == "-" else east


def is_day(text: str) -> bool:
    """Whether the text is a date without a time, such as 2026-12-24."""
    return len(text) == len("2026-12-24") and epoch_ms(text) is not None


def span(text: str) -> tuple[int, int]:
    """The half-open range [start, end) of a rule's date, epoch ms.

    A date is the whole day in UTC. A time is one moment and must have an offset. Raises ValueError.
    """
    first = epoch_ms(text)
    if first is not None and is_day(text):
        return first, first + DAY_MINUTES * MINUTE_MS
    if first is None or not _zoned(text):
        raise ValueError(f"{text[:40]} is no date, and no time with its offset from UTC")
    return first, first + 1


def _zoned(text: str) -> bool:
    return text[-1] in "Zz" or "+" in text or text.count("-") > 2


def hour(local: int, _hemisphere: str) -> int:
    """0 to 23."""
    return local // 60 % 24


def weekday(local: int, _hemisphere: str) -> str:
    """In English, lower case."""
    return WEEKDAYS[(local // DAY_MINUTES + 3) % 7]


def date(local: int, _hemisphere: str) -> str:
    """As 2026-11-24."""
    year, month, day = civil(local // DAY_MINUTES)
    return f"{year:04}-{month:02}-{day:02}"


def season(local: int, hemisphere: str) -> str:
    """The meteorological one: whole months, winter from December in the north, from June in the south."""
    month = civil(local // DAY_MINUTES)[1]
    return _SEASONS[(month // 3 + 2 * (hemisphere == "south")) % 4]


LOCAL: Mapping[str, Callable[[int, str], int | str]] = {
    "hour": hour,
    "weekday": weekday,
    "date": date,
    "season": season,
}
"""Name → function of (local minutes since 1970, hemisphere). `clock.…` and `trait.…` facts use it."""
