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


EMPTY = Columns(
    np.empty(0, np.int64),
    np.empty(0, np.uint8),
    np.empty(0, np.uint8),
    np.empty(0, np.int32),
    np.empty(0, np.int32),
    [],
)


def columns(ring: bytes) -> Columns:
    """Arrays over a ring, no loop per action."""
    if not ring:
        return EMPTY
    n, count, _ = SIZES.unpack_from(ring)
    at = HEAD.size + 8 * n
    low = np.frombuffer(ring, _U4, n, at).astype(np.int64)
    high = np.frombuffer(ring, _U2, n, at + 4 * n).astype(np.int64)
    at += 6 * n
    lines = np.frombuffer(ring, _U2, count, at).astype(np.int32)
    at += 2 * count
    return Columns(
        (high << 32) | low,
        np.frombuffer(ring, np.uint8, n, at),
        np.frombuffer(ring, np.uint8, n, at + n),
        lines & POSITION,
        lines >> POSITION_BITS,
        ring[at + 2 * n : -1].decode("ascii").split("\n") if count else [],
    )
