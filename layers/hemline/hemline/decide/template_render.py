"""A compiled template run over plain data: closures made once, a few microseconds a card.

It goes only where the compiler said, in dictionaries and lists; what is not there shows as nothing.
Imported by the first slot that has a template, so that sites without any pay nothing.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from hemline.decide.template_escape import ESCAPES
from hemline.model.template import FACT, Hole, Name, Node, Program, Section, Text

SECTION = "templates"
"""Of an edition: its compiled templates by name."""
_programs = msgspec.json.Decoder(dict[str, Program])
ReadFact = Callable[[str], object]
"""A fact's plain value, None when it is not to be had; leaves its trace."""


class _Scene(NamedTuple):
    """What a rendering goes along with: the output, the data around, and how facts are read."""

    out: Callable[[str], None]
    stack: list[Any]
    fact: ReadFact


Step = Callable[[_Scene], None]
Find = Callable[[_Scene], Any]


class Linked:
    """A program ready to run."""

    def __init__(self, program: Program) -> None:
        self._steps = _steps(program.nodes)

    def render(self, data: object, fact: ReadFact) -> bytes:
        """UTF-8 markup."""
        parts: list[str] = []
        scene = _Scene(parts.append, [data], fact)
        for step in self._steps:
            step(scene)
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
        if isinstance(node, Section):
            ahead += node.body


def _steps(nodes: Sequence[Node]) -> tuple[Step, ...]:
    return tuple(_LINKS[type(node)](node) for node in nodes)


def _text(node: Text) -> Step:
    text = node.text
    return lambda scene: scene.out(text)


def _hole(node: Hole) -> Step:
    find, escaped = _find(node.name), ESCAPES[node.context]
    return lambda scene: scene.out(escaped(find(scene)))


def _section(node: Section) -> Step:
    return _SECTIONS[node.how](_find(node.name), _steps(node.body))


def _each(find: Find, steps: tuple[Step, ...]) -> Step:
    def step(scene: _Scene) -> None:
        stack = scene.stack
        for one in find(scene) or ():
            stack.append(one)
            for inner in steps:
                inner(scene)
            stack.pop()

    return step


def _if(find: Find, steps: tuple[Step, ...]) -> Step:
    def step(scene: _Scene) -> None:
        value = find(scene)
        if _is_there(value):
            scene.stack.append(value)
            for inner in steps:
                inner(scene)
            scene.stack.pop()

    return step


def _not(find: Find, steps: tuple[Step, ...]) -> Step:
    def step(scene: _Scene) -> None:
        if not _is_there(find(scene)):
            for inner in steps:
                inner(scene)

    return step


def _is_there(value: object) -> bool:
    """Neither nothing, nor false, nor empty. 0 is there: a price of nothing is still a price."""
    return bool(value) or (value.__class__ in _NUMBERS)


_NUMBERS = frozenset({int, float})


def _find(name: Name) -> Find:
    at, path = name.at, name.path
    if at == FACT:
        (fact,) = path
        return lambda scene: scene.fact(fact)
    if not path:
        return lambda scene: scene.stack[at]
    if len(path) == 1:
        (key,) = path
        return lambda scene: _field(scene.stack[at], key)
    return lambda scene: _down(scene.stack[at], path)


def _field(value: object, key: str) -> object:
    return value.get(key) if value.__class__ is dict else None


def _down(value: Any, path: Sequence[str]) -> object:  # noqa: ANN401 - plain data of any depth
    for key in path:
        value = _field(value, key)
    return value


_LINKS: dict[type[Node], Callable[[Any], Step]] = {Text: _text, Hole: _hole, Section: _section}
_SECTIONS = {"each": _each, "if": _if, "not": _not}
