"""The cursor of a list: what "more" must not show again, bound to its site and slot, and signed.

It holds four bytes for each item that was shown, made from the item's id: so it stays right when the
ranking, the edition or the catalogue changes between two pages. Two ids may share their four bytes
(one pair in four thousand million): then one of them is left out, and nothing is repeated.
"""

import struct
from collections.abc import Sequence

import msgspec
import numpy as np

from hemline.decide.facts.snapshot import Snapshot
from hemline.learn.array_types import Hashes, Ints
from hemline.model.errors import BadInput, NotAllowed
from hemline.model.signed import sign, verify

MOST_SHOWN = 500
"""Items of one list, over all pages; then the list ends."""
MOST_CHARACTERS = 4096
_PURPOSE = "cursor"
NOTHING: Hashes = np.empty(0, np.uint32)
_NONE: Ints = np.empty(0, np.int32)


class _Cursor(msgspec.Struct, frozen=True, array_like=True):
    site: str
    slot: str
    shown: bytes
    """Hashes in ascending order, little-endian: the same items give the same cursor."""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Cursor)


def member(
    snapshot: Snapshot, slot: str, before: Hashes, shown: Sequence[int], keys: tuple[bytes, ...]
) -> bytes:
    """`,"cursor":"…"` for an answer that shows `shown` after `before`; empty where the list ends."""
    if not shown or len(before) + len(shown) > MOST_SHOWN:
        return b""
    known = snapshot.id_mark_list
    marks = {known[item] for item in shown}
    if before.size:
        marks.update(before.tolist())
    packed = struct.pack(f"<{len(marks)}I", *sorted(marks))
    cursor = _Cursor(snapshot.header.site, slot, packed)
    return b',"cursor":"%b"' % sign(_PURPOSE, _encoder.encode(cursor), keys[0]).encode()


def decode(
    text: str, site: str, slot: str, keys: tuple[bytes, ...], field: str = "after"
) -> Hashes:
    """Hashes of what was shown, none for an empty text. Raises BadInput unless it is this slot's own.

    `field`: where it was sent.
    """
    if not text:
        return NOTHING
    try:
        cursor = _decoder.decode(verify(_PURPOSE, text, keys))
    except (NotAllowed, msgspec.DecodeError, UnicodeError):
        raise BadInput(field, "is not a cursor of ours.", _WAY_OUT) from None
    if (cursor.site, cursor.slot) != (site, slot):
        raise BadInput(field, "is a cursor of another list.", _WAY_OUT)
    return np.frombuffer(cursor.shown, "<u4").astype(np.uint32, copy=False)


_WAY_OUT = "Send the `cursor` of this slot's last answer, or leave it out."


def items_of(snapshot: Snapshot, marks: Hashes) -> Ints:
    """Indices of the items that a cursor records; those that the edition no longer has are left out."""
    if not marks.size:
        return _NONE
    return np.flatnonzero(np.isin(snapshot.id_marks, marks)).astype(np.int32)
