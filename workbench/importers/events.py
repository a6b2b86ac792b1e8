"""Reads JSON lines of wire events (docs/events.md); each names its `visitor` or `user`."""

from collections.abc import Iterable, Iterator

from workbench.importers.json_lines import decode
from workbench.importers.wire import Placed, ReadEvent, Unreadable


def events(lines: Iterable[bytes]) -> Iterator[ReadEvent]:
    """Each line that is one JSON object, unchanged. The collect endpoint validates the rest."""
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield _made(line, number)


def _made(line: bytes, number: int) -> ReadEvent:
    where = f"line {number}"
    try:
        decode(line)
    except ValueError as error:
        return Unreadable(where, str(error))
    return Placed(line.strip(), where)
