"""Local times as facts: hour, weekday, date and season from an epoch minute and an offset.

Arithmetic on the proleptic Gregorian calendar; the moment and the offset are handed in.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache

DAY_MINUTES = 1440
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SEASONS = ("winter", "spring", "summer", "autumn")
_MONTHS = 12


def civil(days: int) -> tuple[int, int, int]:
    """Days since 1970-01-01 → (year, month, day)."""
    # Years that begin in March put the leap day last; 719468 days lie before 1970 in that count.
    era, day_of_era = divmod(days + 719_468, 146_097)
    year = (day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year + year // 4 - year // 100)
    shifted = (5 * day_of_year + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9
    day = day_of_year - (153 * shifted + 2) // 5 + 1
    return year + era * 400 + (month <= 2), month, day


def days_of(year: int, month: int, day: int) -> int:
    """The other way round."""
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
    # Made when first asked for: most sites compare no texts with time, and a cold start pays for imports.
    time = r"T(\d{2}):(\d{2})(?::\d{2}(?:\.\d+)?)?(?:Z|\+00:00)?"
    return re.compile(rf"(\d{{4}})-(\d{{2}})-(\d{{2}})(?:{time})?", re.ASCII)


def epoch_ms(text: str) -> int | None:
    """A date, or a time in UTC, as RFC 3339 writes them; None when it is neither."""
    found = _date().fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute = (int(part or 0) for part in found.groups())
    days = days_of(year, month, day) if 1 <= month <= _MONTHS else 0
    if civil(days) != (year, month, day) or hour >= 24 or minute >= 60:
        return None
    return (days * DAY_MINUTES + hour * 60 + minute) * 60_000


def hour(local: int, _hemisphere: str) -> int:
    """0 to 23."""
    return local // 60 % 24


def weekday(local: int, _hemisphere: str) -> str:
    """In English, lower case."""
    return WEEKDAYS[(local // DAY_MINUTES + 3) % 7]


def date(local: int, _hemisphere: str) -> str:
    """As 2026-11-24: dates compare as text."""
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
"""Name → (local minute since 1970, hemisphere) → value; the visitor's own are `trait.…`."""
