"""Lengths of time, in the unit that the name says. No clock: a moment is always an argument."""

DAY_MINUTES = 1440
MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000
DAY_SECONDS = 86_400
