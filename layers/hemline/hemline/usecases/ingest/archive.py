"""The archive: every accepted event as a line of gzip'd JSON, from which editions and replays are made.

One object a batch, site and day, under a key that the batch alone decides, so that a batch that
comes again overwrites itself; what comes again in another cut is told apart when it is read. A line
is {"shard", "sequence", "record"}. The day is the one that the server received the event on.

Whoever reads it asks the register of the forgotten first, so that they are gone for every reader from
the moment they are entered, and not only when the sweep has rewritten the objects.
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
    """An event as the archive holds it. `sequence` is decimal, in its shard."""

    shard: str
    sequence: str
    record: Record


class ArchiveLine(NamedTuple):
    """An event on its way into the archive, with the bytes that came: one line of JSON."""

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
    """A line for a record whose bytes are not at hand."""
    return ArchiveLine(shard, sequence, record, encode_record(record))


def append(objects: ObjectStore, lines: Sequence[ArchiveLine]) -> list[str]:
    """Write one batch of a shard; the keys that were written. The same batch writes the same keys."""
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
    """YYYY-MM-DD in UTC of an epoch in milliseconds."""
    return (_EPOCH + timedelta(milliseconds=ms)).date().isoformat()


def _pack(lines: Sequence[ArchiveLine]) -> bytes:
    text = _encoder.encode_lines(
        [_Stored(one.shard, one.sequence, msgspec.Raw(one.data)) for one in lines]
    )
    return gzip.compress(text, compresslevel=_LEVEL, mtime=0)


def read_archive(
    objects: ObjectStore, site: str, *, days: Sequence[str] | None = None, repeats: bool = False
) -> Iterator[Archived]:
    """All events of a site by (received, sequence); of the same subject and id the first one only.

    A user and a visitor are one subject from their `identify` until that is taken back: an event that was
    sent before signing in, and again after, is one.
    `days` narrows to those days; `repeats` keeps what clients sent twice, which a profile needs to be
    rebuilt exactly (it keeps an id at its latest time), but never what the stream delivered twice.
    What is forgotten is passed over, as if it had never been there.
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
    """Which events were read already, of whoever they were sent as."""

    def __init__(self, site: str) -> None:
        # People come in sessions: most records are of somebody who was just named.
        self._name = lru_cache(maxsize=1 << 16)(partial(alias, site))
        self._seen: set[int] = set()
        self._linked: dict[str, set[str]] = {}
        """Alias → those who are one person with them, each way round."""

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
    # A part of the history that cannot be read must be loud: an edition without it would look whole.
    try:
        return _stored.decode_lines(gzip.decompress(data)) if data else []
    except (OSError, EOFError, zlib.error, msgspec.DecodeError) as error:
        raise Refused(f"{key} is no part of an archive: {error}") from None


def watermarks(objects: ObjectStore, site: str) -> dict[str, str]:
    """Shard → the highest sequence number in the archive, from the keys alone."""
    highest: dict[str, int] = {}
    for key in objects.keys(archive_prefix(site)):
        _, shard, name = _parts(key)
        highest[shard] = max(highest.get(shard, 0), _last(name))
    return {shard: str(sequence) for shard, sequence in sorted(highest.items())}


def last_of_shards(objects: ObjectStore, site: str) -> frozenset[str]:
    """The objects that watermarks are read from: without one of them its shard would seem to go back."""
    last: dict[str, tuple[int, str]] = {}
    for key in objects.keys(archive_prefix(site)):
        _, shard, name = _parts(key)
        last[shard] = max(last.get(shard, (-1, "")), (_last(name), key))
    return frozenset(key for _, key in last.values())


def archived_days(objects: ObjectStore, site: str) -> list[str]:
    """The days (YYYY-MM-DD) that it holds something of, oldest first, from the keys alone."""
    return sorted({_parts(key)[0] for key in objects.keys(archive_prefix(site))})
