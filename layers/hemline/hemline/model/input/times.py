"""Times as numbers: whether epoch milliseconds are meant, and what a number that is none looks like.

Seconds, microseconds and dates without dashes are numbers too. Taken for milliseconds they lie in the
first weeks of 1970 or thousands of years ahead, where nothing of a shop happens: they are refused.
Knows no clock.
"""

from collections.abc import Callable

from hemline.model.errors import BadInput

_EARLY = 978_307_200  # 2001-01-01 in seconds
_LATE = 4_102_444_800  # 2100-01-01 in seconds
LEAST_MS = _LATE
"""Numbers of this size and below stand for no time: as milliseconds they are 1970-01-01 to 1970-02-17."""
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
    """What a number is that is no plausible time in epoch ms; empty when it is plausible.

    Films came out before 1970: milliseconds below 0 are a time, except for the first weeks.
    """
    if LEAST_MS < abs(number) <= MOST_MS:
        return ""
    return next((name for name, fits in _SHAPES if fits(int(number))), "no time of a shop")


def implausible(number: float) -> str:
    """The same as the words of a refusal, such as `looks like seconds`."""
    found = looks_like(number)
    return found and f"looks like {found}"


def check_time(field: str, number: float) -> None:
    """Raises BadInput with what the number looks like."""
    wrong = implausible(number)
    if wrong:
        raise BadInput(field, f"{wrong}.", WAY_OUT)


def check_stated(stated: object, earliest: int, latest: int, *, past: bool) -> None:
    """Raises BadInput for an event's time that is a number in another unit than milliseconds.

    `past`: any time since 1970 may be meant, so that an implausible one is a mistake. Else the server's
    time takes the place of what lies outside of `earliest` to `latest` (epoch ms), as of a device whose
    clock stands at 1970; a number that is right in seconds is a mistake nevertheless.
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
