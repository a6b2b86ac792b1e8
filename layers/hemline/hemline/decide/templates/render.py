"""Runs a compiled template over plain data: closures made once, a few microseconds per card.

It follows only compiled paths through dictionaries and lists; a missing value shows as nothing.
The first slot with a template imports it, so sites without templates pay nothing.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from hemline.decide.templates.escape import ESCAPES
from hemline.model.site.template import FACT, Hole, Name, Node, Program, TemplateSection, Text

SECTION = "templates"
"""Of an edition: its compiled templates by name."""
_programs = msgspec.json.Decoder(dict[str, Program])
ReadFact = Callable[[str], object]
"""A fact's plain value, None when missing or unavailable; the read is traced."""


Step = Callable[[Callable[[str], None], list[Any], ReadFact], None]
"""Writes to an output from a stack of data (the template's, then one per open section) and facts."""
Find = Callable[[list[Any], ReadFact], Any]


class LinkedProgram:
    """A program ready to run."""

    def __init__(self, program: Program) -> None:
        self._steps = _steps(program.nodes)

    def render(self, data: object, fact: ReadFact) -> bytes:
        """UTF-8 markup."""
        parts: list[str] = []
        out, stack = parts.append, [data]
        for step in self._steps:
            step(out, stack, fact)
        # A lone surrogate is no character: it shows as a question mark rather than failing the slot.
        return "".join(parts).encode("utf-8", "replace")


def programs(data: memoryview) -> Mapping[str, Program]:
    """The section's templates by name; none where there is no such section."""
    return _programs.decode(data) if data else {}


def names_of(program: Program) -> Iterator[Name]:
    """Every name that it looks up."""
    ahead: list[Node] = list(program.nodes)
    while ahead:
        node = ahead.pop()
        if isinstance(node, Text):
            continue
        yield node.name
        if isinstance(node, TemplateSection):
            ahead += node.body


def _steps(nodes: Sequence[Node]) -> tuple[Step, ...]:
    return tuple(_LINKS[type(node)](node) for node in nodes)


def _text(node: Text) -> Step:
    text = node.text
    return lambda out, _stack, _fact: out(text)


def _hole(node: Hole) -> Step:
    find, escaped, name = _find(node.name), ESCAPES[node.context], node.name
    if len(name.path) != 1 or name.at == FACT:
        return lambda out, stack, fact: out(escaped(find(stack, fact)))
    # Most holes are one field of a section: this path saves a call per hole.
    (key,), at = name.path, name.at

    def step(out: Callable[[str], None], stack: list[Any], _fact: ReadFact) -> None:
        data = stack[at]
        out(escaped(data.get(key) if data.__class__ is dict else None))

    return step


def _section(node: TemplateSection) -> Step:
    return _SECTIONS[node.how](_find(node.name), _steps(node.body))


def _each(find: Find, steps: tuple[Step, ...]) -> Step:
    def step(out: Callable[[str], None], stack: list[Any], fact: ReadFact) -> None:
        found = find(stack, fact)
        for one in found if found.__class__ is list else ():
            stack.append(one)
            for inner in steps:
                inner(out, stack, fact)
            stack.pop()

    return step


def _if(find: Find, steps: tuple[Step, ...]) -> Step:
    def step(out: Callable[[str], None], stack: list[Any], fact: ReadFact) -> None:
        value = find(stack, fact)
        if value or value.__class__ in _NUMBERS:
            stack.append(value)
            for inner in steps:
                inner(out, stack, fact)
            stack.pop()

    return step


def _not(find: Find, steps: tuple[Step, ...]) -> Step:
    def step(out: Callable[[str], None], stack: list[Any], fact: ReadFact) -> None:
        value = find(stack, fact)
        if not value and value.__class__ not in _NUMBERS:
            for inner in steps:
                inner(out, stack, fact)

    return step


_NUMBERS = frozenset({int, float})
"""0 counts as present, unlike None, false and empty text: a price of 0 is still a price."""


def _find(name: Name) -> Find:
    at, path = name.at, name.path
    if at == FACT:
        (name_of_fact,) = path
        return lambda _stack, fact: fact(name_of_fact)
    if not path:
        return lambda stack, _fact: stack[at]
    if len(path) == 1:
        (key,) = path
        return lambda stack, _fact: _field(stack[at], key)
    return lambda stack, _fact: _down(stack[at], path)


def _field(value: Any, key: str) -> object:  # noqa: ANN401 - plain data
    return value.get(key) if value.__class__ is dict else None


def _down(value: Any, path: Sequence[str]) -> object:  # noqa: ANN401 - plain data of any depth
    for key in path:
        value = _field(value, key)
    return value


_LINKS: dict[type[Node], Callable[[Any], Step]] = {
    Text: _text,
    Hole: _hole,
    TemplateSection: _section,
}
_SECTIONS = {"each": _each, "if": _if, "not": _not}
