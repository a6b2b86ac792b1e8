"""A template checked and compiled: each mark gets its place in the data and its context in HTML, once.

Serving uses only the compiled program. One pass reports every fault it can.
"""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from hemline.decide.templates import elements
from hemline.decide.templates.html import START, HtmlState, describe, feed
from hemline.decide.templates.names import ROOTS, ResolvedName, Shown, Unknown, ValueShape, resolve
from hemline.decide.templates.parse import (
    Block,
    CommentNode,
    Fault,
    Mark,
    ParseRefusal,
    Raw,
    TextNode,
    parse,
)
from hemline.model.site.template import (
    FACT,
    EscapeContext,
    Hole,
    Name,
    Node,
    Program,
    TemplateSection,
    Text,
)


class TemplateRead(NamedTuple):
    """A fact that a template reads, and the line where it first does."""

    line: int
    fact: str


class Compiled(NamedTuple):
    """`program` None where there are faults."""

    program: Program | None
    faults: tuple[Fault, ...]
    reads: tuple[TemplateRead, ...]


def compile_template(html: str, kind: Shown) -> Compiled:
    """Compiles for slots of one kind; reports faults in the template instead of raising."""
    work = _Work()
    nodes: tuple[Node, ...] = ()
    try:
        nodes, state = work.nodes(parse(html), START, _Inside((ROOTS[kind],), ()))
        _check_end(state, html)
    except ParseRefusal as refusal:
        work.faults.append(refusal.fault)
    faults = tuple(sorted(set(work.faults)))
    reads = tuple(TemplateRead(line, fact) for fact, line in work.reads.items())
    return Compiled(None if faults else Program(nodes), faults, reads)


def _check_end(state: HtmlState, html: str) -> None:
    if state != HtmlState():
        line = html.count("\n") + 1
        inner = state.half or describe(state)
        raise ParseRefusal(line, f"the template ends in {inner}.", "Close every tag and element.")


class _Inside(NamedTuple):
    """The scopes around a mark: shapes of data, and the lists being iterated."""

    scopes: tuple[ValueShape, ...]
    lists: tuple[int, ...]
    """Scope index of each list's element: an inner list must belong to that element."""
    unsure: bool = False
    """An enclosing section has an unknown name, so an unresolved name inside is not a fault."""


class _Work:
    """One pass over a template's tree."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.reads: dict[str, int] = {}

    def nodes(
        self, raw: Sequence[Raw], state: HtmlState, inside: _Inside
    ) -> tuple[tuple[Node, ...], HtmlState]:
        """Compiled nodes and the HTML state after them. Raises ParseRefusal."""
        found: list[Node] = []
        ends: HtmlState | None = None
        for one, following in pairwise([*raw, None]):
            if isinstance(one, TextNode):
                state = feed(state, one)
                found.append(Text(one.text))
            elif isinstance(one, Mark):
                state = self._hole(one, _whole(state, one.line), inside, found)
            elif isinstance(one, CommentNode):
                _whole(state, one.line)
            elif isinstance(one, Block):
                after = self._block(one, _whole(state, one.line), inside, found)
                if ends is None and _is_other(one, following):
                    # The two are alternatives: both begin in the same state and must end in the same state.
                    ends = after
                else:
                    state, ends = _joined(one, ends or state, after), None
        return tuple(found), state

    def _hole(self, mark: Mark, state: HtmlState, inside: _Inside, found: list[Node]) -> HtmlState:
        context, after = _context(state, mark)
        if context == "script" and found and isinstance(found[-1], Text):
            _check_import(mark, found[-1].text)
        place = self._find(mark.line, mark.name, inside)
        if place is None:
            return after
        scripted = context == "script" and place.shape.type == "list" and _is_texts(place.shape)
        if place.shape.type in _NOT_SHOWN and not scripted:
            self.faults.append(Fault(mark.line, *_not_shown(mark.name, place.shape)))
        elif context:
            found.append(Hole(place.name, context))
        return after

    def _block(
        self, block: Block, state: HtmlState, inside: _Inside, found: list[Node]
    ) -> HtmlState:
        """The state after its body."""
        place = self._find(block.line, block.name, inside)
        within = _stepped(block, place, inside) if place else inside._replace(unsure=True)
        if place and not block.inverted and place.shape.type == "list":
            self._check_list(block, place.name, inside)
        body, after = self.nodes(block.body, state, within)
        _whole(after, block.end)
        if place:
            each = place.shape.type == "list" and not block.inverted
            if each:
                _joined(block, state, after)
            found.append(
                TemplateSection(
                    place.name, "not" if block.inverted else "each" if each else "if", body
                )
            )
        return after

    def _find(self, line: int, name: str, inside: _Inside) -> ResolvedName | None:
        try:
            found = resolve(name, inside.scopes)
        except Unknown as unknown:
            if not inside.unsure:
                self.faults.append(Fault(line, unknown.problem, unknown.way_out))
            return None
        if found.name.at == FACT:
            self.reads.setdefault(found.name.path[0], line)
        return found

    def _check_list(self, block: Block, name: Name, inside: _Inside) -> None:
        if inside.lists and name.at < inside.lists[-1]:
            problem = f"`{block.name}` is gone through again for each of the list around it."
            self.faults.append(Fault(block.line, problem, "Close the outer section first."))


def _stepped(block: Block, place: ResolvedName, inside: _Inside) -> _Inside:
    """Scopes inside `{{#x}}`: names resolve in x first, or in its element when x is a list."""
    if block.inverted:
        return inside
    shape = place.shape
    if shape.type != "list":
        return inside._replace(scopes=(*inside.scopes, shape))
    lists = (*inside.lists, len(inside.scopes))
    return _Inside((*inside.scopes, shape.of or shape), lists, inside.unsure)


_NOT_SHOWN = frozenset({"list", "record", "map"})


def _is_texts(shape: ValueShape) -> bool:
    return shape.of is not None and shape.of.type == "text"


def _not_shown(name: str, shape: ValueShape) -> tuple[str, str]:
    if shape.type == "list":
        return f"`{name}` is a list.", f"Write `{{{{#{name}}}}}…{{{{/{name}}}}}` around its parts."
    return f"`{name}` is no text but has parts.", "Name one of them."


def _is_other(block: Block, following: Raw | None) -> bool:
    """Whether `{{#x}}…{{/x}}` is followed at once by `{{^x}}…{{/x}}`, or the other way round."""
    return (
        isinstance(following, Block)
        and following.name == block.name
        and following.inverted != block.inverted
    )


def _whole(state: HtmlState, line: int) -> HtmlState:
    """The state, unchanged, if a mark may stand there. Raises ParseRefusal if not."""
    if state.half:
        problem = f"a mark stands within {state.half}."
        raise ParseRefusal(line, problem, "Marks stand in text, and in values within quotes.")
    if state.mode in {"tag", "value"} and state.tag in elements.RAW:
        problem = f"a mark stands in the tag <{state.tag}>."
        raise ParseRefusal(line, problem, "What a script or style is must not depend on data.")
    if state.mode == "raw" and state.open[-1] in elements.RAW and not state.value:
        raise ParseRefusal(line, *_RAW[state.open[-1]])
    return state


_RAW = {
    "style": ("a mark stands in <style>.", "Choose among classes that the style sheet has."),
    "script": (
        "a mark stands in a script where it is no value: in a string, a comment or a pattern.",
        "Write `const title = {{title}};` without quotes, and no pattern or backtick before it.",
    ),
}


def _joined(block: Block, one: HtmlState, other: HtmlState) -> HtmlState:
    """The state that holds after either branch. Raises ParseRefusal when they differ."""
    if one == other:
        return one
    values = {one.value, other.value}
    if values == {"unsettled", "settled"} and one._replace(value="") == other._replace(value=""):
        return one._replace(value="unsettled")
    problem = f"with and without `{block.name}` the template goes on in different places of HTML:"
    problem += f" in {describe(one)}, or in {describe(other)}."
    raise ParseRefusal(
        block.end, problem, "Begin and end tags and quotes on the same side of the mark."
    )


def _context(state: HtmlState, mark: Mark) -> tuple[EscapeContext | None, HtmlState]:
    """The escape context of a value, and the state after it. Raises ParseRefusal."""
    line = mark.line
    if state.mode == "tag":
        problem = f"a mark stands in the tag <{state.tag}>, where a name of an attribute would."
        raise ParseRefusal(line, problem, 'Write the attribute out: class="{{name}}".')
    if state.mode == "value":
        return _in_value(state, line)
    inner = state.open[-1] if state.open else ""
    if inner == "script":
        return "script", state
    if state.mode == "text" and inner in elements.CHILDREN and inner != "option":
        raise ParseRefusal(
            line, f"text may not stand directly in <{inner}>.", "Put an element around it."
        )
    return "text", state


def _check_import(mark: Mark, before: str) -> None:
    if _IMPORTS.search(before[-80:]):
        problem = "data would say which code is loaded."
        raise ParseRefusal(mark.line, problem, "Write the module's address out.")


_IMPORTS = re.compile(r"\b(?:import|from)\s*\(?\s*\Z")


def _in_value(state: HtmlState, line: int) -> tuple[EscapeContext, HtmlState]:
    how, begun = elements.context_of(state.attribute), state.value != "start"
    if not how or (how == "identity" and not begun):
        raise ParseRefusal(line, *_refused(state.attribute, how))
    if how == "srcset" and state.value == "described":
        raise ParseRefusal(
            line, "a mark stands in a picture's description.", "Write `2x` or `640w` out."
        )
    if how in {"url", "srcset"}:
        after = state if begun else state._replace(value="unsettled")
        whole: EscapeContext = "srcset" if how == "srcset" else "url"
        return ("part" if begun else whole), after
    return "attribute", state


def _refused(attribute: str, how: str) -> tuple[str, str]:
    if how == "identity":
        problem = f"data alone would be the whole `{attribute}`, and could name the page's own."
        return problem, f'Put a word before it: {attribute}="card-{{{{id}}}}".'
    if attribute == "style":
        return (
            "a mark stands in a style.",
            "Choose among classes, or put it into a data- attribute.",
        )
    return f"no data may stand in `{attribute}`.", "Put it into a data- attribute."
