"""Turns pydantic's errors into messages for the author of a site file. Knows no YAML and no lines."""

import difflib
from collections.abc import Callable, Iterator
from typing import Any, get_args

from hemline.model.site.kinds import KINDS
from hemline.model.site.rule import Action
from hemline.sitefile.schema import SiteModel


def in_words(error: dict[str, Any]) -> tuple[str, str]:
    """(problem, way out) of one pydantic error."""
    return _WORDS.get(error["type"], _as_said)(error)


def _as_said(error: dict[str, Any]) -> tuple[str, str]:
    return f"{error['msg'][:1].lower()}{error['msg'][1:]}.", ""


def _said(error: dict[str, Any]) -> tuple[str, str]:
    said = str(error["ctx"]["error"])
    return said if said.endswith((".", "?")) else f"{said}.", ""


def _missing(_: dict[str, Any]) -> tuple[str, str]:
    return "is missing.", "Add it."


def _unknown(error: dict[str, Any]) -> tuple[str, str]:
    name, known = str(error["loc"][-1]), sorted(set(_every_field()))
    group = str(error["loc"][-2]).strip("<>") if len(error["loc"]) > 1 else ""
    if group in {"all", "any", "not"}:
        problem = f"does not stand beside `{group}`."
        return problem, "Make it a condition of its own: one more entry of the list."
    if name in known:
        return "there is no such field here.", f"`{name}` belongs elsewhere: see docs/site-file.md."
    near = difflib.get_close_matches(name, known, 1)
    hint = f"Did you mean `{near[0]}`?" if near else "Remove it, or see docs/site-file.md."
    return "there is no such field here.", hint


def _every_field() -> Iterator[str]:
    """The field names of all models of the file, for "did you mean"."""
    schema = SiteModel.model_json_schema()
    yield from schema["properties"]
    for model in schema["$defs"].values():
        yield from model.get("properties", {})


def _choice(error: dict[str, Any]) -> tuple[str, str]:
    expected = str(error["ctx"]["expected"]).replace("'", "")
    near = difflib.get_close_matches(
        str(error["input"]), expected.replace(" or ", ", ").split(", "), 1
    )
    hint = f" Did you mean `{near[0]}`?" if near else ""
    return f"{_quote(error['input'])} is none of its values.", f"One of: {expected}.{hint}"


def _tag(error: dict[str, Any]) -> tuple[str, str]:
    field, known = ("action", ", ".join(get_args(Action)))
    if error["loc"][0] == "slots":
        field, known = ("kind", ", ".join(KINDS))
    return f"has no `{field}` that is known.", f"`{field}` is one of: {known}."


def _text(error: dict[str, Any]) -> tuple[str, str]:
    # YAML reads no, off and yes as true or false, and 12 as a number; quotes make them text.
    return f"{_quote(error['input'])} is no text.", "Put it in quotes."


def _type(word: str) -> Callable[[dict[str, Any]], tuple[str, str]]:
    return lambda error: (f"must be {word}, not {_quote(error['input'])}.", "")


def _pattern(error: dict[str, Any]) -> tuple[str, str]:
    return (
        f"{_quote(error['input'])} does not look right.",
        f"It must match {error['ctx']['pattern']}",
    )


def _quote(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"`{text[:40]}`" if not isinstance(value, dict | list) else f"a {_KINDS[type(value)]}"


_KINDS: dict[type, str] = {dict: "mapping", list: "list"}
_WORDS: dict[str, Callable[[dict[str, Any]], tuple[str, str]]] = {
    "missing": _missing,
    "extra_forbidden": _unknown,
    "literal_error": _choice,
    "union_tag_invalid": _tag,
    "union_tag_not_found": _tag,
    "string_type": _text,
    "int_type": _type("a whole number"),
    "float_type": _type("a number"),
    "bool_type": _type("true or false"),
    "list_type": _type("a list"),
    "dict_type": _type("a mapping"),
    "model_type": _type("a mapping"),
    "model_attributes_type": _type("a mapping"),
    "string_pattern_mismatch": _pattern,
    "value_error": _said,
}
