"""Reads a site file (YAML): every mistake at once, each with its line, its field and the way out.

The node tree of the parser is kept, because pydantic knows paths and a marketer needs lines. Knows
no store; the fields themselves are in `site_schema`.
"""

import difflib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import yaml
from pydantic import ValidationError

from hemline.adapters.site_check import Path, contradictions
from hemline.adapters.site_schema import SiteModel
from hemline.model.site import Site

# An alias can repeat a node: without a bound a few lines of YAML would fill the memory.
_MAX_NODES, _MAX_DEPTH, _MAX_BYTES = 100_000, 32, 1_000_000


class Finding(NamedTuple):
    """One mistake: `line` from 1, `field` such as `slots[0].limit`."""

    line: int
    field: str
    problem: str
    way_out: str = ""

    def text(self, file: str) -> str:
        """`site.yaml:12: slots[0].limit: … …`, as editors and CI read it."""
        where = f"{file}:{self.line}: " + (f"{self.field}: " if self.field else "")
        return where + self.problem + (f" {self.way_out}" if self.way_out else "")


class Checked(NamedTuple):
    """The site, or what is wrong with it; exactly one of the two is there."""

    site: Site | None
    findings: list[Finding]


class _Wrong(Exception):  # noqa: N818 - a finding on its way out of the tree
    def __init__(self, node: yaml.Node, path: Path, problem: str, way_out: str = "") -> None:
        super().__init__(problem)
        self.finding = Finding(_line(node), spell(path), problem, way_out)


def check(text: str) -> Checked:
    """Parse and check one site file; never raises for what a person can write into it."""
    try:
        node = _compose(text)
        data = _Tree().value(node, ())
    except _Wrong as wrong:
        return Checked(None, [wrong.finding])
    except yaml.MarkedYAMLError as error:
        return Checked(None, [_not_yaml(error)])
    except yaml.YAMLError as error:
        return Checked(None, [Finding(1, "", f"not YAML: {error}")])
    return _check_fields(node, data)


def _compose(text: str) -> yaml.Node:
    if len(text) > _MAX_BYTES:
        raise _Wrong(
            yaml.ScalarNode("", ""), (), f"a site file has at most {_MAX_BYTES} characters."
        )
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except RecursionError:
        raise _Wrong(yaml.ScalarNode("", ""), (), "nested too deeply.") from None
    if not isinstance(node, yaml.MappingNode):
        raise _Wrong(
            node or yaml.ScalarNode("", ""),
            (),
            "a site file is a mapping.",
            "Start it with `title:`, `currency:`, `consent_default:` and `slots:`.",
        )
    return node


class _Tree:
    """Nodes to plain values; counts them, refuses doubled keys and what is no JSON."""

    def __init__(self) -> None:
        self.left = _MAX_NODES
        self.scalars = yaml.SafeLoader("")

    def value(self, node: yaml.Node, path: Path) -> Any:  # noqa: ANN401 - any YAML value
        self.left -= 1
        if self.left < 0 or len(path) > _MAX_DEPTH:
            raise _Wrong(
                node, path[:3], "too much, or nested too deeply.", "Write out the aliases."
            )
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(child, (*path, n)) for n, child in enumerate(node.value)]
        return self._scalar(node, path)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, object]:
        found: dict[str, object] = {}
        for key_node, child in node.value:
            key = key_node.value
            if not isinstance(key, str):
                raise _Wrong(key_node, path, "a field's name must be text.")
            if key in found:
                raise _Wrong(key_node, (*path, key), "stands here twice.", "Keep one of them.")
            found[key] = self.value(child, (*path, key))
        return found

    def _scalar(self, node: yaml.Node, path: Path) -> object:
        try:
            value = self.scalars.construct_object(node)
        except (ValueError, yaml.YAMLError) as error:
            raise _Wrong(
                node,
                path,
                f"cannot be read: {getattr(error, 'problem', error)}.",
                "Put it in quotes.",
            ) from None
        if not isinstance(value, str | int | float | None):
            kind = type(value).__name__
            raise _Wrong(node, path, f"reads as a {kind}.", "Put it in quotes to make it text.")
        return value


def _check_fields(node: yaml.Node, data: object) -> Checked:
    try:
        site = SiteModel.model_validate(data).struct()
    except ValidationError as error:
        found = {_finding(node, data, dict(one)) for one in error.errors(include_url=False)}
        return Checked(None, sorted(found))
    found = {
        Finding(_line(_at(node, path)), spell(path), problem, way_out)
        for path, problem, way_out in contradictions(site)
    }
    return Checked(None, sorted(found)) if found else Checked(site, [])


def _finding(root: yaml.Node, data: object, error: dict[str, Any]) -> Finding:
    path = _plain(error["loc"], data)
    problem, way_out = _WORDS.get(error["type"], _as_said)(error)
    return Finding(_line(_at(root, path)), spell(path), problem, way_out)


def _plain(loc: Path, data: object) -> Path:
    """The path in the file: pydantic's without the tags of its unions, which are no fields."""
    path: list[str | int] = []
    for n, part in enumerate(loc):
        last = n == len(loc) - 1
        if isinstance(data, dict) and isinstance(part, str):
            tag = part not in data and part in (data.get("kind", "items"), data.get("action"))
            if tag:
                continue
            path.append(part)
            data = data.get(part)
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            path.append(part)
            data = data[part]
        elif last and part != "[key]":
            break
    return tuple(path)


def _at(node: yaml.Node, path: Path) -> yaml.Node:
    """The deepest node of the file on `path`; the key's own node where the last part is a key."""
    for part in path:
        child = _child(node, part)
        if child is None:
            break
        node = child
    return node


def _child(node: yaml.Node, part: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int):
        return node.value[part] if part < len(node.value) else None
    if isinstance(node, yaml.MappingNode):
        return next((child for key, child in node.value if key.value == part), None)
    return None


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1 if node.start_mark else 1


def spell(path: Path) -> str:
    """`slots[0].limit`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def _not_yaml(error: yaml.MarkedYAMLError) -> Finding:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 1
    problem = f"not YAML: {error.problem or error.context}."
    return Finding(line, "", problem, "Check the indentation and the quotes.")


def _as_said(error: dict[str, Any]) -> tuple[str, str]:
    return f"{error['msg'][:1].lower()}{error['msg'][1:]}.", ""


def _said(error: dict[str, Any]) -> tuple[str, str]:
    return f"{error['ctx']['error']}.", ""


def _missing(_: dict[str, Any]) -> tuple[str, str]:
    return "is missing.", "Add it."


def _unknown(error: dict[str, Any]) -> tuple[str, str]:
    near = difflib.get_close_matches(str(error["loc"][-1]), sorted(set(_every_field())), 1)
    hint = f"Did you mean `{near[0]}`?" if near else "Remove it, or see docs/site-file.md."
    return "there is no such field here.", hint


def _every_field() -> Iterator[str]:
    """Names of all fields of all models of the file, for "did you mean"."""
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
    field, known = ("action", "pin, block, filter, cap")
    if error["loc"][0] == "slots":
        field, known = ("kind", "items, content, alert, layout")
    return f"has no `{field}` that is known.", f"`{field}` is one of: {known}."


def _text(error: dict[str, Any]) -> tuple[str, str]:
    # YAML reads no, off and yes as true or false, and 12 as a number: quoting is the way out.
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
