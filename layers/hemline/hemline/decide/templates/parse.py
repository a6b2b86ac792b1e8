"""A template's own marks: `{{name}}`, `{{#name}}…{{/name}}`, `{{^name}}…{{/name}}`, `{{! comment }}`.

Independent of HTML and of what names mean. One pass; refuses what is too long or nested too deeply.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

MOST_CHARACTERS, MOST_MARKS, MOST_DEPTH = 20_000, 200, 8
_INNER = r"[^}]*(?:\}(?!\})[^}]*)*"
_MARK = re.compile(
    # A section's mark or a comment alone on its line leaves no empty line behind.
    rf"^[ \t]*\{{\{{([#^/!]{_INNER})\}}\}}[ \t]*\n|\{{\{{({_INNER})\}}\}}",
    re.MULTILINE,
)
_NAME = re.compile(r"\.|[^\W\d_][\w-]*(?:\.[\w-]+)*")
_FACT = re.compile(r"fact\.[^\s{}<>\"'&]+")


class Fault(NamedTuple):
    """What is wrong with a template: `line` from 1 within its text, and the way out."""

    line: int
    problem: str
    way_out: str = ""


class ParseRefusal(Exception):  # noqa: N818 - a fault on its way out
    """Stops the parse: the rest cannot be read."""

    def __init__(self, line: int, problem: str, way_out: str = "") -> None:
        super().__init__(problem)
        self.fault = Fault(line, problem, way_out)


class TextNode(NamedTuple):
    """Text between marks; `line` where it begins."""

    line: int
    text: str


class Mark(NamedTuple):
    """`{{name}}`."""

    line: int
    name: str


class CommentNode(NamedTuple):
    """`{{! … }}`: leaves nothing behind."""

    line: int


class Block(NamedTuple):
    """`{{#name}}…{{/name}}`, or with `^`; `end` is the line of its closing mark."""

    line: int
    name: str
    inverted: bool
    body: "list[Raw]"
    end: int


Raw = TextNode | Mark | CommentNode | Block


def parse(text: str) -> "list[Raw]":
    """The template as a tree. Raises ParseRefusal at the first fault."""
    if len(text) > MOST_CHARACTERS:
        raise ParseRefusal(
            1, f"a template has at most {MOST_CHARACTERS:,} characters.", "Shorten it."
        )
    # Line ends as a browser reads them: line numbers and script comments depend on them.
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    top: list[Raw] = []
    open_blocks: list[Block] = []
    marks = 0
    for part in _parts(text):
        marks += isinstance(part, _Signed | Mark)
        if marks > MOST_MARKS:
            problem = f"a template has at most {MOST_MARKS} marks."
            raise ParseRefusal(part.line, problem, "Make it several templates.")
        body = open_blocks[-1].body if open_blocks else top
        if not isinstance(part, _Signed):
            body.append(part)
        elif part.sign == "/":
            body = open_blocks[-2].body if len(open_blocks) > 1 else top
            body.append(_closed(open_blocks, part))
        else:
            open_blocks.append(Block(part.line, part.name, part.sign == "^", [], 0))
            if len(open_blocks) > MOST_DEPTH:
                problem = f"sections are nested more than {MOST_DEPTH} deep."
                raise ParseRefusal(part.line, problem, "Flatten them.")
    if open_blocks:
        left = open_blocks[-1]
        raise ParseRefusal(left.line, f"`{{{{#{left.name}}}}}` is never closed.",
                      f"Close it with `{{{{/{left.name}}}}}`.")  # fmt: skip
    return top


class _Signed(NamedTuple):
    """The beginning (`#`, `^`) or the end (`/`) of a section."""

    line: int
    sign: str
    name: str


def _closed(open_blocks: list[Block], end: _Signed) -> Block:
    if not open_blocks:
        problem = f"`{{{{/{end.name}}}}}` closes nothing."
        raise ParseRefusal(end.line, problem, "Remove it, or open it before.")
    block = open_blocks.pop()
    if block.name != end.name:
        problem = f"`{{{{/{end.name}}}}}` stands where `{block.name}` is open."
        raise ParseRefusal(end.line, problem, f"Close `{{{{/{block.name}}}}}` first.")
    return block._replace(end=end.line)


def _parts(text: str) -> "Iterator[TextNode | Mark | CommentNode | _Signed]":
    last = text.rfind("{{")
    if last > text.rfind("}}"):
        line = text.count("\n", 0, last) + 1
        raise ParseRefusal(line, "a mark `{{` is never closed.", "Close it with `}}`.")
    line, at = 1, 0
    for found in _MARK.finditer(text):
        if at < found.start():
            yield TextNode(line, text[at : found.start()])
        line += text.count("\n", at, found.start())
        yield _mark(line, found[1] or found[2])
        line += found[0].count("\n")
        at = found.end()
    if at < len(text):
        yield TextNode(line, text[at:])


def _mark(line: int, inner: str) -> "Mark | CommentNode | _Signed":
    sign, rest = inner[:1], inner[1:].strip()
    if sign == "!":
        return CommentNode(line)
    if sign in {"{", "&"}:
        problem = f"`{{{{{sign}` would show a value unescaped: there is no such form."
        raise ParseRefusal(line, problem, "Write `{{name}}`.")
    if sign in {">", "=", "%"}:
        raise ParseRefusal(line, f"`{{{{{sign}` is no mark of a template.", _MARKS)
    if sign in {"#", "^", "/"}:
        return _Signed(line, sign, _name(line, rest))
    return Mark(line, _name(line, inner.strip()))


_MARKS = "It has `{{name}}`, `{{#name}}…{{/name}}`, `{{^name}}…{{/name}}` and `{{! comment }}`."


def _name(line: int, text: str) -> str:
    if _NAME.fullmatch(text) or _FACT.fullmatch(text):
        return text
    problem = f"`{text[:40]}` is no name."
    raise ParseRefusal(
        line, problem, "A name has letters, digits, `-` and dots; nothing is computed."
    )
