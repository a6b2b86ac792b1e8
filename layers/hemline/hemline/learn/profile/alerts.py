"""Interactions with slots that have a frequency cap, as a profile keeps them: exposures and the last answer.

Each slot keeps its newest MAX_TIMES exposures and its newest answer (a click or a dismissal). Beyond
MAX_BYTES the oldest are dropped. `known_since` says from when on nothing was dropped, so that a caller
knows when a count is incomplete and does not show the slot once too often.

The bytes are a function of the set of events. Interactions are taken newest first; one whose slot is
full is skipped, and the first that does not fit ends the list (the floor). More events only put more in
front of an interaction, so what was dropped never comes back. One id counts once, at its latest time.

Layout, little-endian: floor's second u4, key u4 | for each slot, sorted by name: length of the name u1,
exposures n u1, answers u1, the name, then second u4 and key u4 of each, exposures first, newest first.
Knows no clock, no caps and no identities.
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
"""Enough for four full slots with names of up to 23 characters."""
_HEAD = struct.Struct("<II")
_SLOT = struct.Struct("<BBB")
_INTERACTION_BYTES = 8
_MAX_KEPT = {False: MAX_TIMES, True: 1}
"""Whether it is an answer → how many a slot keeps."""
_MAX_SECOND = (1 << 32) - 1
NOWHERE = (0, 0)
Moment = tuple[int, int]
"""(epoch seconds, 32 bits of the event id's hash): the greatest is the newest."""


class AlertInteraction(NamedTuple):
    """One exposure of a capped slot, or one answer to it."""

    slot: str
    answer: bool
    """A click or a dismissal; else an exposure."""
    key: int
    """32 bits of the hash of the event's id."""
    second: int
    """Epoch seconds."""

    @property
    def moment(self) -> Moment:
        """Its place in the order of time."""
        return self.second, self.key


class AlertHistory(NamedTuple):
    """One slot; epoch seconds, newest first."""

    exposures: list[int]
    answers: list[int]


def interactions_of(records: Iterable[Record]) -> Iterator[AlertInteraction]:
    """The records that a frequency cap counts: those with the token of a capped fragment."""
    for record in records:
        event = record.event
        if record.capped and event.type in CAPPED:
            second = min(max(event.time, 1000) // 1000, _MAX_SECOND)
            yield AlertInteraction(
                record.capped, event.type != EXPOSURE, hash64(event.id) & _MAX_SECOND, second
            )


def merge(packed: bytes, offered: Iterable[AlertInteraction], floor: Moment = NOWHERE) -> bytes:
    """`packed` with `offered` merged in, without anything at or below `floor`."""
    floor = max(floor, floor_of(packed))
    best: dict[tuple[str, bool, int], AlertInteraction] = {}
    for act in (*interactions(packed), *offered):
        name = act[:3]
        if act.moment > floor and (name not in best or best[name].second < act.second):
            best[name] = act
    return _pack(sorted(best.values(), key=lambda act: act.moment, reverse=True), floor)


def reserved_bytes(packed: bytes) -> int:
    """Bytes of the profile that it reserves: all of MAX_BYTES once something was dropped."""
    return MAX_BYTES if floor_of(packed) != NOWHERE else len(packed)


def _pack(newest_first: Sequence[AlertInteraction], floor: Moment) -> bytes:
    kept: dict[str, tuple[list[AlertInteraction], list[AlertInteraction]]] = {}
    size = _HEAD.size
    # All interactions of one moment go in or stay out together: the floor cannot split a moment.
    for moment, together in groupby(newest_first, lambda act: act.moment):
        fitting = [act for act in together if _has_room(kept, act)]
        names = {act.slot for act in fitting} - kept.keys()
        size += sum(_SLOT.size + len(name) for name in names) + _INTERACTION_BYTES * len(fitting)
        if size > MAX_BYTES:
            floor = moment
            break
        for act in fitting:
            kept.setdefault(act.slot, ([], []))[act.answer].append(act)
    return _write(kept, floor) if kept or floor != NOWHERE else b""


def _has_room(
    kept: Mapping[str, tuple[list[AlertInteraction], list[AlertInteraction]]], act: AlertInteraction
) -> bool:
    return act.slot not in kept or len(kept[act.slot][act.answer]) < _MAX_KEPT[act.answer]


def _write(
    kept: Mapping[str, tuple[list[AlertInteraction], list[AlertInteraction]]], floor: Moment
) -> bytes:
    parts = [_HEAD.pack(*floor)]
    for slot, (seen, answered) in sorted(kept.items()):
        name = slot.encode("ascii")
        parts += (_SLOT.pack(len(name), len(seen), len(answered)), name)
        parts += [_HEAD.pack(*act.moment) for act in (*seen, *answered)]
    return b"".join(parts)


def floor_of(packed: bytes) -> Moment:
    """The newest moment that was ever dropped; NOWHERE when nothing was."""
    return _HEAD.unpack_from(packed) if packed else NOWHERE


def interactions(packed: bytes) -> list[AlertInteraction]:
    """All interactions, slot by slot. Corrupt bytes raise struct or Unicode errors: `check` first."""
    result: list[AlertInteraction] = []
    at = _HEAD.size
    while at < len(packed):
        length, seen, answered = _SLOT.unpack_from(packed, at)
        at += _SLOT.size + length
        slot = packed[at - length : at].decode("ascii")
        for number in range(seen + answered):
            second, key = _HEAD.unpack_from(packed, at)
            result.append(AlertInteraction(slot, number >= seen, key, second))
            at += _INTERACTION_BYTES
    return result


def check(packed: bytes) -> None:
    """Raises Refused unless the sizes add up. The profile's checksum covers the content."""
    at = _HEAD.size if packed else 0
    try:
        while at < len(packed):
            length, seen, answered = _SLOT.unpack_from(packed, at)
            at += _SLOT.size + length + _INTERACTION_BYTES * (seen + answered)
    except struct.error:
        at = -1
    if at != len(packed):
        raise Refused("the size of a profile's alerts differs from the sizes in their headers")


def history_of(packed: bytes, slot: str) -> AlertHistory:
    """The kept exposures and answers of one slot."""
    own = [act for act in interactions(packed) if act.slot == slot]
    seen = [act.second for act in own if not act.answer]
    return AlertHistory(seen, [act.second for act in own if act.answer])


def known_since(packed: bytes) -> int:
    """Epoch seconds from which on the history is complete; 0 when nothing was ever dropped."""
    return floor_of(packed)[0] + 1 if floor_of(packed) != NOWHERE else 0


def count(packed: bytes, offered: Iterable[AlertInteraction]) -> tuple[int, int, int]:
    """(kept, repeated, late): a late one is too old to tell whether it is new."""
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
    """At or below the floor, or its slot is full of newer ones."""
    own = [one.moment for one in interactions(packed) if one[:2] == act[:2]]
    full = len(own) == _MAX_KEPT[act.answer] and act.moment < min(own)
    return full or act.moment <= floor_of(packed)
