"""What a profile keeps of slots with a frequency cap: when each was seen, and answered last.

Of each slot the newest MAX_TIMES exposures and the newest answer (a click or a dismissal), as far as
they fit MAX_BYTES; what is older, or of more slots, falls out oldest first. `known_since` says up to
where nothing fell out, so that whoever counts knows when a count cannot be had: a cap never forgets.

A function of the set of events. Taken newest first, an act is left out where its slot has newer ones
enough, and at the first that does not fit everything ends (the floor). More events only lengthen what
stands before an act: what fell out never comes back. One id counts once, at its latest time.

Layout, little-endian: floor's second u4, key u4 | of each slot, by name: length of the name u1,
exposures n u1, answers u1, the name, then second u4 and key u4 of each, exposures first, newest first.
Knows no clock, no caps and nobody's identity.
"""

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from hemline.model.errors import Refused
from hemline.model.events.event import CAPPED, EXPOSURE, Record
from hemline.model.ids import hash64
from hemline.model.site.alert import MAX_TIMES

MAX_BYTES = 400
"""Four slots of names up to 23 characters with all that is ever kept of them."""
_HEAD = struct.Struct("<II")
_SLOT = struct.Struct("<BBB")
_ACT_BYTES = 8
_MOST = {False: MAX_TIMES, True: 1}
"""Whether it is an answer → how many of a slot are kept."""
_LATEST = (1 << 32) - 1
NOWHERE = (0, 0)
Moment = tuple[int, int]
"""Epoch seconds, and 32 bits of the event's id; as they compare, the newest is the highest."""


class AlertInteraction(NamedTuple):
    """One exposure of a capped slot, or one answer to it."""

    slot: str
    answer: bool
    key: int
    second: int

    @property
    def moment(self) -> Moment:
        """Its place in time."""
        return self.second, self.key


class AlertHistory(NamedTuple):
    """One slot; epoch seconds, newest first."""

    exposures: list[int]
    answers: list[int]


def interactions_of(records: Iterable[Record]) -> Iterator[AlertInteraction]:
    """What a cap counts of them: events whose token was that of a capped fragment."""
    for record in records:
        event = record.event
        if record.capped and event.type in CAPPED:
            second = min(max(event.time, 1000) // 1000, _LATEST)
            yield AlertInteraction(
                record.capped, event.type != EXPOSURE, hash64(event.id) & _LATEST, second
            )


def merge(packed: bytes, offered: Iterable[AlertInteraction], floor: Moment = NOWHERE) -> bytes:
    """With `offered` taken in, and without what lies at or below `floor`."""
    floor = max(floor, floor_of(packed))
    best: dict[tuple[str, bool, int], AlertInteraction] = {}
    for act in (*interactions(packed), *offered):
        name = act[:3]
        if act.moment > floor and (name not in best or best[name].second < act.second):
            best[name] = act
    return _pack(sorted(best.values(), key=lambda act: act.moment, reverse=True), floor)


def reserved_bytes(packed: bytes) -> int:
    """Bytes that it takes from a profile's for good: all it may ever have once something fell out."""
    return MAX_BYTES if floor_of(packed) != NOWHERE else len(packed)


def _pack(newest_first: Sequence[AlertInteraction], floor: Moment) -> bytes:
    kept: dict[str, tuple[list[AlertInteraction], list[AlertInteraction]]] = {}
    size = _HEAD.size
    for moment, together in groupby(newest_first, lambda act: act.moment):
        fitting = [act for act in together if _room(kept, act)]
        names = {act.slot for act in fitting} - kept.keys()
        size += sum(_SLOT.size + len(name) for name in names) + _ACT_BYTES * len(fitting)
        if size > MAX_BYTES:
            floor = moment
            break
        for act in fitting:
            kept.setdefault(act.slot, ([], []))[act.answer].append(act)
    return _written(kept, floor) if kept or floor != NOWHERE else b""


def _room(
    kept: Mapping[str, tuple[list[AlertInteraction], list[AlertInteraction]]], act: AlertInteraction
) -> bool:
    return act.slot not in kept or len(kept[act.slot][act.answer]) < _MOST[act.answer]


def _written(
    kept: Mapping[str, tuple[list[AlertInteraction], list[AlertInteraction]]], floor: Moment
) -> bytes:
    parts = [_HEAD.pack(*floor)]
    for slot, (seen, answered) in sorted(kept.items()):
        name = slot.encode("ascii")
        parts += (_SLOT.pack(len(name), len(seen), len(answered)), name)
        parts += [_HEAD.pack(*act.moment) for act in (*seen, *answered)]
    return b"".join(parts)


def floor_of(packed: bytes) -> Moment:
    """The newest that ever fell out; NOWHERE when nothing did."""
    return _HEAD.unpack_from(packed) if packed else NOWHERE


def interactions(packed: bytes) -> list[AlertInteraction]:
    """All that is kept, slot by slot. Raises what a torn text raises: `check` first."""
    found: list[AlertInteraction] = []
    at = _HEAD.size
    while at < len(packed):
        length, seen, answered = _SLOT.unpack_from(packed, at)
        at += _SLOT.size + length
        slot = packed[at - length : at].decode("ascii")
        for number in range(seen + answered):
            second, key = _HEAD.unpack_from(packed, at)
            found.append(AlertInteraction(slot, number >= seen, key, second))
            at += _ACT_BYTES
    return found


def check(packed: bytes) -> None:
    """Raises Refused unless its sizes add up; a check sum stands before all of it."""
    at = _HEAD.size if packed else 0
    try:
        while at < len(packed):
            length, seen, answered = _SLOT.unpack_from(packed, at)
            at += _SLOT.size + length + _ACT_BYTES * (seen + answered)
    except struct.error:
        at = -1
    if at != len(packed):
        raise Refused("what a profile keeps of alerts is of another size than it says")


def history_of(packed: bytes, slot: str) -> AlertHistory:
    """What is kept of one slot."""
    own = [act for act in interactions(packed) if act.slot == slot]
    seen = [act.second for act in own if not act.answer]
    return AlertHistory(seen, [act.second for act in own if act.answer])


def known_since(packed: bytes) -> int:
    """Epoch seconds: of what happened later nothing fell out that a cap could count; 0: ever."""
    return floor_of(packed)[0] + 1 if floor_of(packed) != NOWHERE else 0


def count(packed: bytes, offered: Iterable[AlertInteraction]) -> tuple[int, int, int]:
    """How many of them are kept, repeated, late: of those it could not be told whether they are new."""
    kept = repeated = late = 0
    known = {act[:3] for act in interactions(packed)}
    for act in offered:
        if act[:3] in known:
            repeated += 1
        elif _is_late(packed, act):
            late += 1
        else:
            kept += 1
            known.add(act[:3])
    return kept, repeated, late


def _is_late(packed: bytes, act: AlertInteraction) -> bool:
    """Below the floor, or its slot has newer ones enough."""
    own = [one.moment for one in interactions(packed) if one[:2] == act[:2]]
    full = len(own) == _MOST[act.answer] and act.moment < min(own)
    return full or act.moment <= floor_of(packed)
