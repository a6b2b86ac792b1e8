"""JSON lines of events as the wire has them (docs/events.md); each names its `visitor` or `user`."""

from collections.abc import Iterable, Iterator

import msgspec

from workbench.importers.wire import Made, Unreadable

_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])


def events(lines: Iterable[bytes]) -> Iterator[Made]:
    """Each line as it is, once it is known to be one JSON object; the door judges the rest."""
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield _made(line, number)


def _made(line: bytes, number: int) -> Made:
    try:
        _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Unreadable(f"line {number}", f"is no JSON object: {error}")
    return line.strip()
