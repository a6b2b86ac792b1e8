"""Whether conditions are over, have no end, or can hold at a moment. The caller passes the time."""

from hemline.decide.facts.clock import LOCAL, date
from hemline.model.durations import DAY_MINUTES, DAY_MS, MINUTE_MS
from hemline.model.site.zones import SiteTime
from hemline.sitefile.review.logic import Cases, TooMany, both, possible
from hemline.sitefile.review.values import Requirement

_FAR = 253_370_764_800_000
"""The start of the year 9999, epoch ms. Conditions that can still hold then have no end."""


def clock(op: str, moment: int) -> Cases:
    """The cases of `clock.minute <op> moment` (epoch ms)."""
    return _one("clock.minute", op, moment)


def _one(fact: str, op: str, value: object) -> Cases:
    return frozenset({frozenset({Requirement(fact, op, value)})})


def _from(of: Cases, moment: int) -> bool:
    """Whether the cases can hold at or after `moment` (epoch ms), by their minutes and their dates."""
    # West of UTC the local date may still be the day before; a whole day back covers every zone.
    day = date((moment - DAY_MS) // MINUTE_MS, "")
    days = [_one(name, "ge", day) for name in ("clock.date", "trait.date") if _asks(of, name)]
    try:
        return possible(both(of, clock("ge", moment), *days))
    except TooMany:
        return True


def _asks(of: Cases, fact: str) -> bool:
    return any(literal.fact == fact for case in of for literal in case)


def over(of: Cases, now: int) -> bool:
    """Whether the cases can no longer hold from `now` (epoch ms) on."""
    return not _from(of, now - now % MINUTE_MS)


def endless(of: Cases) -> bool:
    """Whether no date ends the cases."""
    return _from(of, _FAR)


def live(of: Cases, moment: int, time: SiteTime) -> bool:
    """Whether the cases can hold for some visitor at `moment` (epoch ms), by the site's clock."""
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
