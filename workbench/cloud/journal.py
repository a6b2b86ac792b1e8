"""A journal of the writes that the emulator has acknowledged since it last saved its state.

Runs in the emulator's own environment: standard library only, plus the emulator's own save function.
"""

import asyncio
import base64
import contextlib
import errno
import json
import os
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

_LARGEST = 64 << 20
"""Bytes of a journal at which the state is saved and a new journal begins."""


class Journal:
    """The writes of one service since its last save: JSON lines, headed by the state they continue."""

    def __init__(self, service: str, folder: Path) -> None:
        self.service, self.lock = service, asyncio.Lock()
        self._state = folder / "state" / f"{service}.json"
        self._path = folder / "journal" / f"{service}.jsonl"
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file: int | None = None
        self._written = 0
        self._pending: list[bytes] = []

    def entries(self) -> Iterator[dict[str, Any]]:
        """The calls to repeat; none when the state was saved after the journal was begun."""
        try:
            with self._path.open("rb") as file:
                if json.loads(file.readline() or b"{}").get("since") != self._saved():
                    return
                for line in file:
                    # A line cut short by a full disk or a kill was never acknowledged.
                    if line.endswith(b"\n"):
                        yield json.loads(line)
        except (FileNotFoundError, ValueError):
            return

    def begin(self) -> None:
        """Continue the journal if it belongs to the saved state, else begin one. May raise OSError."""
        if self._file is not None:
            os.close(self._file)
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        self._written, self._pending = self._valid_length(), []
        os.ftruncate(self._file, self._written)
        if not self._written:
            self.add({"since": self._saved()})

    def _valid_length(self) -> int:
        """Bytes of complete lines in the journal; 0 when it belongs to an older saved state."""
        data = self._path.read_bytes()
        try:
            now = json.loads(data.partition(b"\n")[0]).get("since") == self._saved()
        except ValueError:
            return 0
        return data.rfind(b"\n") + 1 if now else 0

    def add(self, entry: dict[str, Any]) -> None:
        """Write an entry before returning. On OSError the entry stays pending for the next call."""
        self._pending.append(json.dumps(entry, separators=(",", ":")).encode() + b"\n")
        self.catch_up()

    def catch_up(self) -> None:
        """Write pending entries. Raises OSError, and then the caller should accept no new write."""
        assert self._file is not None
        if not self._pending:
            return
        data = b"".join(self._pending)
        try:
            written = os.pwrite(self._file, data, self._written)
        except OSError:
            written = 0
        if written != len(data):
            # Cut the partial line off, or the next write would continue it.
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._written)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))
        self._written += len(data)
        self._pending.clear()

    def save(self) -> None:
        """Save with the emulator's own function and begin anew. When that fails, the journal goes on."""
        module = import_module(f"ministack.services.{self.service}")
        import_module("ministack.core.persistence").save_state(self.service, module.get_state())
        self.begin()

    def saved_at_the_end(self) -> None:
        """Remove the journal after the emulator's final save, unless that save failed."""
        if next(self.entries(), None) is None:
            self._path.unlink(missing_ok=True)

    @property
    def full(self) -> bool:
        """Whether the journal is long enough that the state should be saved."""
        return self._written > _LARGEST

    def _saved(self) -> list[int]:
        try:
            stat = self._state.stat()
        except FileNotFoundError:
            return [0, 0]
        # Time and size together identify a save: two saves can fall on one tick of the file system's clock.
        return [stat.st_mtime_ns, stat.st_size]


def delivered(checkpoints: Path) -> dict[str, int]:
    """Shard → the sequence number up to which every mapping has delivered it."""
    try:
        known: dict[str, str] = json.loads(checkpoints.read_bytes())
    except (OSError, ValueError):
        return {}
    found: dict[str, int] = {}
    for name, sequence in known.items():
        shard = name.rpartition("/")[2]
        found[shard] = min(int(sequence), found.get(shard, int(sequence)))
    return found


def remaining_call(entry: dict[str, Any], done: dict[str, int]) -> bytes | None:
    """The body of the call to repeat, without delivered records; None when nothing is left."""
    body = base64.b64decode(entry["body"])
    if "at" not in entry:
        return body
    left = [bool(s and q and int(q) > done.get(s, -1)) for s, q in entry["at"]]
    if all(left) or not any(left):
        return body if any(left) else None
    asked = json.loads(body)
    asked["Records"] = [one for one, wanted in zip(asked["Records"], left, strict=True) if wanted]
    return json.dumps(asked).encode()
