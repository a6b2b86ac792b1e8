"""The sweep: takes the forgotten out of archive, quarantine and given-up batches, old versions included.

Readers pass over them from the first moment (`forget_register`); this removes the bytes. A sweep goes
through everything in key order, a bounded piece a run, and notes how far it came. Each object is
rewritten before any old version of it goes, so whenever it is killed, nobody else loses an event, and
the next run finds what is left to do. It is repeated for as long as the stream may bring something
of a person back; a sweep that began after that takes them off the register.
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


class SweepDeps(NamedTuple):
    """What the use case needs of the outside."""

    site: str
    data: VersionedStore
    failed: VersionedStore
    """Batches that used up their retries."""


class Swept(msgspec.Struct, frozen=True):
    """What one run did."""

    looked: int = 0
    """Versions of objects that were read."""
    cleaned: int = 0
    """Objects that were rewritten without the forgotten."""
    deleted: int = 0
    """Versions that held them and are gone."""
    settled: int = 0
    """People who are off the register: nothing can come back, only their tombstones remain."""
    waiting: int = 0
    """People who are still on it."""
    done: bool = True
    """Everything was gone through; False: call again to go on."""
    unreadable: tuple[str, ...] = ()
    """Objects in which nobody can be looked for; no one is settled until somebody has seen to them."""


class _Cursor(msgspec.Struct, frozen=True):
    """How far a sweep has come, and for whom."""

    began: int
    people: tuple[RegisterEntry, ...]
    place: int = 0
    after: str = ""
    unreadable: tuple[str, ...] = ()


class _Place(NamedTuple):
    """Objects that are cleaned in the same way."""

    store: VersionedStore
    prefix: str
    clean: lines.Cleaner
    by_day: bool
    """Whether a day stands behind the prefix, so that keys sort by day."""


class _Found(NamedTuple):
    """What became of one key."""

    looked: int = 0
    cleaned: int = 0
    deleted: int = 0
    unreadable: tuple[str, ...] = ()


Clean = Callable[[bytes], bytes]
"""Bytes → the same object, the rest, or nothing."""
_cursors = msgspec.json.Decoder(_Cursor)


def sweep(deps: SweepDeps, now: int, *, most: int = MOST) -> Swept:
    """Go on with the sweep, or begin one; `now` is epoch ms. Safe to repeat and to run twice at once.

    Raises Unavailable when a store does not answer; what was done until then stays done.
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
    """Piece after piece for as long as `more` says so; all of them as one. Raises Unavailable."""
    total = sweep(deps, now, most=most)
    while not total.done and more():
        total = _added(total, sweep(deps, now, most=most))
    return total


def _added(one: Swept, other: Swept) -> Swept:
    """What is still to do is told by the later one."""
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
        return None  # of another version of this code: begin anew


def _end(deps: SweepDeps) -> None:
    """Without looking first, each call would leave one more delete marker."""
    if deps.data.get(sweep_object(deps.site)) is not None:
        deps.data.delete(sweep_object(deps.site))


def _go_through(  # noqa: PLR0913, PLR0917 - one step of a fold over places
    deps: SweepDeps, place: _Place, cursor: _Cursor, total: Swept, forgetting: Forgetting, most: int
) -> tuple[_Cursor, Swept]:
    marks = last_of_shards(deps.data, deps.site) if place.clean is lines.archive_lines else ()
    for key, versions in _by_key(place, cursor):
        if total.looked >= most:
            return cursor, msgspec.structs.replace(total, done=False)
        # Without any object a shard's watermark would seem to go back: its last one stays, empty.
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
    """From where on there may be something of them: empty, everywhere, until each was swept once.

    After that only what the stream has brought since can hold them: received, at the earliest, as long
    before they were forgotten as it takes until they are settled.
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
        except Conflict:  # ingest wrote the same batch again: look at what lies there now
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
    # The oldest first: when the latest goes, no other one with the forgotten may take its place.
    for one in reversed(doomed):
        store.delete_version(one)
    return _Found(1 + len(older), cleaned, len(doomed), tuple(unreadable))


def _judged(
    store: VersionedStore, one: ObjectVersion, clean: Clean, unreadable: list[str]
) -> bytes | None:
    """What is to stay of a version; None when all of it is."""
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
    """A whole sweep is done: take off the register for whom it was the last one."""
    settled = 0
    now_there = {entry.alias: entry for entry in entries(deps.data, deps.site)}
    for then in cursor.people if not cursor.unreadable else ():
        entry = now_there.get(then.alias)
        if entry is None or entry.at != then.at:
            continue  # forgotten once more meanwhile: the next sweep is for that
        if cursor.began > entry.settled_at:
            drop(deps.data, deps.site, entry)
            settled += 1
        else:
            mark_swept(deps.data, deps.site, entry, cursor.began)
    _end(deps)
    waiting = len(now_there) - settled
    return msgspec.structs.replace(total, settled=settled, waiting=waiting)
