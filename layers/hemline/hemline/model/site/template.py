"""A template as its author writes it, and what it becomes at publish: literal text, holes and sections.

A compiled template holds no code and names no object: a hole is a place in plain data and the way in
which what stands there is escaped. It lies in the edition as JSON.
"""

from typing import Literal

import msgspec

EscapeContext = Literal["text", "attribute", "url", "part", "srcset", "script"]
"""Where a hole stands, which decides how its value is escaped. `url`: a whole address; `part`: of one."""
How = Literal["each", "if", "not"]
FACT = -1
"""A name's `at` when it is a fact: its path is the fact's name alone."""


class Template(msgspec.Struct, frozen=True, omit_defaults=True):
    """As the site file has it."""

    name: str
    html: str


class Name(msgspec.Struct, frozen=True, array_like=True):
    """Where a value is: which of the sections around it (0: the template's own data), and the path there."""

    at: int
    path: tuple[str, ...] = ()


class Text(msgspec.Struct, frozen=True, array_like=True, tag="t"):
    """Markup that the author wrote."""

    text: str


class Hole(msgspec.Struct, frozen=True, array_like=True, tag="h"):
    """A value, escaped for where it stands."""

    name: Name
    context: EscapeContext


class TemplateSection(msgspec.Struct, frozen=True, array_like=True, tag="s"):
    """Nodes that are there once for each of a list, if there is a value, or if there is none."""

    name: Name
    how: How
    body: tuple["Node", ...]


Node = Text | Hole | TemplateSection


class Program(msgspec.Struct, frozen=True, array_like=True):
    """A compiled template."""

    nodes: tuple[Node, ...]
