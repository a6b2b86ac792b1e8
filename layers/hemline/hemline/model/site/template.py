"""A template as written, and compiled by a publish: literal text, holes and sections.

A compiled template holds no code and names no object: a hole is a path into plain data with the escaping
of its context. The edition holds it as JSON.
"""

from typing import Literal

import msgspec

EscapeContext = Literal["text", "attribute", "url", "part", "srcset", "script"]
"""Where a hole is, which decides the escaping of its value. `url`: a whole URL; `part`: part of one."""
How = Literal["each", "if", "not"]
FACT = -1
"""`Name.at` of a fact: the path is then the fact's name alone."""


class Template(msgspec.Struct, frozen=True, omit_defaults=True):
    """A template as the site file states it."""

    name: str
    html: str


class Name(msgspec.Struct, frozen=True, array_like=True):
    """Where a value comes from."""

    at: int
    """Which of the enclosing sections it is in; 0: the template's own data."""
    path: tuple[str, ...] = ()
    """Member names from there."""


class Text(msgspec.Struct, frozen=True, array_like=True, tag="t"):
    """Markup that the author wrote."""

    text: str


class Hole(msgspec.Struct, frozen=True, array_like=True, tag="h"):
    """A value, escaped for its context."""

    name: Name
    context: EscapeContext


class TemplateSection(msgspec.Struct, frozen=True, array_like=True, tag="s"):
    """Nodes rendered once for each entry of a list, or if there is a value, or if there is none."""

    name: Name
    how: How
    body: tuple["Node", ...]


Node = Text | Hole | TemplateSection


class Program(msgspec.Struct, frozen=True, array_like=True):
    """A compiled template."""

    nodes: tuple[Node, ...]
