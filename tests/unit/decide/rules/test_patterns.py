"""Patterns of rules mean what they mean in RE2's language, and no text makes them slow."""

import contextlib
import re
from typing import Any

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from hemline.decide.rules import pattern_machine
from hemline.decide.rules.pattern_machine import TooManySteps
from hemline.decide.rules.patterns import BadPattern, compile_pattern

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


@pytest.mark.parametrize("pattern", ["(a*)*b", "(a|a)*(a|aa)*b", "(a?){9}a{9}b", "(.*)*x$"])
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
    meets = compile_pattern("a[^x\u4e00-\u8e00]*b")
    for number in range(9000):
        assert not meets(chr(0x4E00 + number) + "a")
    machine = meets.__self__  # type: ignore[attr-defined] # a bound method
    assert len(machine._takes) <= 512
    assert len(machine._after) <= 512
    assert sum(map(len, machine._next.values())) <= 4096


MANY_LETTERS = "".join(chr(0x4E00 + n) for n in range(2048))
WORST = [
    ("utm.{0,100}spring", "utm" + MANY_LETTERS[3:]),
    (".{0,120}.{0,120}q", MANY_LETTERS),
    ("(.?){200}z", MANY_LETTERS),
    ("[a-c].{0,100}[d-f].{0,100}z", "abcdef" * 341),
    ("(a|b|c|d)*.{0,200}x", "abcd" * 512),
    ("([^a-b][^c-d][^e-f][^g-h]){30}q", MANY_LETTERS),
]


@pytest.mark.parametrize(("pattern", "text"), WORST)
def test_a_search_has_so_many_steps_and_no_more(
    pattern: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    bits = pattern_machine.bits

    def counted(number: int) -> Any:
        made.append(number)
        return bits(number)

    monkeypatch.setattr(pattern_machine, "bits", counted)
    with contextlib.suppress(TooManySteps):
        assert not compile_pattern(pattern)(text)
    # Each is a set of positions that was walked through: what a search costs beside look-ups.
    assert len(made) <= 400
    assert sum(number.bit_count() for number in made) <= pattern_machine.MOST_STEPS


@pytest.mark.parametrize("form", ["{}", "{}$"])
def test_whether_a_search_is_given_up_follows_from_pattern_and_text_alone(form: str) -> None:
    cold = compile_pattern(form.format("(.?){200}z"))
    with pytest.raises(TooManySteps):
        cold(MANY_LETTERS)
    with pytest.raises(TooManySteps):  # all steps are kept by now, and save nothing
        cold(MANY_LETTERS)
    assert cold("yz")


@pytest.mark.parametrize("length", [60, 300, 2048])
def test_an_address_as_they_are_is_searched_to_its_end(length: int) -> None:
    address = "/sale/spring?utm_source=news&utm_medium=mail&utm_campaign=".ljust(length - 6, "x")
    for pattern in ("utm.{0,100}spring", "^/(sale|new)/[a-z0-9-]+$", "utm_campaign=[a-z]+spring$"):
        assert compile_pattern(pattern)(address) is False
    assert compile_pattern("utm_campaign=[a-z]*spring$")(address + "spring")
