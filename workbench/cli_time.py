"""A moment on the command line: how each command reads one, and what it says of what is none."""

from datetime import datetime

import typer


def parse_time(text: str) -> datetime:
    """A date or a time, in UTC where no offset is stated. Raises BadParameter with an example."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        problem = (
            f"{text[:40]!r} is no moment; write such as 2026-12-24 or '2026-12-24 18:00' (UTC)"
        )
        raise typer.BadParameter(problem) from None
