"""Times on the command line: one parser for all commands, and epoch milliseconds from what it returns."""

import time
from datetime import UTC, datetime

import typer


def parse_time(text: str) -> datetime:
    """Parse a date or a time, in UTC unless it states an offset. Raises BadParameter with an example."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        problem = (
            f"{text[:40]!r} is not a time; write it like 2026-12-24 or '2026-12-24 18:00' (UTC)"
        )
        raise typer.BadParameter(problem) from None


def epoch_ms(when: datetime | None) -> int:
    """Epoch milliseconds of `when` (UTC unless it has an offset), or of now when it is None."""
    if when is None:
        return time.time_ns() // 1_000_000
    return int(when.replace(tzinfo=when.tzinfo or UTC).timestamp() * 1000)
