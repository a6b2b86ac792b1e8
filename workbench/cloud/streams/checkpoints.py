"""Stores on disk how far each event source mapping has processed each shard."""

import contextlib
from pathlib import Path

import msgspec

from workbench.laptop import write_private


class Checkpoints:
    """Mapping and shard → the last processed sequence number; each change is written at once."""

    def __init__(self, path: Path) -> None:
        self.moves = 0
        """How many times any checkpoint has moved; a sign of progress."""
        self._path = path
        self._known: dict[str, str] = {}
        with contextlib.suppress(OSError, msgspec.DecodeError):
            self._known = msgspec.json.decode(path.read_bytes(), type=dict[str, str])

    def get(self, source: str, shard: str) -> str | None:
        """The last processed sequence number; None when there is none yet."""
        return self._known.get(f"{source}/{shard}")

    def put(self, source: str, shard: str, sequence: str) -> None:
        """Move the checkpoint forward; an older number is ignored. May raise OSError."""
        if int(sequence) > int(self._known.get(f"{source}/{shard}", "0")):
            known = {**self._known, f"{source}/{shard}": sequence}
            # Written before it counts: when the disk is full, the batch is delivered again.
            write_private(self._path, msgspec.json.format(msgspec.json.encode(known)))
            self._known, self.moves = known, self.moves + 1
