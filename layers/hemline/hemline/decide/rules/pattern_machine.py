"""The automaton of a pattern: states are sets of positions, and each character is one look-up.

It has the character classes and the follow sets. `patterns` parses the syntax.
"""

from typing import NamedTuple

MOST_STEPS = 100_000
"""Limit on active positions, summed over the characters of one search: a few milliseconds at worst."""
_MOST_STATES = 512
_MOST_KEPT = 4096
"""Cached steps per pattern. The bound keeps text from visitors from filling the memory."""


class Class(NamedTuple):
    """The characters that one position accepts: those in `chars`, or all others when `negated`."""

    chars: frozenset[str]
    negated: bool = False


class PatternPart(NamedTuple):
    """A piece of a pattern: the positions it may begin and end with, and whether it may be empty."""

    empty: bool
    first: int
    """Bits of positions."""
    last: int


NOTHING = PatternPart(empty=True, first=0, last=0)


def bits(number: int) -> list[int]:
    """Positions of the 1 bits, ascending."""
    found = []
    while number:
        low = number & -number
        found.append(low.bit_length() - 1)
        number ^= low
    return found


class TooManySteps(Exception):  # noqa: N818 - named for what it says, as the errors are
    """The search stopped at MOST_STEPS: whether the text matches is unknown."""


class Machine:
    """The automaton, with bounded caches that only save work.

    The step count depends on the pattern and the text alone, never on the caches: otherwise the same
    decision could differ in a process that has seen other texts.
    """

    def __init__(
        self, classes: list[Class], follow: list[int], part: PatternPart, *, anchored: bool
    ) -> None:
        self._follow, self._part = follow, part
        self._again = 0 if anchored else part.first
        self._empty_end = part.empty and not anchored
        self._kinds: dict[Class, int] = {}
        for at, one in enumerate(classes):
            self._kinds[one] = self._kinds.get(one, 0) | 1 << at
        self._named = frozenset[str]().union(*(one.chars for one in self._kinds))
        self._others = sum(mask for one, mask in self._kinds.items() if one.negated)
        # Most positions are followed only by the next position: one shift moves all of these at once.
        chain = (at for at, after in enumerate(follow) if after == 2 << at)
        self._chain = sum(1 << at for at in chain)
        self._takes: dict[str, int] = {}
        self._after: dict[int, int] = {}
        self._next: dict[int, dict[str, int]] = {}
        self._kept = 0

    def meets(self, text: str) -> bool:
        """Whether some part of the text matches. Raises TooManySteps."""
        if self._part.empty:
            return True
        state, table, left = self._part.first, self._next, MOST_STEPS
        for char in text:
            left -= 1 + state.bit_count()
            if left < 0:
                raise TooManySteps
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
        """Whether a part that ends at the text's end matches. Raises TooManySteps."""
        state, table, done, left = self._part.first, self._next, self._part.empty, MOST_STEPS
        for char in text:
            if not state:
                # Anchored, and no position is left: no match can follow.
                return self._empty_end
            left -= 1 + state.bit_count()
            if left < 0:
                raise TooManySteps
            row = table.get(state)
            step = row.get(char, -1) if row is not None else -1
            if step < 0:
                step = self._step(state, char)
            done, state = bool(step & 1), step >> 1
        return done or self._empty_end

    def _step(self, state: int, char: str) -> int:
        """Next state << 1, with the lowest bit set when a match ends at this character."""
        taken = state & self._takers(char)
        # Many characters lead to the same set of positions: this cache is by set, not by character.
        step = self._after.get(taken, -1)
        if step < 0:
            after = self._again | (taken & self._chain) << 1
            for position in bits(taken & ~self._chain):
                after |= self._follow[position]
            step = after << 1 | bool(taken & self._part.last)
            if len(self._after) >= _MOST_STATES:
                self._after.clear()
            self._after[taken] = step
        if self._kept >= _MOST_KEPT:
            self._next.clear()
            self._kept = 0
        self._next.setdefault(state, {})[char] = step
        self._kept += 1
        return step

    def _takers(self, char: str) -> int:
        """Bits of the positions that accept the character."""
        if char not in self._named:
            return self._others
        found = self._takes.get(char)
        if found is None:
            if len(self._takes) >= _MOST_STATES:
                self._takes.clear()
            kinds = self._kinds.items()
            found = sum(mask for one, mask in kinds if (char in one.chars) != one.negated)
            self._takes[char] = found
        return found
