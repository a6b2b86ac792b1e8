"""What a template can name: plain data by kind of slot, and the facts that rules can read.

Every name is resolved here at compile time; serving only follows the resolved paths.
"""

import difflib
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from hemline.decide.facts.names import Kind, kind_of, spellings
from hemline.decide.rules.conditions import segment_of
from hemline.model.site.kinds import KINDS, Fills, KindName
from hemline.model.site.template import FACT, Name

Type = Literal["text", "number", "flag", "list", "record", "map"]
Shown = KindName | Literal["any"]
"""The kind of slot that a template is for; `any` when no slot uses it yet."""


class ValueShape(NamedTuple):
    """What a value is: a record's or a map's fields, a list's element. A map has any field, as text."""

    type: Type
    fields: Mapping[str, "ValueShape"] = {}
    of: "ValueShape | None" = None


TEXT, NUMBER, FLAG = ValueShape("text"), ValueShape("number"), ValueShape("flag")
TEXTS = ValueShape("list", of=TEXT)
MAP = ValueShape("map")
_SLOT = ValueShape("record", {"name": TEXT, "title": TEXT})
_ITEM = ValueShape("record", {
    **dict.fromkeys(("id", "title", "url", "image", "price_text", "currency", "reason"), TEXT),
    "price": NUMBER, "position": NUMBER, "categories": TEXTS, "tags": TEXTS, "attributes": MAP,
})  # fmt: skip
_ITEMS = {"slot": _SLOT, "items": ValueShape("list", of=_ITEM)}
_VARIANT = {"slot": _SLOT, "variant": ValueShape("record", {"name": TEXT, "fields": MAP})}
_LAYOUT = {"slot": _SLOT, "sections": TEXTS}
_DATA: Mapping[Fills, ValueShape] = {
    "list": ValueShape("record", _ITEMS),
    "variant": ValueShape("record", _VARIANT),
    "sections": ValueShape("record", _LAYOUT),
}
ROOTS: Mapping[Shown, ValueShape] = {
    **{kind.name: _DATA[kind.fills] for kind in KINDS.values()},
    "any": ValueShape("record", {**_ITEMS, **_VARIANT, **_LAYOUT}),
}
_FACTS: Mapping[Kind, ValueShape] = {
    **dict.fromkeys(("text", "date"), TEXT),
    **dict.fromkeys(("number", "time"), NUMBER),
    "flag": FLAG,
    "list": TEXTS,
}


class Unknown(LookupError):  # noqa: N818 - named for what it says, as the errors are
    """There is no such thing to show: the problem and the way out."""

    def __init__(self, problem: str, way_out: str) -> None:
        super().__init__(problem)
        self.problem, self.way_out = problem, way_out


class ResolvedName(NamedTuple):
    """Where a value is, and what it is."""

    name: Name
    shape: ValueShape


def resolve(text: str, scopes: Sequence[ValueShape]) -> ResolvedName:
    """Resolves in the innermost scope that has the name. `scopes`: the data, then each open section.

    Raises Unknown.
    """
    if text.startswith("fact."):
        return _fact(text.removeprefix("fact."))
    if text == ".":
        return ResolvedName(Name(len(scopes) - 1), scopes[-1])
    first, *rest = text.split(".")
    for at in range(len(scopes) - 1, -1, -1):
        if first in scopes[at].fields:
            return ResolvedName(
                Name(at, (first, *rest)), _down(text, scopes[at].fields[first], rest)
            )
    raise Unknown(f"there is no `{first}` here.", _known(first, scopes))


def _fact(name: str) -> ResolvedName:
    kind = kind_of(name)
    shape = _FACTS.get(kind) if kind else None
    if shape is None or segment_of(name) == "":
        near = difflib.get_close_matches(name, spellings(), 1)
        problem = f"`fact.{name}` is no fact that can be shown."
        hint = f"Did you mean `fact.{near[0]}`?" if near else "See docs/site-file.md for facts."
        raise Unknown(problem, hint)
    return ResolvedName(Name(FACT, (name,)), shape)


def _down(text: str, shape: ValueShape, rest: Sequence[str]) -> ValueShape:
    for n, part in enumerate(rest):
        if shape.type == "map" and n == len(rest) - 1 and not part.startswith("_"):
            return TEXT
        if part not in shape.fields:
            problem = f"`{text}` has no `{part}` in it."
            raise Unknown(problem, _known(part, [shape]) if shape.fields else _PLAIN[shape.type])
        shape = shape.fields[part]
    return shape


_PLAIN: Mapping[Type, str] = {
    "list": "It is a list: name its parts between `{{#…}}` and `{{/…}}`.",
    "map": "Name one of its fields, such as `attributes.brand`.",
    "text": "It is a text and has no parts.",
    "number": "It is a number and has no parts.",
    "flag": "It is true or false and has no parts.",
}


def _known(name: str, scopes: Sequence[ValueShape]) -> str:
    names = list(dict.fromkeys(n for shape in reversed(scopes) for n in shape.fields))
    near = difflib.get_close_matches(name, names, 1)
    hint = f"Did you mean `{near[0]}`? " if near else ""
    return f"{hint}There is: {', '.join([*names, 'fact.…'])}."
