"""Objects as files below one folder; what an importer, a test or a laptop keeps without S3."""

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

from hemline.model.errors import BadInput, Unavailable
from hemline.usecases.ports import ObjectVersion

_PARTIAL = ".partial"
"""Where a write lies until it is whole. Segments of a key never start with a dot."""
_LONGEST = 1024
_PLAIN = "Use a/b/c, below the folder: no segment is empty or starts with a dot."


class FolderObjects:
    """VersionedStore without old versions. Writes are atomic: a reader sees the old bytes or the new.

    A key is `a/b/c`: segments that are empty, start with a dot or hold a backslash or a control
    character are refused (BadInput), so no key leaves the folder or hides in it.
    """

    def __init__(self, folder: str | Path) -> None:
        self._root = Path(folder).resolve()

    def get(self, key: str) -> bytes | None:
        """None when there is none."""
        path = self._path(key)
        try:
            return path.read_bytes()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            return None

    def put(self, key: str, data: bytes) -> None:
        """Overwrites, whole or not at all."""
        path = self._path(key)
        partial = self._root / _PARTIAL / uuid4().hex
        try:
            partial.parent.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(data)
            path.parent.mkdir(parents=True, exist_ok=True)
            partial.replace(path)
        except OSError as error:
            raise Unavailable("files", str(error)) from error
        finally:
            partial.unlink(missing_ok=True)

    def keys(self, prefix: str) -> Iterator[str]:
        """In ascending order of their UTF-8 bytes, as they were when asked."""
        # Only the folder that the prefix names whole need be walked.
        folder = prefix.rpartition("/")[0]
        start = self._path(folder) if folder else self._root
        found = (path.relative_to(self._root).as_posix() for path in _files(start))
        return iter(sorted((key for key in found if key.startswith(prefix)), key=str.encode))

    def delete(self, key: str) -> None:
        """No error when there is none."""
        path = self._path(key)
        if path.is_file():
            path.unlink(missing_ok=True)

    def versions(self, prefix: str, after: str = "") -> Iterator[ObjectVersion]:
        """Each object is its only version."""
        later = (key for key in self.keys(prefix) if key.encode() > after.encode())
        return (ObjectVersion(key, "null", latest=True, marker=False) for key in later)

    def get_version(self, one: ObjectVersion) -> bytes | None:
        """None when it is gone."""
        return self.get(one.key)

    def replace(self, one: ObjectVersion, data: bytes) -> None:
        """Never a conflict: a folder has one writer."""
        self.put(one.key, data)

    def delete_version(self, one: ObjectVersion) -> None:
        """No error when there is none."""
        self.delete(one.key)

    def _path(self, key: str) -> Path:
        if not key or len(key.encode()) > _LONGEST or not all(map(_is_plain, key.split("/"))):
            raise BadInput("key", f"{key!r} is not a key of plain segments.", _PLAIN)
        path = self._root / key
        # A symbolic link below the folder could still lead out of it.
        if not path.resolve().is_relative_to(self._root):
            raise BadInput("key", f"{key!r} leaves the folder.", _PLAIN)
        return path


def _is_plain(segment: str) -> bool:
    return bool(segment) and segment[0] != "." and segment.isprintable() and "\\" not in segment


def _files(start: Path) -> Iterator[Path]:
    for folder, below, names in os.walk(start):
        if _PARTIAL in below:
            below.remove(_PARTIAL)
        yield from (Path(folder, name) for name in names)
