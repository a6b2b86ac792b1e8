"""Removes forgotten people's data from one object: archive lines, a quarantined record, a failed batch.

Each function takes an object's bytes and returns what remains: the same bytes when nothing is removed,
empty when nothing remains. Pure, apart from reads of the register.
"""

import base64
import binascii
import gzip
import re
import zlib
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import msgspec

from hemline.model.errors import Refused
from hemline.usecases.people.forget_register import Forgetting

Cleaner = Callable[[str, bytes, Forgetting], bytes]
"""Key, bytes, register → the bytes that remain. Raises Refused on an object it cannot parse."""

_LEVEL = 1
"""Gzip level, the same as the archive's."""
_ANYWHERE = re.compile(rb"[vu]:(?=([\x21-\x7e]{1,128}))")
_MOST = 1000
"""Most positions in one payload where a subject could begin; each costs up to 128 look-ups."""
_ESCAPED = re.compile(rb"\\(.)")
NO_LINES = gzip.compress(b"", compresslevel=_LEVEL, mtime=0)
"""An archive object with nothing in it."""
_UNTIMED = 0
"""Time of a record without a readable time (epoch ms): 0, so it counts as before the forget request."""


class _When(msgspec.Struct):
    time: int


class _Who(msgspec.Struct):
    subject: str
    received: int
    event: _When


class _Row(msgspec.Struct):
    record: _Who


class _Quarantined(msgspec.Struct):
    payload: str


_who = msgspec.json.Decoder(_Who)
_row = msgspec.json.Decoder(_Row)
_quarantined = msgspec.json.Decoder(_Quarantined)
_FAULTS = (msgspec.DecodeError, UnicodeError, RecursionError, binascii.Error, ValueError)


def archive_lines(key: str, data: bytes, forgetting: Forgetting) -> bytes:
    """Clean an archive object; remaining lines keep their exact bytes."""
    try:
        lines = gzip.decompress(data).splitlines(keepends=True)
        kept = [one for one in lines if not _forgotten(_row.decode(one).record, forgetting)]
    except (OSError, EOFError, zlib.error, *_FAULTS) as error:
        raise Refused(f"{key} is no part of an archive: {type(error).__name__}") from None
    if len(kept) == len(lines):
        return data
    return gzip.compress(b"".join(kept), compresslevel=_LEVEL, mtime=0) if kept else b""


def quarantined_record(key: str, data: bytes, forgetting: Forgetting) -> bytes:
    """Keep or drop one quarantined record as a whole."""
    try:
        payload = base64.b64decode(_quarantined.decode(data).payload, validate=True)
    except _FAULTS:
        raise Refused(f"{key} is no quarantined record") from None
    return b"" if names_forgotten(payload, forgetting) else data


def failed_batch(key: str, data: bytes, forgetting: Forgetting) -> bytes:
    """Clean a batch that used up its retries; its `payload` is the whole Lambda event as JSON text."""
    try:
        document: dict[str, Any] = msgspec.json.decode(data)
        event: dict[str, Any] = msgspec.json.decode(document["payload"])
        records: list[dict[str, Any]] = event["Records"]
        kept = [one for one in records if not _given_up(one["kinesis"], forgetting)]
    except (KeyError, TypeError, AttributeError, *_FAULTS):
        raise Refused(f"{key} is no batch that was given up") from None
    if len(kept) == len(records):
        return data
    if not kept:
        return b""
    payload = msgspec.json.encode({**event, "Records": kept}).decode()
    return msgspec.json.encode({**document, "payload": payload})


def _given_up(kinesis: dict[str, Any], forgetting: Forgetting) -> bool:
    data = base64.b64decode(kinesis["data"], validate=True)
    # The partition key is the subject, so it identifies even an unreadable record.
    return names_forgotten(data, forgetting) or (
        not _readable(data) and forgetting.forgets(str(kinesis["partitionKey"]), _UNTIMED)
    )


def names_forgotten(payload: bytes, forgetting: Forgetting) -> bool:
    """Whether a record, readable or not, belongs to a forgotten person.

    A readable record is judged by its subject. In an unreadable one the subject may start and end
    anywhere, so every candidate is looked up: each `v:` or `u:`, at each length.
    Raises Refused above _MOST positions: an operator must look at such a record.
    """
    try:
        return _forgotten(_who.decode(payload), forgetting)
    except _FAULTS:
        return any(forgetting.forgets(name, _UNTIMED) for name in _candidates(payload))


def _begins(text: bytes) -> list[re.Match[bytes]]:
    found = list(islice(_ANYWHERE.finditer(text), _MOST + 1))
    if len(found) > _MOST:
        raise Refused(f"a record that cannot be read has over {_MOST} places to look for a person")
    return found


def _readable(payload: bytes) -> bool:
    try:
        _who.decode(payload)
    except _FAULTS:
        return False
    return True


def _forgotten(who: _Who, forgetting: Forgetting) -> bool:
    return forgetting.forgets(who.subject, min(who.received, who.event.time))


def _candidates(payload: bytes) -> Iterator[str]:
    """Every substring that could be a subject, in the raw payload and with JSON escapes removed."""
    for text in {payload, _ESCAPED.sub(rb"\1", payload)}:
        for found in _begins(text):
            name = (found[0] + found[1]).decode()
            yield from (name[:end] for end in range(3, len(name) + 1))
