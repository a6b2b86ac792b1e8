"""When conditions can hold: over, without an end, at one moment. Knows no clock: it is handed in."""

from hemline.decide.facts.clock import LOCAL, date
from hemline.model.durations import DAY_MINUTES, DAY_MS, MINUTE_MS
from hemline.model.site.zones import SiteTime
from hemline.sitefile.review.logic import Cases, TooMany, both, possible
from hemline.sitefile.review.values import Requirement

_FAR = 253_370_764_800_000
"""The year 9999, epoch ms: what can hold then has no end."""


def clock(op: str, moment: int) -> Cases:
    """The time stands in `op` to that moment."""
    return _one("clock.minute", op, moment)


def _one(fact: str, op: str, value: object) -> Cases:
    return frozenset({frozenset({Requirement(fact, op, value)})})


def _from(of: Cases, moment: int) -> bool:
    """Whether it can hold from that moment on: by its dates, and by the days that it asks for."""
    # A day begins somewhere on earth up to a day before it does in UTC.
    day = date((moment - DAY_MS) // MINUTE_MS, "")
    days = [_one(name, "ge", day) for name in ("clock.date", "trait.date") if _asks(of, name)]
    try:
        return possible(both(of, clock("ge", moment), *days))
    except TooMany:
        return True


def _asks(of: Cases, fact: str) -> bool:
    return any(literal.fact == fact for case in of for literal in case)


def over(of: Cases, now: int) -> bool:
    """Whether it could hold once, and can no more from `now` (epoch ms) on."""
    return not _from(of, now - now % MINUTE_MS)


def endless(of: Cases) -> bool:
    """Whether nothing ends it."""
    return _from(of, _FAR)


def live(of: Cases, moment: int, time: SiteTime) -> bool:
    """Whether it can hold at that moment (epoch ms) for anybody, by the site's own clock."""
    minute = moment // MINUTE_MS
    local = minute + time.own.at(minute)
    then = [clock("eq", minute * MINUTE_MS)]
    then += [
        _one(f"clock.{name}", "eq", fact(local, time.hemisphere)) for name, fact in LOCAL.items()
    ]
    if _asks(of, "trait.date"):
        around = tuple(date(minute + beside, "") for beside in (-DAY_MINUTES, DAY_MINUTES))
        then.append(_one("trait.date", "between", around))
    try:
        return possible(both(of, *then))
    except TooMany:
        return True
