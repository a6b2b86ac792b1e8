"""One ring of a profile as numpy arrays, for decisions. The layout is `profile_ring`'s."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hemline.learn.profile_ring import HEAD, POSITION, POSITION_BITS, SIZES

_U2, _U4 = np.dtype("<u2"), np.dtype("<u4")


class Columns(NamedTuple):
    """A ring read for a decision, newest action first; n actions, L lines, text of t item ids."""

    times: npt.NDArray[np.int64]
    """[n], epoch ms."""
    kinds: npt.NDArray[np.uint8]
    """[n], index in `profile.TYPES`."""
    counts: npt.NDArray[np.uint8]
    """[n], lines of each action."""
    positions: npt.NDArray[np.int32]
    """[L], position in `items`."""
    quantities: npt.NDArray[np.int32]
    """[L], 0 to 63."""
    items: list[str]


def columns(*rings: bytes) -> Columns:
    """Arrays over one ring, or over several one after another; no loop per action."""
    parts: list[tuple[bytes, ...]] = []
    items: list[str] = []
    shifts: list[tuple[int, int]] = []
    for ring in filter(None, rings):
        n, count, _ = SIZES.unpack_from(ring)
        *cuts, text = _cuts(n, count)
        # Bytes are joined before they become arrays: one array a column, however many rings.
        parts.append(
            tuple(ring[start:end] for start, end in zip(cuts, (*cuts[1:], text), strict=True))
        )
        shifts.append((count, len(items)))
        items += ring[text:-1].decode("ascii").split("\n") if count else ()
    low, high, lines, kinds, counts = map(b"".join, zip(*parts, strict=True)) if parts else _NOTHING
    words = np.frombuffer(lines, _U2).astype(np.int32)
    return Columns(
        np.frombuffer(high, _U2).astype(np.int64) << 32 | np.frombuffer(low, _U4),
        np.frombuffer(kinds, np.uint8),
        np.frombuffer(counts, np.uint8),
        _shifted(words & POSITION, shifts),
        words >> POSITION_BITS,
        items,
    )


_NOTHING = (b"",) * 5


def _cuts(n: int, count: int) -> tuple[int, ...]:
    """Where low and high halves of times, lines, kinds, counts and the text begin."""
    low = HEAD.size + 8 * n
    lines = low + 6 * n
    kinds = lines + 2 * count
    return low, low + 4 * n, lines, kinds, kinds + n, kinds + 2 * n


def _shifted(
    positions: npt.NDArray[np.int32], shifts: list[tuple[int, int]]
) -> npt.NDArray[np.int32]:
    """Each ring counts its ids from 0; here they stand one list after another."""
    at = 0
    for count, shift in shifts:
        if shift:
            positions[at : at + count] += shift
        at += count
    return positions
