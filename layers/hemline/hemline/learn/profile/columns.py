"""Rings of a profile as numpy arrays, for decisions. The byte layout is described in `ring`."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hemline.learn.array_types import Ints, Longs
from hemline.learn.profile.ring import HEAD, POSITION, POSITION_BITS, SIZES

_U2, _U4 = np.dtype("<u2"), np.dtype("<u4")


class Columns(NamedTuple):
    """A ring as arrays, newest action first: n actions with L lines over t distinct item ids."""

    times: Longs
    """[n], epoch ms."""
    kinds: npt.NDArray[np.uint8]
    """[n], index in `fold.TYPES`."""
    counts: npt.NDArray[np.uint8]
    """[n], lines of each action."""
    positions: Ints
    """[L], position in `items`."""
    quantities: Ints
    """[L], 0 to 63."""
    items: list[str]
    """[t], item ids; several rings may repeat one."""


def columns(*rings: bytes) -> Columns:
    """Arrays over one ring, or over several one after another. Loops over rings, never over actions."""
    items: list[str] = []
    shifts: list[tuple[int, int]] = []
    cuts = []
    for ring in filter(None, rings):
        n, count, _ = SIZES.unpack_from(ring)
        *cut, text = _cut(ring, n, count)
        cuts.append(cut)
        shifts.append((count, len(items)))
        if count:
            items += text[:-1].decode().split("\n")
    # Bytes are joined before they become arrays: one array a column, however many rings.
    low, high, lines, kinds, counts = map(b"".join, zip(*cuts, strict=True)) if cuts else _NOTHING
    words = np.frombuffer(lines, _U2).astype(np.int32)
    times = np.frombuffer(high, _U2).astype(np.int64)
    # In place, without temporary arrays: a decision reads three rings.
    times <<= 32
    times |= np.frombuffer(low, _U4)
    return Columns(
        times,
        np.frombuffer(kinds, np.uint8),
        np.frombuffer(counts, np.uint8),
        _shifted(words & POSITION, shifts),
        words >> POSITION_BITS,
        items,
    )


_NOTHING = (b"",) * 5


def _cut(ring: bytes, n: int, count: int) -> tuple[bytes, ...]:
    """Low and high halves of times, lines, kinds, counts and the text."""
    low = HEAD.size + 8 * n
    high, lines = low + 4 * n, low + 6 * n
    kinds = lines + 2 * count
    counts, text = kinds + n, kinds + 2 * n
    head = ring[low:high], ring[high:lines], ring[lines:kinds]
    return (*head, ring[kinds:counts], ring[counts:text], ring[text:])


def _shifted(
    positions: npt.NDArray[np.int32], shifts: list[tuple[int, int]]
) -> npt.NDArray[np.int32]:
    """Positions in the joined list of ids: each ring numbers its own from 0. Changes `positions`."""
    at = 0
    for count, shift in shifts:
        if shift:
            positions[at : at + count] += shift
        at += count
    return positions
