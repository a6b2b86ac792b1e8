"""Reads files as lines, plain or gzipped, and reports progress. Knows nothing of their content."""

import gzip
import io
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, cast

from hemline.model.errors import BadInput
from workbench.importers.table import Row, Table
from workbench.importers.wire import Unreadable

_WATCH_ROWS = 5000
_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_WIDE = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
_TABLES = {".csv": "", ".tsv": "\t", ".tab": "\t"}
"""Suffix of a table's name → its delimiter; empty: found in the header."""


class FileSource:
    """An open file. `position` of `size` bytes have been read, compressed bytes if gzipped."""

    def __init__(self, path: Path, raw: io.BufferedReader) -> None:
        self.path, self._raw, self.size = path, raw, path.stat().st_size
        self.watch: Callable[[], object] = lambda: None
        """Called every few thousand lines, for a progress bar."""
        # Peek, because a pipe cannot seek back.
        zipped = raw.peek(2)[:2] == _GZIP
        self._data = cast("IO[bytes]", gzip.GzipFile(fileobj=raw)) if zipped else raw
        self._copy: IO[bytes] | None = None

    def close(self) -> None:
        """Delete the copy of a pipe."""
        if self._copy:
            self._copy.close()

    @property
    def position(self) -> int:
        """Bytes of the file read so far; 0 for a pipe."""
        return self._raw.tell() if self._raw.seekable() else 0

    @property
    def is_table(self) -> bool:
        """Whether its name is that of a table, in any case, gzipped or not."""
        return self._ending in _TABLES

    @property
    def _ending(self) -> str:
        endings = [one for one in map(str.lower, self.path.suffixes) if one != ".gz"]
        return endings[-1] if endings else ""

    def lines(self) -> Iterator[bytes]:
        """Lines without line ends and byte order mark. Raises BadInput when it cannot be read as text."""
        yield from self._read(self._data)

    def _read(self, data: IO[bytes]) -> Iterator[bytes]:
        try:
            for number, line in enumerate(data):
                if number == 0:
                    self._check_encoding(line)
                if number % _WATCH_ROWS == 0:
                    self.watch()
                yield line.removeprefix(_BOM if number == 0 else b"").rstrip(b"\r\n")
        except (EOFError, OSError, zlib.error) as error:
            raise BadInput(self.path.name, f"cannot be read to its end: {error}.") from None

    def _check_encoding(self, line: bytes) -> None:
        wide = _WIDE.get(line[:2])
        if wide:
            raise BadInput(self.path.name, f"is {wide}.", "Save it as UTF-8.")

    def table(self, delimiter: str = "") -> Table:
        """As a table with a header; its rows can be read more than once. Raises BadInput."""
        named = delimiter or _TABLES.get(self._ending, "")
        return Table(self.path.name, self._again, named)

    def _again(self) -> Iterator[bytes]:
        """All lines from the beginning. A pipe is copied to a temporary file for that."""
        data = self._data
        if not self._raw.seekable():
            if self._copy is None:
                self._copy = _copied(self._data, self.path)
            data = self._copy
        data.seek(0)
        for line in self._read(data):
            # Old spreadsheets end lines with a carriage return alone.
            yield from line.splitlines() or (b"",)

    def rows(
        self, unreadable: Callable[[Unreadable], object] | None = None
    ) -> Iterator[dict[str, str]]:
        """Rows as column name → cell.

        A row that cannot be read goes to `unreadable`; without that it raises BadInput.
        """
        for row in self.table().rows():
            if isinstance(row, Row):
                yield row.cells
            elif unreadable is None:
                raise BadInput(f"{self.path.name}, {row.where}", f"{row.reason}.")
            else:
                unreadable(row)


def _copied(data: IO[bytes], path: Path) -> IO[bytes]:
    copy = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as its source, and ends with it
    try:
        shutil.copyfileobj(data, copy)
    except (EOFError, OSError, zlib.error) as error:
        raise BadInput(path.name, f"cannot be read to its end: {error}.") from None
    return copy


@contextmanager
def opened(path: Path) -> Iterator[FileSource]:
    """Open `path` for a `with` block. Gzip is recognised by its first bytes, not by its name."""
    with path.open("rb") as raw, closing(FileSource(path, raw)) as source:
        yield source
