"""Strict JSON lines: one object a line, without duplicate keys."""

import json

import msgspec

_decoder = msgspec.json.Decoder(dict[str, object])


def decode(line: bytes) -> dict[str, object]:
    """The object of a line. Raises ValueError with the reason; a duplicate key is named."""
    try:
        found = _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"is no JSON object: {error}") from None
    # Readers differ in which of two equal keys they take, so neither can be assumed.
    json.loads(line, object_pairs_hook=_unique)
    return found


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for at, name in enumerate(names) if name in names[:at])
        raise ValueError(f"has the key {twice[:64]!r} twice: keep one of them")
    return found
