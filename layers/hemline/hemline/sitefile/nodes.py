"""The YAML of a site file as a tree of nodes with line numbers; joins several files into one tree.

The parser's nodes are kept because pydantic reports paths and a marketer needs lines. This module
knows one thing about sites: their lists may be spread over several files.
"""

import io
from collections.abc import Iterator, Sequence
from typing import Any

import yaml

from hemline.model.input.text import composed

Path = tuple[str | int, ...]


class Within(int):
    """The last part of a path that points at a line inside a text; counted from 1."""


# YAML aliases can repeat a node: without these bounds a few lines of YAML could fill the memory.
# _MAX_BYTES is compared with the number of characters, over all files.
_MAX_NODES, _MAX_DEPTH, _MAX_BYTES = 100_000, 32, 1_000_000
END = "end"
"""The key of the end mark. It must be the last key, so that a truncated file lacks it."""
_END_HINT = "Is it half a file? Give each file its end mark, or none."
_TIMESTAMP = "tag:yaml.org,2002:timestamp"
_HINT = "Start it with `title:`, `currency:`, `consent_default:` and `slots:`."


class Wrong(Exception):  # noqa: N818 - a finding on its way out of the tree
    """The tree cannot be read: the node, its path, the problem and the way out."""

    def __init__(self, node: yaml.Node, path: Path, problem: str, way_out: str = "") -> None:
        super().__init__(problem)
        self.node, self.path, self.problem, self.way_out = node, path, problem, way_out


class _Named(io.StringIO):
    """A text stream with a file name. The parser copies `name` into the marks of its nodes."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(text)
        self.name = name


def compose(files: Sequence[tuple[str, str]]) -> yaml.MappingNode:
    """Join the (name, text) of each file into one mapping. Raises Wrong, or the parser's YAMLError."""
    if sum(len(text) for _, text in files) > _MAX_BYTES:
        raise Wrong(_nowhere(), (), f"a site file has at most {_MAX_BYTES} characters.")
    roots = [_root(name, text) for name, text in files]
    return roots[0] if len(roots) == 1 else _joined(roots)


def _nowhere() -> yaml.Node:
    return yaml.ScalarNode("", "")


def _root(name: str, text: str) -> yaml.MappingNode:
    try:
        node = yaml.compose(_Named(name, text), Loader=yaml.SafeLoader)
    except RecursionError:
        raise Wrong(_nowhere(), (), "nested too deeply.") from None
    if not isinstance(node, yaml.MappingNode):
        raise Wrong(node or _nowhere(), (), "a site file is a mapping.", _HINT)
    _check_end(node)
    return node


def _check_end(root: yaml.MappingNode) -> None:
    """Refuse keys after the end mark: the part after it may be truncated."""
    for key, _ in root.value[:-1]:
        if key.value == END:
            raise Wrong(key, (END,), "says where the file ends, and more comes.", "Put it last.")


def _joined(roots: Sequence[yaml.MappingNode]) -> yaml.MappingNode:
    """Concatenate lists of the same name, in the order of the files. Any other field may occur once."""
    ends = [root.value[-1] for root in roots if root.value and root.value[-1][0].value == END]
    if ends and len(ends) < len(roots):
        open_ended = next(
            root for root in roots if not root.value or root.value[-1][0].value != END
        )
        raise Wrong(
            open_ended, (), "does not end with `end: true`, as other files here do.", _END_HINT
        )
    pairs: list[tuple[yaml.Node, yaml.Node]] = []
    lists: dict[str, yaml.SequenceNode] = {}
    for key, child in (*_members(roots), *ends[:1]):
        name = str(key.value)
        if name in lists and isinstance(child, yaml.SequenceNode):
            lists[name].value.extend(child.value)
            continue
        if isinstance(child, yaml.SequenceNode):
            child = yaml.SequenceNode(child.tag, list(child.value), child.start_mark)  # noqa: PLW2901 - a copy: extended below
            lists[name] = child
        pairs.append((key, child))
    return yaml.MappingNode(roots[0].tag, pairs, roots[0].start_mark)


def _members(roots: Sequence[yaml.MappingNode]) -> Iterator[tuple[yaml.Node, yaml.Node]]:
    for root in roots:
        names = [key.value for key, _ in root.value]
        for at, (key, child) in enumerate(root.value):
            if key.value == END:
                continue
            # The same key twice in one file is a mistake; in two files it is intended.
            if key.value in names[:at]:
                raise Wrong(key, (str(key.value),), "stands here twice.", "Keep one of them.")
            yield key, child


def plain(node: yaml.Node) -> Any:  # noqa: ANN401 - any YAML value
    """The tree as plain values. Raises Wrong for duplicate keys, non-JSON values and oversized trees."""
    return _Tree().value(node, ())


class _Tree:
    """Converts nodes to plain values. Counts them; refuses duplicate keys and non-JSON values."""

    def __init__(self) -> None:
        self.left = _MAX_NODES
        self.scalars = yaml.SafeLoader("")

    def value(self, node: yaml.Node, path: Path) -> Any:  # noqa: ANN401 - any YAML value
        self.left -= 1
        if self.left < 0 or len(path) > _MAX_DEPTH:
            raise Wrong(node, path[:3], "too much, or nested too deeply.", "Write out the aliases.")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(child, (*path, n)) for n, child in enumerate(node.value)]
        return self._scalar(node, path)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, object]:
        found: dict[str, object] = {}
        for key_node, child in node.value:
            if not isinstance(key_node.value, str):
                raise Wrong(key_node, path, "a field's name must be text.")
            key = composed(key_node.value)
            if key in found:
                raise Wrong(key_node, (*path, key), "stands here twice.", "Keep one of them.")
            found[key] = self.value(child, (*path, key))
        return found

    def _scalar(self, node: yaml.Node, path: Path) -> object:
        if node.tag == _TIMESTAMP:
            return node.value  # dates stay text: a field that needs a date parses it
        try:
            value = self.scalars.construct_object(node)
        except (ValueError, yaml.YAMLError) as error:
            raise Wrong(
                node,
                path,
                f"cannot be read: {getattr(error, 'problem', error)}.",
                "Put it in quotes.",
            ) from None
        if not isinstance(value, str | int | float | None):
            kind = type(value).__name__
            raise Wrong(node, path, f"reads as a {kind}.", "Put it in quotes to make it text.")
        # NFC: two systems may encode the same name differently. See `model.input.text`.
        return composed(value) if isinstance(value, str) else value


def node_at(node: yaml.Node, path: Path) -> yaml.Node:
    """The deepest node that exists on `path`; for a mapping key, the node of its value."""
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


def line_of(node: yaml.Node, path: Path = ()) -> int:
    """The line of the node, from 1. In a literal block (`|`), the line that a final `Within` names."""
    start = int(node.start_mark.line) + 1 if node.start_mark else 1
    inner = path[-1] if path else None
    literal = isinstance(node, yaml.ScalarNode) and node.style == "|"
    return start + inner if isinstance(inner, Within) and literal else start


def file_of(node: yaml.Node) -> str:
    """The name of the file that contains the node."""
    return str(node.start_mark.name) if node.start_mark else ""


_ONE_OF = {
    "slots": "slot",
    "rules": "rule",
    "segments": "segment",
    "templates": "template",
    "variants": "variant",
}


def in_person(node: yaml.Node, path: Path) -> str:
    """The path in words, with names for indices: `slot hero, variant rain: when[0].value`.

    From the first entry without a name on, the path is written with indices, as in `spell`.
    """
    said: list[str] = []
    for n, (part, at) in enumerate(zip(path[::2], path[1::2], strict=False)):
        name = _name_of(node, path[: 2 * n + 2])
        if part not in _ONE_OF or not isinstance(at, int) or not name:
            break
        said.append(f"{_ONE_OF[str(part)]} {name}")
    rest = spell(path[2 * len(said) :])
    return ": ".join(filter(None, (", ".join(said), rest)))


def _name_of(node: yaml.Node | None, path: Path) -> str:
    for part in (*path, "name"):
        node = _child(node, part) if node else None
    return str(node.value)[:64] if isinstance(node, yaml.ScalarNode) else ""


def spell(path: Path) -> str:
    """The path as `slots[0].limit`; `Within` parts are left out, because a line is not a field."""
    plain = [part for part in path if not isinstance(part, Within)]
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in plain)
    return text.removeprefix(".")
