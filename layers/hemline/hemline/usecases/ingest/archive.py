"""The archive: every accepted event as a line of gzip'd JSON, from which editions and replays are made.

One object per batch, site and day. The batch alone determines the key, so a redelivered batch overwrites
itself; records redelivered in other batches are deduplicated on reading. A line is
{"shard", "sequence", "record"}. The day is the one on which the server received the event.

Readers check the register of forgotten people first, so a person's events disappear for every reader at
once, before the sweep rewrites the objects.
"""

import gzip
import zlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from itertools import groupby
from typing import NamedTuple

import msgspec

from hemline.model.durations import DAY_MS
from hemline.model.errors import Refused
from hemline.model.events.event import IDENTIFY, Record, encode_record
from hemline.model.ids import hash64
from hemline.model.keys import alias, archive_object, archive_prefix
from hemline.usecases.people.forget_register import Forgetting
from hemline.usecases.ports import ObjectStore

# Level 1 packs event lines to within a fifth of level 9, in a quarter of the CPU.
_LEVEL = 1
_SUFFIX = ".jsonl.gz"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Kinesis numbers have up to 56 digits: padded, so that keys sort as numbers do.
_DIGITS = 56


class Archived(NamedTuple):
    """An event read from the archive. `sequence` is decimal and unique within its shard."""

    shard: str
    sequence: str
    record: Record


class ArchiveLine(NamedTuple):
    """An event to archive; `data` is the record as one line of JSON, as received."""

    shard: str
    sequence: str
    record: Record
    data: bytes


class _Stored(msgspec.Struct, frozen=True):
    shard: str
    sequence: str
    record: msgspec.Raw


class _Received(msgspec.Struct, frozen=True):
    received: int


_encoder = msgspec.json.Encoder()
_stored = msgspec.json.Decoder(_Stored)
_received = msgspec.json.Decoder(_Received)
_record = msgspec.json.Decoder(Record)


def line(shard: str, sequence: str, record: Record) -> ArchiveLine:
    """An archive line; encodes the record. For callers without its original bytes."""
    return ArchiveLine(shard, sequence, record, encode_record(record))


def append(objects: ObjectStore, lines: Sequence[ArchiveLine]) -> list[str]:
    """Write one batch of a shard; returns the keys written. The same batch writes the same keys."""
    keys = []
    for (site, _), part in groupby(sorted(lines, key=_place), key=lambda one: _place(one)[:2]):
        batch = list(part)
        numbers = [one.sequence.zfill(_DIGITS) for one in batch]
        key = archive_object(site, day_of(batch[0].record.received), batch[0].shard, numbers)
        objects.put(key, _pack(batch))
        keys.append(key)
    return keys


def _place(one: ArchiveLine) -> tuple[str, int, int]:
    return one.record.site, one.record.received // DAY_MS, int(one.sequence)


def day_of(ms: int) -> str:
    """The UTC day (YYYY-MM-DD) of an epoch-ms time."""
    return (_EPOCH + timedelta(milliseconds=ms)).date().isoformat()


def _pack(lines: Sequence[ArchiveLine]) -> bytes:
    text = _encoder.encode_lines(
        [_Stored(one.shard, one.sequence, msgspec.Raw(one.data)) for one in lines]
    )
    return gzip.compress(text, compresslevel=_LEVEL, mtime=0)


def read_archive(
    objects: ObjectStore, site: str, *, days: Sequence[str] | None = None, repeats: bool = False
) -> Iterator[Archived]:
    """A site's events by (received, sequence); only the first one per subject and event id.

    A user and a visitor count as one subject from `identify` until unlinking, so an event sent before
    sign-in and again after it counts once.
    `days` restricts to those days (YYYY-MM-DD). `repeats` keeps client repeats, which an exact rebuild of
    a profile needs (it keeps an id at its latest time); stream redeliveries are always dropped.
    Forgotten events are skipped.
    Raises Refused when an object is damaged.
    """
    delivered: set[int] = set()
    copies = _Copies(site)
    forgotten = Forgetting(objects, site)
    for _, keys in groupby(objects.keys(archive_prefix(site)), key=lambda key: _parts(key)[0]):
        chosen = [key for key in keys if days is None or _parts(key)[0] in days]
        for shard, sequence, raw in _day(objects, chosen):
            record = _record.decode(raw)
            if forgotten and forgotten.forgets(record.subject, _earlier(record)):
                continue
            place = hash64(f"{shard}|{sequence}")
            if place in delivered or (copies.holds(record) and not repeats):
                continue
            delivered.add(place)
            copies.add(record)
            yield Archived(shard, sequence, record)


class _Copies:
    """The events read so far, by person: linked ids share them. Holds 64-bit hashes to save memory."""

    def __init__(self, site: str) -> None:
        # Events come in sessions, so most aliases were computed a moment ago.
        self._name = lru_cache(maxsize=1 << 16)(partial(alias, site))
        self._seen: set[int] = set()
        self._linked: dict[str, set[str]] = {}
        """Alias → aliases linked to it, in both directions."""

    def holds(self, record: Record) -> bool:
        name = self._name(record.subject)
        return any(
            self._mark(one, record) in self._seen for one in (name, *self._linked.get(name, ()))
        )

    def add(self, record: Record) -> None:
        name = self._name(record.subject)
        self._seen.add(self._mark(name, record))
        other = record.event.properties.get("visitor")
        if record.event.type == IDENTIFY and isinstance(other, str):
            change = set.discard if record.event.properties.get("linked") is False else set.add
            change(self._linked.setdefault(name, set()), other)
            change(self._linked.setdefault(other, set()), name)

    @staticmethod
    def _mark(name: str, record: Record) -> int:
        return hash64(f"{name}|{record.event.id}")


def _earlier(record: Record) -> int:
    return min(record.received, record.event.time)


def _parts(key: str) -> tuple[str, str, str]:
    day, shard, name = key.split("/")[-3:]
    return day, shard, name.removesuffix(_SUFFIX)


def _last(name: str) -> int:
    """The highest sequence number of an object, from its name."""
    return int(name.split("-")[1])


def _day(objects: ObjectStore, keys: Sequence[str]) -> list[tuple[str, str, msgspec.Raw]]:
    found = []
    for key in keys:
        for one in _unpack(key, objects.get(key)):
            order = (_received.decode(one.record).received, int(one.sequence), one.shard)
            found.append((order, (one.shard, one.sequence, one.record)))
    found.sort(key=lambda pair: pair[0])
    return [stored for _, stored in found]


def _unpack(key: str, data: bytes | None) -> list[_Stored]:
    # Fail on damage: an edition that skipped the object would look complete.
    try:
        return _stored.decode_lines(gzip.decompress(data)) if data else []
    except (OSError, EOFError, zlib.error, msgspec.DecodeError) as error:
        raise Refused(f"{key} is no part of an archive: {error}") from None


def watermarks(objects: ObjectStore, site: str) -> dict[str, str]:
    """Shard → the highest archived sequence number; reads only keys."""
    highest: dict[str, int] = {}
    for key in objects.keys(archive_prefix(site)):
        _, shard, name = _parts(key)
        highest[shard] = max(highest.get(shard, 0), _last(name))
    return {shard: str(sequence) for shard, sequence in sorted(highest.items())}


def last_of_shards(objects: ObjectStore, site: str) -> frozenset[str]:
    """Keys that determine the watermarks; deleting one would move its shard's watermark back."""
    last: dict[str, tuple[int, str]] = {}
    for key in objects.keys(archive_prefix(site)):
        _, shard, name = _parts(key)
        last[shard] = max(last.get(shard, (-1, "")), (_last(name), key))
    return frozenset(key for _, key in last.values())


def archived_days(objects: ObjectStore, site: str) -> list[str]:
    """The days (YYYY-MM-DD) with archived events, oldest first; reads only keys."""
    return sorted({_parts(key)[0] for key in objects.keys(archive_prefix(site))})
