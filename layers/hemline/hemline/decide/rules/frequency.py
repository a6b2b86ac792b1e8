"""Whether a slot's frequency cap allows it, by when it was seen and answered.

With incomplete history it is not shown: a cap must hold on every rung.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from hemline.decide.facts.facts import Facts
from hemline.model.durations import DAY_MS
from hemline.model.site.alert import Frequency

FAMILY = "visitor.alert."
"""Facts of this family, by slot: `exposures` and `answers` (epoch ms, newest first), `known_since`."""


def why_not(slot: str, cap: Frequency, facts: Facts) -> str:
    """Why it may not be shown now, or nothing. Raises MissingFact, Unavailable: then it may not either."""
    seen: Mapping[str, Any] = facts.read(FAMILY + slot)
    now = facts.read("clock.minute")
    since, quiet = now - cap.days * DAY_MS, now - cap.quiet_days * DAY_MS
    if _later(seen["answers"], quiet):
        return f"frequency: answered, quiet for {cap.quiet_days} days"
    count = _later(seen["exposures"], since)
    if count >= cap.times:
        return f"frequency: seen {count} times in {cap.days} days, {cap.times} at most"
    if seen["known_since"] > min(since, quiet):
        return "frequency: older exposures fell out of the profile, how many is not known"
    return ""


def _later(times: Sequence[int], than: int) -> int:
    return sum(time > than for time in times)
