r"""Patterns that a person may write in a rule, matched in time linear in the text.

The language is the part of RE2's that site files need: letters, `.`, `[a-z]`, `[^…]`, `\d \w \s`, `|`,
`( )`, `? * +`, `{m,n}`, `^` at the start and `$` at the end; no back references, no look-around. A pattern
becomes a Glushkov automaton. Its states are sets of positions, made when a text first needs them and
cached: each character is one look-up. docs/decisions/patterns.md says why no library is used.
"""

from collections.abc import Callable

from hemline.decide.rules.pattern_machine import NOTHING, Class, Machine, PatternPart, bits

MOST_POSITIONS = 256
"""Letters and classes of a pattern after its repetitions are written out."""
_MOST_TEXT = 120
_MOST_READ = 4 * MOST_POSITIONS
"""Limit on atoms read, copies included: empty brackets use no positions, so MOST_POSITIONS misses them."""
_CLASSES = {
    "d": frozenset("0123456789"),
    "w": frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"),
    "s": frozenset(" \t\n\r\f\v"),
}
_SPECIAL = frozenset("()[]{}|?*+^$.\\")


class BadPattern(ValueError):  # noqa: N818 - named for what it says, as the errors are
    """Not a pattern of this language; the message says where and why."""


class _Parser:
    """Recursive descent over one pattern; `follow[p]` are the positions that may come after p."""

    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0
        self.classes: list[Class] = []
        self.follow: list[int] = []
        self._read = 0

    def whole(self) -> PatternPart:
        part = self._either()
        if self._at < len(self._text):
            raise BadPattern(f"`{self._text[self._at]}` at {self._at + 1} has no beginning")
        return part

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self) -> str:
        char = self._peek()
        if not char:
            raise BadPattern("it ends too early")
        self._at += 1
        return char

    def _either(self) -> PatternPart:
        part = self._row()
        while self._peek() == "|":
            self._at += 1
            other = self._row()
            part = PatternPart(
                part.empty or other.empty, part.first | other.first, part.last | other.last
            )
        return part

    def _row(self) -> PatternPart:
        part = NOTHING
        while self._peek() not in {"", "|", ")"}:
            part = self._join(part, self._repeated())
        return part

    def _join(self, left: PatternPart, right: PatternPart) -> PatternPart:
        self._connect(left.last, right.first)
        first = left.first | (right.first if left.empty else 0)
        last = right.last | (left.last if right.empty else 0)
        return PatternPart(left.empty and right.empty, first, last)

    def _connect(self, ends: int, begins: int) -> None:
        for position in bits(ends):
            self.follow[position] |= begins

    def _repeated(self) -> PatternPart:
        start = self._at
        part = self._atom()
        end = self._at
        char = self._peek()
        if char not in {"?", "*", "+", "{"}:
            return part
        self._at += 1
        low, high = self._bounds(char)
        if self._peek() in {"?", "*", "+", "{"}:
            raise BadPattern(f"two repetitions in a row at {self._at + 1}; use brackets ( )")
        return self._copies(part, (start, end), low, high)

    def _bounds(self, char: str) -> tuple[int, int | None]:
        if char != "{":
            return {"?": (0, 1), "*": (0, None), "+": (1, None)}[char]
        inside = self._text[self._at :].partition("}")[0]
        low, comma, high = inside.partition(",")
        numbers = [text for text in (low, high) if text]
        closed = "}" in self._text[self._at :]
        if (
            not closed
            or not low
            or not all(text.isascii() and text.isdigit() and len(text) < 4 for text in numbers)
        ):
            raise BadPattern("`{` needs a number and `}`, such as {2,4}")
        self._at += len(inside) + 1
        most = int(high) if high else (None if comma else int(low))
        if most is not None and most < int(low):
            raise BadPattern(f"{{{inside}}} ends before it begins")
        return int(low), most

    def _copies(
        self, part: PatternPart, span: tuple[int, int], low: int, high: int | None
    ) -> PatternPart:
        """The part repeated `low` to `high` times. Each copy is parsed again, for positions of its own."""
        made = [part]
        after = self._at
        for _ in range(max(low, high or 0, 1) - 1):
            self._at = span[0]
            made.append(self._atom())
        self._at = after
        if high is None:
            self._connect(made[-1].last, made[-1].first)
        whole = NOTHING
        for number, copy in enumerate(made if high != 0 else []):
            whole = self._join(whole, copy if number < low else copy._replace(empty=True))
        return whole

    def _atom(self) -> PatternPart:
        self._read += 1
        if self._read > _MOST_READ:
            raise BadPattern("it is too large: its repetitions are nested")
        char = self._take()
        if char == "(":
            if self._peek() == "?":
                raise BadPattern(
                    "there is no `(?`: groups are plain ( ), and letters match as they are written,"
                    " so write [Ss]ale"
                )
            part = self._either()
            if self._take() != ")":
                raise BadPattern("a `(` is not closed")
            return part
        if char == ".":
            return self._position(Class(frozenset("\n"), negated=True))
        if char == "[":
            return self._position(self._set())
        if char == "\\":
            return self._position(self._escape())
        if char in _SPECIAL:
            raise BadPattern(f"`{char}` at {self._at} has nothing to stand for; write \\{char}")
        return self._position(Class(frozenset(char)))

    def _position(self, taken: Class) -> PatternPart:
        if len(self.classes) >= MOST_POSITIONS:
            raise BadPattern(f"it is too large: at most {MOST_POSITIONS} characters written out")
        bit = 1 << len(self.classes)
        self.classes.append(taken)
        self.follow.append(0)
        return PatternPart(empty=False, first=bit, last=bit)

    def _escape(self) -> Class:
        char = self._take()
        if char.lower() in _CLASSES and char.isascii():
            return Class(_CLASSES[char.lower()], negated=char.isupper())
        if char.isascii() and char.isalnum():
            raise BadPattern(f"\\{char} is not known; there are \\d, \\w and \\s")
        return Class(frozenset(char))

    def _set(self) -> Class:
        negated = self._peek() == "^"
        self._at += negated
        chars: set[str] = set()
        while not chars or self._peek() != "]":
            chars |= self._members()
        self._at += 1
        return Class(frozenset(chars), negated)

    def _members(self) -> frozenset[str]:
        low = self._take()
        if low == "\\":
            escaped = self._escape()
            if escaped.negated or len(escaped.chars) > 1:
                if escaped.negated:
                    raise BadPattern("a negated class cannot stand inside [ ]")
                return escaped.chars
            (low,) = escaped.chars
        if self._peek() != "-" or self._text[self._at + 1 : self._at + 2] in {"]", ""}:
            return frozenset(low)
        self._at += 1
        high = self._take()
        if not low <= high or ord(high) - ord(low) > 0xFFFF:
            raise BadPattern(f"[{low}-{high}] ends before it begins")
        return frozenset(map(chr, range(ord(low), ord(high) + 1)))


def compile_pattern(pattern: str) -> Callable[[str], bool]:
    """A test whether a text contains a match (`^` and `$` tie it to the ends). Raises BadPattern."""
    if len(pattern) > _MOST_TEXT:
        raise BadPattern(f"it has {len(pattern)} characters; at most {_MOST_TEXT}")
    anchored, closed = pattern.startswith("^"), _ends(pattern)
    body = pattern[1:] if anchored else pattern
    parser = _Parser(body[:-1] if closed else body)
    part = parser.whole()
    machine = Machine(parser.classes, parser.follow, part, anchored=anchored)
    return machine.ends if closed else machine.meets


def _ends(pattern: str) -> bool:
    """Whether the pattern ends with a `$` that is not escaped."""
    rest = pattern[:-1]
    return pattern.endswith("$") and not (len(rest) - len(rest.rstrip("\\"))) % 2
