"""When conditions can hold: over, without an end, at one moment. Knows no clock: it is handed in."""

from hemline.decide.clock import LOCAL
from hemline.model.zones import SiteTime
from hemline.usecases.review_logic import Cases, Literal, TooMany, both, possible

_MINUTE = 60_000
_FAR = 253_370_764_800_000
"""The year 9999, epoch ms: what can hold then has no end."""


def clock(op: str, moment: int) -> Cases:
    """The time stands in `op` to that moment."""
    return frozenset({frozenset({Literal("clock.minute", op, moment)})})


def _narrowed(of: Cases, op: str, moment: int) -> bool:
    try:
        return possible(both(of, clock(op, moment)))
    except TooMany:
        return True


def over(of: Cases, now: int) -> bool:
    """Whether it could hold once, and can no more from `now` (epoch ms) on."""
    return not _narrowed(of, "ge", now - now % _MINUTE)


def endless(of: Cases) -> bool:
    """Whether nothing ends it."""
    return _narrowed(of, "ge", _FAR)


def live(of: Cases, moment: int, time: SiteTime) -> bool:
    """Whether it can hold at that moment (epoch ms) for anybody, by the site's own clock."""
    minute = moment // _MINUTE
    local = minute + time.own.at(minute)
    then = [clock("eq", minute * _MINUTE)]
    for name, fact in LOCAL.items():
        literal = Literal(f"clock.{name}", "eq", fact(local, time.hemisphere))
        then.append(frozenset({frozenset({literal})}))
    try:
        return possible(both(of, *then))
    except TooMany:
        return True
