"""Files as lines, plain or gzipped, with how far the reading is; knows nothing of what they say."""

import csv
import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from hemline.model.errors import BadInput

_WATCH_ROWS = 5000
_GZIP = b"\x1f\x8b"


class Source:
    """An open file. `position` of `size` bytes were read (of the compressed ones, when gzipped)."""

    def __init__(self, path: Path, raw: io.BufferedReader) -> None:
        self.path, self._raw, self.size = path, raw, path.stat().st_size
        self.watch: Callable[[], object] = lambda: None
        """Called every few thousand rows, for whom reading a whole file takes seconds."""
        # Looked at and not read: a pipe cannot go back.
        zipped = raw.peek(2)[:2] == _GZIP
        self._data = cast("IO[bytes]", gzip.GzipFile(fileobj=raw)) if zipped else raw

    @property
    def position(self) -> int:
        """Bytes of the file that were read; 0 of a pipe."""
        return self._raw.tell() if self._raw.seekable() else 0

    def lines(self) -> Iterator[bytes]:
        """Lines without their ends. Raises BadInput when the compression is broken."""
        try:
            for line in self._data:
                yield line.rstrip(b"\r\n")
        except (EOFError, OSError, zlib.error) as error:
            raise BadInput(self.path.name, f"cannot be read to its end: {error}.") from None

    def rows(self) -> Iterator[dict[str, str]]:
        """Rows of a CSV file by its header. Raises BadInput when it is not UTF-8 or not CSV."""
        text = io.TextIOWrapper(self._data, "utf-8-sig", newline="")
        reader = csv.DictReader(text, restkey="", strict=True)
        try:
            for number, row in enumerate(reader):
                if number % _WATCH_ROWS == 0:
                    self.watch()
                yield row
        except (EOFError, OSError, zlib.error) as error:
            raise BadInput(self.path.name, f"cannot be read to its end: {error}.") from None
        except (UnicodeDecodeError, csv.Error) as error:
            line = reader.line_num + 1
            raise BadInput(f"{self.path.name}:{line}", f"{error}.", "Save it as UTF-8.") from None
        finally:
            # Who stopped in the middle may have closed the file before this generator ends.
            if not self._raw.closed:
                text.detach()


@contextmanager
def opened(path: Path) -> Iterator[Source]:
    """`path` as a Source; gzip is told by its first bytes, not by its name."""
    with path.open("rb") as raw:
        yield Source(path, raw)
