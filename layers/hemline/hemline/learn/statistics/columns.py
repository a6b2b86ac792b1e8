"""Names of the columns of `item_stats`, for `arrays` and for the ranker's features. No numpy."""

from hemline.model.events.event import InteractionLevel

WINDOWS = (1, 7, 30, 90)
"""Days."""
_DEEDS = tuple(deed.name.lower() for deed in InteractionLevel)
STATS: tuple[str, ...] = (
    *(f"{deed}_{days}d" for deed in _DEEDS for days in WINDOWS),
    *(f"{deed}_ever" for deed in _DEEDS),
    "rate_7d",
    "rate_30d",
    "rate_ever",
    "bought_rate",
    "popularity",
    "trend",
)
"""Columns of `item_stats`: log(1 + count) by deed and window, smoothed rates, decayed popularity."""
