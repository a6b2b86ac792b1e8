"""When conditions can hold: over, without an end, at one moment. Knows no clock: it is handed in."""

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


def live(of: Cases, moment: int) -> bool:
    """Whether it can hold at that moment (epoch ms) for anybody."""
    return _narrowed(of, "eq", moment - moment % _MINUTE)
