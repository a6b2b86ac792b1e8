"""Names of the columns of `item_stats`, for `arrays` and for the ranker's features. No numpy."""

from hemline.model.events.event import InteractionLevel

WINDOWS = (1, 7, 30, 90)
"""Days."""
_LEVELS = tuple(level.name.lower() for level in InteractionLevel)
STATS: tuple[str, ...] = (
    *(f"{level}_{days}d" for level in _LEVELS for days in WINDOWS),
    *(f"{level}_ever" for level in _LEVELS),
    "rate_7d",
    "rate_30d",
    "rate_ever",
    "bought_rate",
    "popularity",
    "trend",
)
"""Columns of `item_stats`: log(1 + count) by level and window, smoothed rates, decayed popularity, trend."""
