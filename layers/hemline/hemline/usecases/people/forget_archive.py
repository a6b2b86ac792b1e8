"""The sweep: deletes forgotten people's data from archive, quarantine and failed batches, in all versions.

Readers already skip this data (`forget_register`); the sweep removes the bytes. One run handles a bounded
number of versions in key order and saves a cursor. Each object is rewritten before its old versions are
deleted, so a killed run loses nobody else's events and the next run finishes the work. Sweeps repeat
while the stream may still deliver events of a person; a sweep that begins after that removes the person
from the register.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import NamedTuple

import msgspec

from hemline.model.durations import DAY_MS
from hemline.model.errors import Conflict, Refused, Unavailable
from hemline.model.keys import QUARANTINE_PREFIX, archive_prefix, sweep_object
from hemline.usecases.ingest.archive import day_of, last_of_shards
from hemline.usecases.people import forget_lines as lines
from hemline.usecases.people.forget_register import (
    Forgetting,
    RegisterEntry,
    drop,
    entries,
    mark_swept,
)
from hemline.usecases.ports import ObjectVersion, VersionedStore

MOST = 2000
"""Versions read in one run: a minute or two."""
_TRIES = 5
"""Attempts at one key; a conflict needs ingest to write the same batch again, so it is rare."""


class SweepDeps(NamedTuple):
    """Dependencies of the use case."""

    site: str
    data: VersionedStore
    """Archive, quarantine, register and the sweep's cursor."""
    failed: VersionedStore
    """Batches that used up their retries."""


class Swept(msgspec.Struct, frozen=True):
    """What one run did."""

    looked: int = 0
    """Object versions read."""
    cleaned: int = 0
    """Objects rewritten without the forgotten people's data."""
    deleted: int = 0
    """Deleted object versions that held such data."""
    settled: int = 0
    """People removed from the register: the stream holds nothing of them, only their tombstones remain."""
    waiting: int = 0
    """People still on the register."""
    done: bool = True
    """The sweep has read everything; False: call again to continue."""
    unreadable: tuple[str, ...] = ()
    """Keys of objects that cannot be parsed; no person is settled until an operator handles them."""


class _Cursor(msgspec.Struct, frozen=True):
    """A sweep's progress: the place, the last key done, and the people on the register at its start."""

    began: int
    people: tuple[RegisterEntry, ...]
    place: int = 0
    after: str = ""
    unreadable: tuple[str, ...] = ()


class _Place(NamedTuple):
    """A store and key prefix whose objects share one cleaner."""

    store: VersionedStore
    prefix: str
    clean: lines.Cleaner
    by_day: bool
    """Whether the day follows the prefix, so that keys sort by day."""


class _Found(NamedTuple):
    """What became of one key."""

    looked: int = 0
    cleaned: int = 0
    deleted: int = 0
    unreadable: tuple[str, ...] = ()


Clean = Callable[[bytes], bytes]
"""Bytes → the same bytes, what remains, or empty."""
_cursors = msgspec.json.Decoder(_Cursor)


def sweep(deps: SweepDeps, now: int, *, most: int = MOST) -> Swept:
    """Continue the sweep, or begin one. `now` is epoch ms. Safe to repeat and to run concurrently.

    Raises Unavailable when a store does not answer; work done so far is kept.
    """
    people = tuple(entries(deps.data, deps.site))
    if not people:
        _end(deps)
        return Swept()
    cursor = _read_cursor(deps) or _Cursor(now, people)
    forgetting = Forgetting(deps.data, deps.site)
    total = Swept(waiting=len(people))
    for place in _places(deps)[cursor.place :]:
        cursor, total = _go_through(deps, place, cursor, total, forgetting, most)
        if not total.done:
            deps.data.put(sweep_object(deps.site), msgspec.json.encode(cursor))
            return total
        cursor = msgspec.structs.replace(cursor, place=cursor.place + 1, after="")
    return _settle(deps, cursor, total)


def sweep_on(deps: SweepDeps, now: int, more: Callable[[], bool], *, most: int = MOST) -> Swept:
    """Run `sweep` until it is done or `more` returns False; the sum of all runs. Raises Unavailable."""
    total = sweep(deps, now, most=most)
    while not total.done and more():
        total = _added(total, sweep(deps, now, most=most))
    return total


def _added(one: Swept, other: Swept) -> Swept:
    """The sum of both runs; `waiting`, `done` and `unreadable` come from the later one."""
    return msgspec.structs.replace(
        other,
        looked=one.looked + other.looked,
        cleaned=one.cleaned + other.cleaned,
        deleted=one.deleted + other.deleted,
        settled=one.settled + other.settled,
    )


def _places(deps: SweepDeps) -> tuple[_Place, ...]:
    return (
        _Place(deps.data, archive_prefix(deps.site), lines.archive_lines, by_day=True),
        _Place(deps.data, QUARANTINE_PREFIX, lines.quarantined_record, by_day=True),
        _Place(deps.failed, "", lines.failed_batch, by_day=False),
    )


def _read_cursor(deps: SweepDeps) -> _Cursor | None:
    data = deps.data.get(sweep_object(deps.site))
    try:
        return _cursors.decode(data) if data else None
    except msgspec.DecodeError:
        return None  # written by another version of this code: start over


def _end(deps: SweepDeps) -> None:
    """Delete the cursor. Checked first: deleting a missing object adds a delete marker each time."""
    if deps.data.get(sweep_object(deps.site)) is not None:
        deps.data.delete(sweep_object(deps.site))


def _go_through(  # noqa: PLR0913, PLR0917 - one step of a fold over places
    deps: SweepDeps, place: _Place, cursor: _Cursor, total: Swept, forgetting: Forgetting, most: int
) -> tuple[_Cursor, Swept]:
    marks = last_of_shards(deps.data, deps.site) if place.clean is lines.archive_lines else ()
    for key, versions in _by_key(place, cursor):
        if total.looked >= most:
            return cursor, msgspec.structs.replace(total, done=False)
        # A shard's watermark comes from its last key: that object stays, empty if need be.
        rest = lines.NO_LINES if key in marks else b""
        clean = partial(_cleaned, place, key, forgetting, rest)
        found = _clean_key(place.store, key, versions, clean)
        unreadable = cursor.unreadable + found.unreadable
        cursor = msgspec.structs.replace(cursor, after=key, unreadable=unreadable)
        total = msgspec.structs.replace(
            total,
            looked=total.looked + found.looked,
            cleaned=total.cleaned + found.cleaned,
            deleted=total.deleted + found.deleted,
            unreadable=unreadable,
        )
    return cursor, total


def _by_key(place: _Place, cursor: _Cursor) -> Iterator[tuple[str, list[ObjectVersion]]]:
    after = cursor.after or (place.prefix + _first_day(cursor.people) if place.by_day else "")
    found = groupby(place.store.versions(place.prefix, after), key=lambda one: one.key)
    return ((key, list(versions)) for key, versions in found)


def _first_day(people: Sequence[RegisterEntry]) -> str:
    """The first day (YYYY-MM-DD) to sweep; empty (all days) until each person was swept once.

    Later sweeps only look for events the stream delivered late. Those were received at most
    `settled_at - at` before the request (`at - (settled_at - at)`); one day is added for safety.
    """
    if any(not entry.swept for entry in people):
        return ""
    return day_of(max(0, min(2 * one.at - one.settled_at for one in people) - DAY_MS))


def _cleaned(place: _Place, key: str, forgetting: Forgetting, rest: bytes, data: bytes) -> bytes:
    return place.clean(key, data, forgetting) or rest


def _clean_key(
    store: VersionedStore, key: str, versions: list[ObjectVersion], clean: Clean
) -> _Found:
    for _ in range(_TRIES):
        try:
            return _clean_versions(store, versions, clean)
        except Conflict:  # ingest wrote the same batch again: list the versions anew
            versions = _of(store, key)
    raise Unavailable("bucket", f"an object was changed by others {_TRIES} times in a row")


def _of(store: VersionedStore, key: str) -> list[ObjectVersion]:
    return [one for one in store.versions(key) if one.key == key]


def _clean_versions(store: VersionedStore, versions: list[ObjectVersion], clean: Clean) -> _Found:
    if not versions:
        return _Found()
    newest, *older = versions
    cleaned, doomed, unreadable = 0, list[ObjectVersion](), list[str]()
    kept = _judged(store, newest, clean, unreadable)
    if kept == b"":
        doomed.append(newest)
    elif kept is not None:
        store.replace(newest, kept)
        cleaned, older = 1, [one for one in _of(store, newest.key) if not one.latest]
    doomed += [one for one in older if _judged(store, one, clean, unreadable) is not None]
    # Oldest first: deleting the latest version must not expose an older one that still holds the data.
    for one in reversed(doomed):
        store.delete_version(one)
    return _Found(1 + len(older), cleaned, len(doomed), tuple(unreadable))


def _judged(
    store: VersionedStore, one: ObjectVersion, clean: Clean, unreadable: list[str]
) -> bytes | None:
    """The bytes of a version to keep; None when it stays as it is. Adds its key to `unreadable`."""
    data = None if one.marker else store.get_version(one)
    if data is None:
        return None
    try:
        kept = clean(data)
    except Refused:
        unreadable.append(one.key)
        return None
    return None if kept == data else kept


def _settle(deps: SweepDeps, cursor: _Cursor, total: Swept) -> Swept:
    """End a complete sweep: remove settled people from the register, mark the others as swept."""
    settled = 0
    now_there = {entry.alias: entry for entry in entries(deps.data, deps.site)}
    for then in cursor.people if not cursor.unreadable else ():
        entry = now_there.get(then.alias)
        if entry is None or entry.at != then.at:
            continue  # gone, or forgotten again during this sweep: left to the next sweep
        if cursor.began > entry.settled_at:
            drop(deps.data, deps.site, entry)
            settled += 1
        else:
            mark_swept(deps.data, deps.site, entry, cursor.began)
    _end(deps)
    waiting = len(now_there) - settled
    return msgspec.structs.replace(total, settled=settled, waiting=waiting)
