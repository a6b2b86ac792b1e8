"""Checks that a number is epoch milliseconds, and says what else it looks like when it is not.

Seconds, microseconds and dates without dashes are numbers too. Read as milliseconds they fall in the
first weeks of 1970 or thousands of years ahead, so they are refused. Knows no clock.
"""

from collections.abc import Callable

from hemline.model.errors import BadInput

_EARLY = 978_307_200  # 2001-01-01 in seconds
_LATE = 4_102_444_800  # 2100-01-01 in seconds
LEAST_MS = _LATE
"""Numbers up to this size are no times: as milliseconds they are 1970-01-01 to 1970-02-17."""
MOST_MS = _LATE * 1000
WAY_OUT = "Give epoch milliseconds, or RFC 3339 such as 2026-03-01T10:00:00Z."

_MONTHS, _DAYS = 12, 31


def _is_date(number: int) -> bool:
    year, month, day = number // 10_000, number // 100 % 100, number % 100
    return 1900 <= year <= 2100 and 1 <= month <= _MONTHS and 1 <= day <= _DAYS


_SHAPES: tuple[tuple[str, Callable[[int], bool]], ...] = (
    ("a date without dashes", _is_date),
    ("seconds", lambda number: _EARLY <= number <= _LATE),
    ("microseconds", lambda number: _EARLY <= number // 1_000_000 <= _LATE),
    ("nanoseconds", lambda number: _EARLY <= number // 1_000_000_000 <= _LATE),
    ("a year", lambda number: 1900 <= number <= 2100),
)


def looks_like(number: float) -> str:
    """What an implausible time in epoch ms looks like, such as `seconds`; empty when plausible.

    Negative milliseconds are plausible (films came out before 1970), except for the weeks around 0.
    """
    if LEAST_MS < abs(number) <= MOST_MS:
        return ""
    return next((name for name, fits in _SHAPES if fits(int(number))), "no time of a shop")


def implausible(number: float) -> str:
    """The same as part of an error text, such as `looks like seconds`."""
    found = looks_like(number)
    return found and f"looks like {found}"


def check_time(field: str, number: float) -> None:
    """Raises BadInput unless the number is a plausible time; the text says what it looks like."""
    wrong = implausible(number)
    if wrong:
        raise BadInput(field, f"{wrong}.", WAY_OUT)


def check_stated(stated: object, earliest: int, latest: int, *, past: bool) -> None:
    """Raises BadInput for an event's time that is a number in another unit than milliseconds.

    `past`: any time since 1970 is allowed, so an implausible one is a mistake. Otherwise the server's time
    replaces one outside `earliest` to `latest` (epoch ms), as of a device whose clock is at 1970; only a
    number that is in this range in another unit is a mistake.
    """
    if not isinstance(stated, int):
        return
    unit = _other_unit(stated, earliest, latest)
    wrong = implausible(stated) if past else unit and f"looks like {unit}"
    if wrong:
        raise BadInput("time", f"{wrong}.", WAY_OUT)


def _other_unit(number: int, earliest: int, latest: int) -> str:
    units = {"seconds": number * 1000, "microseconds": number // 1000}
    units["nanoseconds"] = number // 1_000_000
    return next((name for name, ms in units.items() if earliest <= ms <= latest), "")
