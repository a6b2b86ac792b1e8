"""How far each shard of each event source mapping is done, on disk: it outlives a restart."""

import contextlib
from pathlib import Path

import msgspec

from workbench.laptop import write_private


class Checkpoints:
    """Mapping and shard → the last sequence number that is done; on disk as soon as it is known."""

    def __init__(self, path: Path) -> None:
        self.moves = 0
        """How often one was moved: whether work goes on."""
        self._path = path
        self._known: dict[str, str] = {}
        with contextlib.suppress(OSError, msgspec.DecodeError):
            self._known = msgspec.json.decode(path.read_bytes(), type=dict[str, str])

    def get(self, source: str, shard: str) -> str | None:
        """None: nothing of this shard is done yet."""
        return self._known.get(f"{source}/{shard}")

    def put(self, source: str, shard: str, sequence: str) -> None:
        """Never goes back: a piece that is done late cannot undo a later one. May raise OSError."""
        if int(sequence) > int(self._known.get(f"{source}/{shard}", "0")):
            known = {**self._known, f"{source}/{shard}": sequence}
            # Not done before it is written: on a full disk the batch comes again.
            write_private(self._path, msgspec.json.format(msgspec.json.encode(known)))
            self._known, self.moves = known, self.moves + 1
