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


class Raw(NamedTuple):
    """A ring's columns as they lie, views without a copy; same lengths as in Columns."""

    low: npt.NDArray[np.uint32]
    high: npt.NDArray[np.uint16]
    kinds: npt.NDArray[np.uint8]
    counts: npt.NDArray[np.uint8]
    lines: npt.NDArray[np.uint16]
    items: list[str]


def _raw(ring: bytes) -> Raw:
    if not ring:
        return _NOTHING
    n, count, _ = SIZES.unpack_from(ring)
    at = HEAD.size + 8 * n
    after = at + 6 * n + 2 * count
    return Raw(
        np.frombuffer(ring, _U4, n, at),
        np.frombuffer(ring, _U2, n, at + 4 * n),
        np.frombuffer(ring, np.uint8, n, after),
        np.frombuffer(ring, np.uint8, n, after + n),
        np.frombuffer(ring, _U2, count, at + 6 * n),
        ring[after + 2 * n : -1].decode("ascii").split("\n") if count else [],
    )


_NOTHING = Raw(
    np.empty(0, np.uint32),
    np.empty(0, np.uint16),
    np.empty(0, np.uint8),
    np.empty(0, np.uint8),
    np.empty(0, np.uint16),
    [],
)


def columns(*rings: bytes) -> Columns:
    """Arrays over one ring, or over several one after another; no loop per action."""
    parts = [_raw(ring) for ring in rings]
    low, high, kinds, counts, lines = (
        np.concatenate([part[column] for part in parts]) for column in range(5)
    )
    words = lines.astype(np.int32)
    positions = words & POSITION
    items = list(parts[0].items)
    at = len(parts[0].lines)
    for part in parts[1:]:
        # Each ring counts its ids from 0; here they stand one list after another.
        positions[at : at + len(part.lines)] += len(items)
        items += part.items
        at += len(part.lines)
    return Columns(
        high.astype(np.int64) << 32 | low, kinds, counts, positions, words >> POSITION_BITS, items
    )
