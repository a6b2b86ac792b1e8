"""The writes to tables and streams that the emulator acknowledged since it saved its state last.

Runs in the emulator's own environment: the standard library, and the emulator's own way to save.
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
"""Bytes of a journal after which the state is saved and a new one begun."""


class Journal:
    """The writes of one service since its state was saved last."""

    def __init__(self, service: str, folder: Path) -> None:
        self.service, self.lock = service, asyncio.Lock()
        self._state = folder / "state" / f"{service}.json"
        self._path = folder / "journal" / f"{service}.jsonl"
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file: int | None = None
        self._good = 0
        self._behind: list[bytes] = []

    def entries(self) -> Iterator[dict[str, Any]]:
        """What is to be done again: none when the state was saved after it was written."""
        try:
            with self._path.open("rb") as file:
                if json.loads(file.readline() or b"{}").get("since") != self._saved():
                    return
                for line in file:
                    # A line that a full disk or a kill cut short was never acknowledged.
                    if line.endswith(b"\n"):
                        yield json.loads(line)
        except (FileNotFoundError, ValueError):
            return

    def begin(self) -> None:
        """Go on with a journal of the state as it is saved now, else begin one. May raise OSError."""
        if self._file is not None:
            os.close(self._file)
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        self._good, self._behind = self._of_now(), []
        os.ftruncate(self._file, self._good)
        if not self._good:
            self.add({"since": self._saved()})

    def _of_now(self) -> int:
        """How many bytes of whole lines there are, of a journal of the state as it is saved now."""
        data = self._path.read_bytes()
        try:
            now = json.loads(data.partition(b"\n")[0]).get("since") == self._saved()
        except ValueError:
            return 0
        return data.rfind(b"\n") + 1 if now else 0

    def add(self, entry: dict[str, Any]) -> None:
        """In the journal when this returns. Raises OSError; then the next call tries it again."""
        self._behind.append(json.dumps(entry, separators=(",", ":")).encode() + b"\n")
        self.catch_up()

    def catch_up(self) -> None:
        """Write what could not be written before. Raises OSError: then nothing new should be begun."""
        assert self._file is not None
        if not self._behind:
            return
        data = b"".join(self._behind)
        try:
            written = os.pwrite(self._file, data, self._good)
        except OSError:
            written = 0
        if written != len(data):
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._good)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))
        self._good += len(data)
        self._behind.clear()

    def save(self) -> None:
        """The emulator's own save, by its own means. Where it fails, the journal goes on."""
        module = import_module(f"ministack.services.{self.service}")
        import_module("ministack.core.persistence").save_state(self.service, module.get_state())
        self.begin()

    def saved_at_the_end(self) -> None:
        """The emulator has saved and ends: a journal of an older state stays."""
        if next(self.entries(), None) is None:
            self._path.unlink(missing_ok=True)

    @property
    def full(self) -> bool:
        """Whether it is time to save."""
        return self._good > _LARGEST

    def _saved(self) -> list[int]:
        try:
            stat = self._state.stat()
        except FileNotFoundError:
            return [0, 0]
        return [stat.st_mtime_ns, stat.st_size]


def delivered(checkpoints: Path) -> dict[str, int]:
    """Shard → how far every mapping has delivered it."""
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
    """The call to make again, without records that were delivered; None when nothing is left."""
    body = base64.b64decode(entry["body"])
    if "at" not in entry:
        return body
    left = [bool(s and q and int(q) > done.get(s, -1)) for s, q in entry["at"]]
    if all(left) or not any(left):
        return body if any(left) else None
    asked = json.loads(body)
    asked["Records"] = [one for one, wanted in zip(asked["Records"], left, strict=True) if wanted]
    return json.dumps(asked).encode()
