"""Where in HTML each mark of a template stands: a walk through the states of an HTML tokenizer.

Stricter than HTML: it refuses what browsers repair (unclosed elements, unquoted values, elements that
end others). So a browser builds exactly the written tree, for any data in the holes.
"""

import re
from html import unescape
from typing import NamedTuple

from hemline.decide.templates import elements
from hemline.decide.templates.parse import ParseRefusal, TextNode
from hemline.decide.templates.script import script_after
from hemline.decide.templates.url import srcset_after, url_after

MOST_OPEN = 32
_TEXT = re.compile(r"[^<\0]+")
_OPEN = re.compile(r"<([a-zA-Z][a-zA-Z0-9-]*)(?=[\s/>])")
_CLOSE = re.compile(r"</([a-zA-Z][a-zA-Z0-9-]*)[ \t\n]*>")
_SPACE = re.compile(r"[ \t\n]+")
_NAME = re.compile(r"([a-zA-Z_][a-zA-Z0-9_.:-]*)(?=[\s/>=])")
_IS = re.compile(r"[ \t\n]*=[ \t\n]*")
_HALF_TAG = re.compile(r"</?[a-zA-Z0-9-]*[ \t\n]*\Z")
_HALF_REFERENCE = re.compile(r"&[#a-zA-Z0-9]*\Z")
_HALF_END = re.compile(r"<[/!a-zA-Z-]*\Z")
_CUSTOM = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)+")
_RESERVED = frozenset({"annotation-xml", "color-profile", "font-face", "missing-glyph"})


class HtmlState(NamedTuple):
    """Where the walk is. `mode`: text, tag (between attributes), value, raw (of script, style, title…)."""

    mode: str = "text"
    open: tuple[str, ...] = ()
    tag: str = ""
    """tag, value: the element that is being opened."""
    attribute: str = ""
    quote: str = ""
    value: str = ""
    """value: of an address `start`, `unsettled`, `settled`, of a srcset `described` too; of others
    `start` or `begun`. raw: of a script `code`, or empty where no data may stand."""
    half: str = ""
    """The incomplete construct, in words; while it is set no mark may stand here."""
    kind: str = ""
    """script: its type."""


START = HtmlState()


def describe(state: HtmlState) -> str:
    """The place in words, for fault messages."""
    inner = f"<{state.open[-1]}>" if state.open else "the template's own text"
    if state.mode == "value":
        return f"the value of `{state.attribute}` in <{state.tag}>"
    if state.mode == "tag":
        return f"the tag <{state.tag}>"
    return f"the text of {inner}" if state.open else inner


def feed(state: HtmlState, literal: TextNode) -> HtmlState:
    """The state after some markup. Raises ParseRefusal."""
    text, at, line = literal.text, 0, literal.line
    while at < len(text):
        state, ahead = _STEPS[state.mode](state, text, at, line)
        line += text.count("\n", at, ahead)
        at = ahead
    return state


def _text(state: HtmlState, text: str, at: int, line: int) -> tuple[HtmlState, int]:
    if found := _TEXT.match(text, at):
        _check_text(state, found[0], line)
        tail = _HALF_REFERENCE.search(found[0][-12:]) if found.end() == len(text) else None
        half = "a character reference such as `&amp;`" if tail else ""
        return state._replace(half=half), found.end()
    if found := _OPEN.match(text, at):
        name = found[1].lower()
        _check_element(state, name, line)
        return state._replace(mode="tag", tag=name, kind=""), found.end()
    if found := _CLOSE.match(text, at):
        return _closed(state, found[1].lower(), line), found.end()
    if _HALF_TAG.match(text, at):
        return state._replace(half="a tag"), len(text)
    raise ParseRefusal(line, *_STRAY.get(text[at : at + 2], _LESS))


_LESS = ("`<` begins no tag here.", "Write `&lt;` for the character.")
_STRAY = {
    "<!": ("comments and declarations have no place in a template.", "Write `{{! … }}`."),
    "<?": ("`<?` has no place in a template.", "Leave it out."),
}


def _check_text(state: HtmlState, text: str, line: int) -> None:
    inner = state.open[-1] if state.open else ""
    if text.strip() and inner in elements.CHILDREN and inner != "option":
        raise ParseRefusal(
            line, f"text may not stand directly in <{inner}>.", "Put an element around it."
        )


def _check_element(state: HtmlState, name: str, line: int) -> None:
    custom = _CUSTOM.fullmatch(name) and name not in _RESERVED
    if name not in elements.ELEMENTS and not custom:
        raise ParseRefusal(
            line, f"<{name}> is no element for a template.", "See docs/site-file.md."
        )
    problem = elements.may_stand(name, state.open)
    if problem:
        raise ParseRefusal(line, f"{problem}.", "Move it, so that browsers leave it where it is.")
    if len(state.open) >= MOST_OPEN:
        raise ParseRefusal(
            line, f"elements are nested more than {MOST_OPEN} deep.", "Flatten them."
        )


def _closed(state: HtmlState, name: str, line: int) -> HtmlState:
    inner = state.open[-1] if state.open else None
    if inner != name:
        opened = f"<{inner}> is open" if inner else "no element is open"
        raise ParseRefusal(
            line, f"</{name}> stands where {opened}.", "Close every element, inner first."
        )
    return HtmlState(open=state.open[:-1])


def _tag(state: HtmlState, text: str, at: int, line: int) -> tuple[HtmlState, int]:
    if found := _SPACE.match(text, at):
        return state, found.end()
    if text.startswith(">", at):
        return _opened(state), at + 1
    if text.startswith("/>", at):
        if state.tag not in elements.VOID | elements.SHAPES:
            raise ParseRefusal(line, f"browsers ignore the slash of <{state.tag}/>.",
                          f"Close it with </{state.tag}>.")  # fmt: skip
        return HtmlState(open=state.open), at + 2
    if found := _NAME.match(text, at):
        return _attribute(state, found, text, line)
    if not re.fullmatch(r"[a-zA-Z0-9_.:/-]*", text[at:]):
        raise ParseRefusal(line, f"the tag <{state.tag}> has what is no attribute.", _ATTRIBUTE)
    return state._replace(half="an attribute's name"), len(text)


_ATTRIBUTE = 'An attribute is written name="value", with quotes.'


def _attribute(
    state: HtmlState, found: re.Match[str], text: str, line: int
) -> tuple[HtmlState, int]:
    name = found[1].lower()
    problem = elements.refused(name)
    if problem:
        raise ParseRefusal(line, problem)
    equals = _IS.match(text, found.end())
    if not equals:
        return state, found.end()
    if equals.end() == len(text):
        return state._replace(half=f"`{name}=` without its quotes"), len(text)
    quote = text[equals.end()]
    if quote not in "\"'":
        raise ParseRefusal(line, f"the value of `{name}` has no quotes.", _ATTRIBUTE)
    value = state._replace(mode="value", attribute=name, quote=quote, value="start", half="")
    return value, equals.end() + 1


def _opened(state: HtmlState) -> HtmlState:
    name = state.tag
    if name in elements.VOID:
        return HtmlState(open=state.open)
    inner = HtmlState(open=(*state.open, name))
    if name not in elements.RAW | elements.RCDATA:
        return inner
    code = name == "script" and state.kind in _SCRIPTS
    return inner._replace(mode="raw", value="code" if code else "", kind=state.kind)


_SCRIPTS = frozenset({"", "module", "text/javascript", "application/json", "application/ld+json"})


def _value(state: HtmlState, text: str, at: int, line: int) -> tuple[HtmlState, int]:
    end = text.find(state.quote, at)
    literal = text[at:] if end < 0 else text[at:end]
    if literal:
        state = _value_after(state, literal, line)
    if end < 0:
        half = (
            "a character reference such as `&amp;`" if _HALF_REFERENCE.search(literal[-12:]) else ""
        )
        return state._replace(half=half), len(text)
    kind = literal.strip().lower() if (state.tag, state.attribute) == ("script", "type") else ""
    return HtmlState(mode="tag", open=state.open, tag=state.tag, kind=state.kind or kind), end + 1


def _value_after(state: HtmlState, literal: str, line: int) -> HtmlState:
    how = elements.context_of(state.attribute)
    said = unescape(literal)
    if how == "url":
        return state._replace(value=url_after(state.value, said, line))
    if how == "srcset":
        return state._replace(value=srcset_after(state.value, said, line))
    return state._replace(value="begun") if how == "identity" else state


def _raw(state: HtmlState, text: str, at: int, line: int) -> tuple[HtmlState, int]:
    name = state.open[-1]
    end = re.compile(rf"</{name}[ \t\n]*>", re.IGNORECASE).search(text, at)
    literal = text[at : end.start()] if end else text[at:]
    if "<!--" in literal and name == "script":
        raise ParseRefusal(
            line, "`<!--` changes how a script ends.", "Write a comment as `/* … */`."
        )
    if re.search(rf"</{name}(?=[\s/])", literal, re.IGNORECASE):
        raise ParseRefusal(line, f"</{name}> is not complete.", f"Write </{name}>.")
    if name == "script" and literal:
        state = state._replace(value=script_after(state.value, literal))
    if end:
        return HtmlState(open=state.open[:-1]), end.end()
    half = _HALF_END.search(literal[-32:]) or (
        name in elements.RCDATA and _HALF_REFERENCE.search(literal[-12:])
    )
    return state._replace(half="a tag or a character reference" if half else ""), len(text)


_STEPS = {"text": _text, "tag": _tag, "value": _value, "raw": _raw}
