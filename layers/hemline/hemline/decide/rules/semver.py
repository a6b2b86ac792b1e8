"""Versions as apps state them (semver.org, 2.0.0), and requirements such as `>=2.3 <3`."""

from collections.abc import Callable, Mapping

Version = tuple[tuple[int, ...], int, tuple[tuple[int, int, str], ...]]
"""(three numbers, 1 for a release, pre-release parts): sorts by precedence."""
_PARTS = 3


def version(text: str) -> Version | None:
    """A key that sorts by precedence; None for other text. `v2`, `2.3` and `2.3.0+45` are versions."""
    core, _, _build = text.strip().removeprefix("v").partition("+")
    numbers, dash, pre = core.partition("-")
    parts = numbers.split(".")
    if not 1 <= len(parts) <= _PARTS or not all(map(_is_number, parts)) or bool(dash) != bool(pre):
        return None
    full = (*map(int, parts), *(0,) * (_PARTS - len(parts)))
    # A release sorts after its pre-releases; in a pre-release, numbers sort before words.
    marks = tuple((0, int(p), "") if _is_number(p) else (1, 0, p) for p in pre.split(".") if p)
    return full, 0 if marks else 1, marks


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


_COMPARE: Mapping[str, Callable[[Version, Version], bool]] = {
    ">=": lambda one, other: one >= other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    "<": lambda one, other: one < other,
    "=": lambda one, other: one == other,
}


def requirement(text: str) -> Callable[[Version], bool]:
    """A test that all comparators (separated by spaces) hold. Raises ValueError."""
    tests = [_comparator(part) for part in text.split()]
    if not tests:
        raise ValueError("a version is missing, such as >=2.3 <3")
    return lambda found: all(compare(found, wanted) for compare, wanted in tests)


def _comparator(part: str) -> tuple[Callable[[Version, Version], bool], Version]:
    sign = next((sign for sign in _COMPARE if part.startswith(sign)), "")
    wanted = version(part.removeprefix(sign))
    if wanted is None:
        raise ValueError(f"{part} is no version; write such as >=2.3 <3")
    return _COMPARE[sign or "="], wanted


def meetable(text: str) -> bool:
    """Whether some version meets the requirement.

    Enough to try: the very first version, each version in the text, and the next one after each.
    """
    meets = requirement(text)
    named = [_comparator(part)[1] for part in text.split()]
    return any(map(meets, [_FIRST, *named, *map(_next, named)]))


_LEAST = (0, 0, "")
"""The pre-release part that sorts first."""
_FIRST: Version = ((0,) * _PARTS, 0, (_LEAST,))


def _next(one: Version) -> Version:
    """The first version after it: its next pre-release, or the first one of the next patch."""
    numbers, release, marks = one
    if not release:
        return numbers, 0, (*marks, _LEAST)
    return (*numbers[:-1], numbers[-1] + 1), 0, (_LEAST,)
