"""Patterns of rules mean what they mean in RE2's language, and no text makes them slow."""

import re

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from hemline.decide.patterns import BadPattern, compile_pattern

ATOMS = st.sampled_from(["a", "b", "c", ".", "[ab]", "[^a]", r"\d", r"\W", "1", "-"])


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    repeats = st.sampled_from(["?", "*", "+", "{2}", "{1,3}", "{0,2}", "{2,}", "{0}"])
    return st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]}|{pair[1]})"),
        st.tuples(inner, repeats).map(lambda pair: f"({pair[0]}){pair[1]}"),
    )


BODIES = st.recursive(ATOMS, _grown, max_leaves=6)
PATTERNS = st.tuples(st.sampled_from(["", "^"]), BODIES, st.sampled_from(["", "$"])).map("".join)


@given(PATTERNS, st.text("abc1-\n", max_size=7))
def test_a_pattern_finds_what_a_backtracking_engine_finds(pattern: str, text: str) -> None:
    try:
        meets = compile_pattern(pattern)
    except BadPattern:  # too large: repetitions of repetitions
        reject()
    # `$` is the very end here, as in RE2; Python's would also take a line break before it.
    spelt = re.sub(r"\$$", r"\\Z", pattern)
    assert meets(text) == bool(re.search(spelt, text, re.ASCII))


class Counted(str):
    """A text that counts how often a character of it is taken."""

    __slots__ = ("taken",)

    def __iter__(self):  # type: ignore[no-untyped-def] # noqa: ANN204 - of str
        self.taken = 0
        for char in str.__iter__(self):
            self.taken += 1
            yield char


@pytest.mark.parametrize("pattern", ["(a*)*b", "(a|a)*(a|aa)*b", "(a?){30}a{30}b", "(.*)*x$"])
def test_each_character_is_looked_at_once_whatever_the_pattern(pattern: str) -> None:
    text = Counted("a" * 3000)
    assert not compile_pattern(pattern)(text)
    assert text.taken <= len(text)


@pytest.mark.parametrize(
    "pattern",
    ["(a", "a)", "[a", "a**", "*a", "a{", "a{2", "a{x}", "a{3,2}", r"\1", r"(?=a)", r"\q", "\\",
     "[z-a]", r"[\D]", "a" * 121, "((a{99}){99}){99}", "(((){999}){999}){999}", "a^b", "a$b"],
)  # fmt: skip
def test_what_is_no_pattern_is_told(pattern: str) -> None:
    with pytest.raises(BadPattern):
        compile_pattern(pattern)


def test_what_is_kept_of_texts_is_bounded() -> None:
    meets = compile_pattern("a[^x]*b")
    for number in range(3000):
        assert not meets(chr(0x4E00 + number) + "a")
    machine = meets.__self__  # type: ignore[attr-defined] # a bound method
    assert len(machine._takes) <= 512
    assert all(len(row) <= 512 for row in machine._next.values())
