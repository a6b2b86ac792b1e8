"""Whatever template is let through, whatever data it gets: it renders, and the tree is as written."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemline.decide.templates import elements, html
from hemline.decide.templates.compile import compile_template
from hemline.decide.templates.render import LinkedProgram
from tests.oracles.markup import Dom, dom
from tests.strategies.template_trees import SOUP, Written, trees
from tests.strategies.xss import PAYLOADS

SAFE = frozenset({"", "http", "https", "mailto", "tel"})
HOSTILE = st.one_of(st.sampled_from(PAYLOADS), st.text(min_size=1, max_size=30),
                    st.characters(codec=None))  # fmt: skip
PLAIN = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), HOSTILE)
ANYTHING = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=2)
    | st.dictionaries(
        st.sampled_from(["slot", "items", "title", "name", "tags", "attributes", "brand", "variant"]), inner
    ),
    max_leaves=6,
)  # fmt: skip


def data(text: str) -> dict[str, Any]:
    """Everything is there once, and is the text."""
    one = {
        "title": text,
        "url": text,
        "reason": text,
        "tags": [text],
        "attributes": {"brand": text},
    }
    return {"slot": {"name": text, "title": text}, "items": [one]}


def rendered(template: str, text: str) -> Dom | None:
    """What a browser builds; None for a template that is not let through."""
    program = compile_template(template, "items").program
    if not program:
        return None
    return dom(LinkedProgram(program).render(data(text), lambda _: text))


def changed(template: str, text: str) -> str:
    """What the text does to the tree, in a word; nothing for a template that is not let through."""
    plain, found = rendered(template, "plain"), rendered(template, text)
    if plain is None or found is None:
        return ""
    if found.parts != plain.parts:
        return f"parts: {found.parts - plain.parts} for {plain.parts - found.parts}"
    return f"schemes: {found.schemes}" if found.schemes - SAFE else ""


@given(trees(), HOSTILE)
def test_what_is_written_is_what_is_built(written: Written, text: str) -> None:
    compiled = compile_template(written.html, "items")
    assert not compiled.faults
    found = rendered(written.html, text)
    assert found is not None
    built = {p.removeprefix("html/body/"): n for p, n in found.parts.items() if "@" not in p}
    inert = ("html", "html/head", "html/body")
    tags = {p: n for p, n in built.items() if p not in inert and not p.endswith(_ADDED)}
    assert tags == dict(written.tags)
    assert not changed(written.html, text)


_ADDED = ("script", "title", "textarea")
"""These are among the texts, where the tree does not tell them."""


@given(SOUP, HOSTILE)
def test_of_any_soup_of_marks_and_markup_no_data_changes_the_tree(soup: str, text: str) -> None:
    assert not changed(soup, text)


@given(
    st.one_of(SOUP, st.text(max_size=60)), st.sampled_from(["items", "content", "layout", "any"])
)
def test_no_text_at_all_makes_the_checker_fail(text: str, kind: Any) -> None:
    compiled = compile_template(text, kind)
    assert (compiled.program is None) == bool(compiled.faults)
    assert all(
        1 <= fault.line <= text.count("\n") + text.count("\r") + 1 for fault in compiled.faults
    )


@given(trees(), ANYTHING, ANYTHING)
def test_no_data_of_any_shape_makes_rendering_fail(
    written: Written, given_: Any, fact: Any
) -> None:
    program = compile_template(written.html, "items").program
    assert program is not None
    LinkedProgram(program).render(given_, lambda _: fact)


def test_it_turns_red_when_elements_may_stand_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elements, "may_stand", lambda *_: "")
    found = rendered("<p><div>{{slot.title}}</div></p>", "x")
    assert found is not None
    assert "html/body/p/div" not in found.parts


def test_it_turns_red_when_data_may_complete_a_tag(monkeypatch: pytest.MonkeyPatch) -> None:
    template = "<textarea></tex{{slot.title}}><b>x</b></textarea>"
    assert rendered(template, "tarea") is None
    monkeypatch.setattr(html, "_HALF_END", re.compile("(?!)"))
    assert "html/body/b" in changed(template, "tarea")
