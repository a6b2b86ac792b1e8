"""Reads tables of delimited text (CSV, TSV): header, rows, and rows that cannot be read.

Each row has its line number in the file. A row that cannot be read does not end the table: reading goes
on at the next line. Knows nothing of what columns mean.
"""

import csv
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from hemline.model.errors import BadInput
from workbench.importers.wire import Unreadable

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
"""Name → the delimiter."""
_NOT_CLOSED = "opens a quote that is never closed"
_UTF8 = "Save the file as UTF-8."


class Row(NamedTuple):
    """Column name → cell; columns without a name are left out."""

    line: int
    """From 1, as an editor shows the file."""
    cells: dict[str, str]


class _Cells(NamedTuple):
    line: int
    cells: Sequence[str]
    fault: str = ""
    rest: Sequence[tuple[int, bytes]] = ()
    """Further lines, with their numbers, that lie inside its quotes."""


class Table:
    """An open table. `lines` reads the file again from its beginning at each call."""

    def __init__(
        self, name: str, lines: Callable[[], Iterator[bytes]], delimiter: str = ""
    ) -> None:
        """`delimiter` is found in the header when it is empty. Raises BadInput without a header."""
        self._name, self._lines = name, lines
        self._ahead = deque[tuple[int, bytes]]()
        self._source = iter(enumerate(lines(), start=1))
        line, head = self._next_line() or (1, b"")
        self.delimiter = delimiter or _found(name, line, head)
        self._ahead.appendleft((line, head))
        self.columns = self._header()

    @property
    def has_decimal_commas(self) -> bool:
        """Whether 12,50 means twelve and a half: so when semicolons are the delimiter."""
        return self.delimiter == ";"

    def rows(self) -> Iterator[Row | Unreadable]:
        """Every row below the header; may be called again."""
        self._ahead.clear()
        self._source = iter(enumerate(self._lines(), start=1))
        next(self._records(), None)
        for found in self._records():
            fault = found.fault or self._swallowed(found.rest) or self._misfit(found.cells)
            if fault:
                self._ahead.extendleft(reversed(found.rest))
                yield Unreadable(f"line {found.line}", fault)
            else:
                cells = zip(self.columns, found.cells, strict=False)
                yield Row(found.line, {name: cell for name, cell in cells if name})

    def _misfit(self, cells: Sequence[str]) -> str:
        """The fault of a row with a wrong number of cells; empty cells at its end are allowed."""
        here, wanted = len(cells), len(self.columns)
        if here == wanted or (here > wanted and not any(cells[wanted:])):
            return ""
        way_out = "a cell with the delimiter in it needs quotes, an empty cell its place"
        return f"has {here} cells, the header has {wanted}: {way_out}"

    def _swallowed(self, rest: Sequence[tuple[int, bytes]]) -> str:
        """The fault of a quote that is closed only by a quote of a later row.

        If every line in between has the cells of a row, they are rows and not one text.
        """
        between = self.delimiter.encode()
        wanted = len(self.columns) - 1
        inner = [line.count(between) == wanted for _, line in rest[:-1]]
        return _NOT_CLOSED if wanted > 1 and inner and all(inner) else ""

    def _header(self) -> list[str]:
        found = next(self._records(), _Cells(1, (), "has no header"))
        where = f"{self._name}:{found.line}"
        if found.fault:
            raise BadInput(where, f"{found.fault}.", "The first line names the columns.")
        names = [name.strip() for name in found.cells]
        if not any(names):
            raise BadInput(where, "names no column.", "The first line names the columns.")
        counts = Counter(plain_name(name) for name in names if name)
        for at, name in enumerate(names):
            if name and counts[plain_name(name)] > 1:
                places = [
                    n for n, one in enumerate(names, 1) if plain_name(one) == plain_name(name)
                ]
                reason = f"names {name!r} in columns {' and '.join(map(str, places))}."
                raise BadInput(where, reason, "Rename or remove one of them.")
            names[at] = name
        return names

    def _next_line(self) -> tuple[int, bytes] | None:
        """The next line that is not empty."""
        while (found := self._take()) is not None:
            if found[1].strip():
                return found
        return None

    def _take(self) -> tuple[int, bytes] | None:
        return self._ahead.popleft() if self._ahead else next(self._source, None)

    def _records(self) -> Iterator[_Cells]:
        while (found := self._next_line()) is not None:
            yield self._record(*found)

    def _record(self, line: int, raw: bytes) -> _Cells:
        try:
            text = raw.decode()
        except UnicodeDecodeError as error:
            return _Cells(line, (), f"is not UTF-8 at byte {error.start + 1}. {_UTF8}")
        if '"' not in text:
            return _Cells(line, text.split(self.delimiter))
        taken: list[tuple[int, bytes]] = []
        reader = csv.reader(self._text(text, taken), delimiter=self.delimiter, strict=True)
        try:
            return _Cells(line, next(reader), rest=taken)
        except (csv.Error, UnicodeDecodeError) as error:
            # The lines taken in by the open quote may be good rows: read them again.
            self._ahead.extendleft(reversed(taken))
            return _Cells(line, (), _in_words(error))

    def _text(self, first: str, taken: list[tuple[int, bytes]]) -> Iterator[str]:
        """The line, and more as long as a quote is open."""
        yield first + "\n"
        while (found := self._take()) is not None:
            taken.append(found)
            yield found[1].decode() + "\n"


def _in_words(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"is not UTF-8. {_UTF8}"
    if "unexpected end of data" in str(error) or "field limit" in str(error):
        return _NOT_CLOSED
    return 'has a quote inside a cell: write it twice, as in "6"" bowl"'


def plain_name(name: str) -> str:
    """A column's name for look-ups: `Image Link` and `image_link` are the same."""
    return "_".join(name.strip().casefold().replace("-", " ").replace("_", " ").split())


def _found(name: str, line: int, head: bytes) -> str:
    """The most frequent delimiter of the header; a comma if it has one column only."""
    text = head.decode("utf-8", "replace")
    # Inside quotes a character is text: keep every other piece.
    bare = "".join(text.split('"')[::2])
    counts = {one: bare.count(one) for one in DELIMITERS.values()}
    best = max(counts.values())
    found = [one for one, count in counts.items() if count == best]
    if best and len(found) > 1:
        named = " or ".join(n for n, one in DELIMITERS.items() if one in found)
        reason = f"may be separated by {named}."
        raise BadInput(f"{name}:{line}", reason, "Name it: --delimiter.")
    return found[0] if best else ","
