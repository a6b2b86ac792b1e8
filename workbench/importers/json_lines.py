"""JSON lines read strictly: one object a line, in which no key comes twice."""

import json

import msgspec

_decoder = msgspec.json.Decoder(dict[str, object])


def decode(line: bytes) -> dict[str, object]:
    """The object of a line. Raises ValueError with why it is none; a doubled key is told by its name."""
    try:
        found = _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"is no JSON object: {error}") from None
    # Other readers take the first of two equal keys, and msgspec the last: neither was meant.
    json.loads(line, object_pairs_hook=_unique)
    return found


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for at, name in enumerate(names) if name in names[:at])
        raise ValueError(f"has the key {twice[:64]!r} twice: keep one of them")
    return found
