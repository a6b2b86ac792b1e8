"""Scans every byte of every store for an id, and counts what was scanned.

Knows how to read each store. Spellings of an id are in `spellings`, unpacking is in `unfold`.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from hemline.usecases.ports import VersionedStore
from workbench.forget.spellings import Needle, found_in
from workbench.forget.unfold import layers

_PAGE = 1000
_TRIES = 3
"""Empty responses in a row after which a shard is at its end: Kinesis may return empty ones in between."""


class Piece(NamedTuple):
    """One stored object, item or record."""

    name: str
    """Key, path or sequence number."""
    data: bytes
    goes: str = ""
    """When it expires by itself, for people; empty: never."""


class Place(NamedTuple):
    """A store, or a part of one, and how to read its pieces."""

    name: str
    pieces: Callable[[], Iterator[Piece]]


class ScanMatch(msgspec.Struct, frozen=True):
    """One hit."""

    place: str
    piece: str
    spelling: str
    inside: tuple[str, ...] = ()
    """Layers that were unpacked to get there, outermost first."""
    goes: str = ""
    """When it expires by itself; empty: never, so it is a fault."""


class ScannedPlace(msgspec.Struct, frozen=True):
    """How much of one place was scanned."""

    place: str
    pieces: int
    bytes: int
    unfolded: int
    """Further bytes that were unpacked or decoded, and scanned."""


def scan_place(place: Place, wanted: list[Needle]) -> tuple[ScannedPlace, list[ScanMatch]]:
    """Scan all pieces of one place, unpacked layers and names included."""
    count = size = unfolded = 0
    found: dict[ScanMatch, None] = {}
    for piece in place.pieces():
        count, size = count + 1, size + len(piece.data)
        for way, data in layers(piece.data):
            unfolded += len(data) if way else 0
            for how in found_in(data, wanted):
                found[ScanMatch(place.name, piece.name, how, way, piece.goes)] = None
        for how in found_in(piece.name.encode(), wanted):
            found[ScanMatch(place.name, piece.name, how, ("name",), piece.goes)] = None
    return ScannedPlace(place.name, count, size, unfolded), list(found)


def table(dynamodb: Any, name: str) -> Iterator[Piece]:  # noqa: ANN401 - a boto3 client
    """Every attribute of every item."""
    for page in dynamodb.get_paginator("scan").paginate(TableName=name, ConsistentRead=True):
        for item in page["Items"]:
            where = "/".join(str(value) for key in ("pk", "sk") for value in item[key].values())
            yield Piece(where, b"\n".join(_attribute(item)))


def _attribute(value: Any) -> Iterator[bytes]:  # noqa: ANN401 - whatever an attribute may hold
    if isinstance(value, bytes):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield str(key).encode()
            yield from _attribute(inner)
    elif isinstance(value, list | tuple | set):
        for inner in value:
            yield from _attribute(inner)
    else:
        yield str(value).encode()


def bucket(store: VersionedStore, prefix: str = "", *, but: Sequence[str] = ()) -> Iterator[Piece]:
    """Every version of every object below `prefix`, except those below the prefixes in `but`."""
    for one in store.versions(prefix):
        if not one.key.startswith(tuple(but)):
            data = b"" if one.marker else store.get_version(one)
            yield Piece(f"{one.key} ({'latest' if one.latest else one.version})", data or b"")


def stream(kinesis: Any, name: str) -> Iterator[Piece]:  # noqa: ANN401 - a boto3 client
    """Every record of a stream, with its time of expiry: a stream cannot be rewritten."""
    summary = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
    keeps = timedelta(hours=summary["RetentionPeriodHours"])
    for page in kinesis.get_paginator("list_shards").paginate(StreamName=name):
        for shard in page["Shards"]:
            for record in _records(kinesis, name, shard["ShardId"]):
                goes = record["ApproximateArrivalTimestamp"].astimezone(UTC) + keeps
                data = record["PartitionKey"].encode() + b"\n" + record["Data"]
                where = f"{shard['ShardId']} {record['SequenceNumber']}"
                yield Piece(where, data, f"{goes:%Y-%m-%d %H:%M}Z")


def _records(kinesis: Any, name: str, shard: str) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - boto3
    """Records of a shard until it ends, or until several responses are empty and nothing is behind."""
    iterator = kinesis.get_shard_iterator(
        StreamName=name, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    empty = 0
    while iterator and empty < _TRIES:
        got = kinesis.get_records(ShardIterator=iterator, Limit=_PAGE)
        yield from got["Records"]
        iterator = got.get("NextShardIterator")
        behind = bool(got["Records"]) or got.get("MillisBehindLatest", 0) > 0
        empty = 0 if behind else empty + 1


def folder(root: Path, names: Sequence[str], goes: str = "") -> Iterator[Piece]:
    """Files below `root` whose path begins with one of `names`."""
    for path in sorted(root.rglob("*")):
        where = path.relative_to(root).as_posix()
        if where.startswith(tuple(names)) and path.is_file() and not path.is_symlink():
            yield Piece(where, path.read_bytes(), goes)
