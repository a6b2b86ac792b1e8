"""The automaton that a pattern becomes: sets of positions as states, one look-up a character.

Knows the classes and what may follow what, not how a pattern is written (`patterns`).
"""

from typing import NamedTuple

_MOST_STATES = 512


class Class(NamedTuple):
    """What one position takes: a character among `chars`, or, `negated`, any other."""

    chars: frozenset[str]
    negated: bool = False


class Part(NamedTuple):
    """A piece of a pattern: the positions it may begin and end with, and whether it may be empty."""

    empty: bool
    first: int
    """Bits of positions."""
    last: int


NOTHING = Part(empty=True, first=0, last=0)


def bits(number: int) -> list[int]:
    """The positions of its ones, ascending."""
    found = []
    while number:
        low = number & -number
        found.append(low.bit_length() - 1)
        number ^= low
    return found


class Machine:
    """The automaton; what it keeps only saves work, and is bounded."""

    def __init__(
        self, classes: list[Class], follow: list[int], part: Part, *, anchored: bool
    ) -> None:
        self._classes, self._follow, self._part = classes, follow, part
        self._again = 0 if anchored else part.first
        self._empty_end = part.empty and not anchored
        self._takes: dict[str, int] = {}
        self._next: dict[int, dict[str, int]] = {}

    def meets(self, text: str) -> bool:
        """Whether some part of the text fits."""
        if self._part.empty:
            return True
        state, table = self._part.first, self._next
        for char in text:
            row = table.get(state)
            step = row.get(char, -1) if row is not None else -1
            if step < 0:
                step = self._step(state, char)
            if step & 1:
                return True
            state = step >> 1
            if not state:
                return False
        return False

    def ends(self, text: str) -> bool:
        """Whether a part that reaches the text's end fits."""
        state, table, done = self._part.first, self._next, self._part.empty
        for char in text:
            if not state:
                # Anchored, and nothing may come any more.
                return self._empty_end
            row = table.get(state)
            step = row.get(char, -1) if row is not None else -1
            if step < 0:
                step = self._step(state, char)
            done, state = bool(step & 1), step >> 1
        return done or self._empty_end

    def _step(self, state: int, char: str) -> int:
        """Positions that may take the next character, then one bit: whether a match ended here."""
        taken = state & self._takers(char)
        after = self._again
        for position in bits(taken):
            after |= self._follow[position]
        step = after << 1 | bool(taken & self._part.last)
        if len(self._next) >= _MOST_STATES:
            self._next.clear()
        row = self._next.setdefault(state, {})
        if len(row) >= _MOST_STATES:
            row.clear()
        row[char] = step
        return step

    def _takers(self, char: str) -> int:
        """Positions that take the character."""
        found = self._takes.get(char)
        if found is None:
            if len(self._takes) >= _MOST_STATES:
                self._takes.clear()
            found = sum(
                1 << at
                for at, one in enumerate(self._classes)
                if (char in one.chars) != one.negated
            )
            self._takes[char] = found
        return found
