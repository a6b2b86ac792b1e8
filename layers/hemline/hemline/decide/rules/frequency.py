"""Whether a slot's frequency cap allows it, from the times of its exposures and answers.

With incomplete history the slot is not shown: a cap must hold on every rung.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from hemline.decide.facts.facts import Facts
from hemline.model.durations import DAY_MS
from hemline.model.site.alert import Frequency

FAMILY = "visitor.alert."
"""Fact per slot: `exposures` and `answers` (epoch ms, newest first), `known_since` (epoch ms)."""


def why_not(slot: str, cap: Frequency, facts: Facts) -> str:
    """Why the slot may not be shown now; empty if it may. MissingFact or Unavailable also mean no."""
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
