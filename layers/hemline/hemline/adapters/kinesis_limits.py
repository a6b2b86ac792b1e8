"""The limits of one Kinesis call. Imports no client, since the in-memory stream applies them too.

https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html
"""

from collections.abc import Iterator, Sequence

from hemline.usecases.ports import StreamEntry

MAX_ENTRIES = 500
MAX_ENTRY_BYTES = 1 << 20
"""Data and partition key together."""
MAX_CALL_BYTES = 5 << 20
MAX_PARTITION = 256
"""Characters of a partition key."""


def size(entry: StreamEntry) -> int:
    """Bytes of an entry that count against the limits."""
    return len(entry.data) + len(entry.partition.encode())


def too_large(entry: StreamEntry) -> str | None:
    """Why Kinesis would refuse this entry, and the whole call with it; None when it fits."""
    if not 1 <= len(entry.partition) <= MAX_PARTITION:
        return f"partition key must be 1 to {MAX_PARTITION} characters"
    if size(entry) > MAX_ENTRY_BYTES:
        return f"entry is over {MAX_ENTRY_BYTES} bytes"
    return None


def calls(entries: Sequence[StreamEntry], chosen: Sequence[int]) -> Iterator[list[int]]:
    """Splits the positions in `chosen`, in order, into parts that each fit one call."""
    part: list[int] = []
    held = 0
    for index in chosen:
        more = size(entries[index])
        if part and (len(part) == MAX_ENTRIES or held + more > MAX_CALL_BYTES):
            yield part
            part, held = [], 0
        part.append(index)
        held += more
    if part:
        yield part
