"""A site file's YAML as a tree that remembers lines: one file, or several that are one.

The node tree of the parser is kept, because pydantic knows paths and a marketer needs lines. Knows
nothing of a site but that its lists may be spread over files.
"""

import io
from collections.abc import Iterator, Sequence
from typing import Any

import yaml

from hemline.model.input.text import composed

Path = tuple[str | int, ...]


class Within(int):
    """As a path's last part: a line of a text, from 1."""


# An alias can repeat a node: without a bound a few lines of YAML would fill the memory.
_MAX_NODES, _MAX_DEPTH, _MAX_BYTES = 100_000, 32, 1_000_000
END = "end"
"""The end mark: a file's last key, so that half of the file has none."""
_END_HINT = "Is it half a file? Give each file its end mark, or none."
_TIMESTAMP = "tag:yaml.org,2002:timestamp"
_HINT = "Start it with `title:`, `currency:`, `consent_default:` and `slots:`."


class Wrong(Exception):  # noqa: N818 - a finding on its way out of the tree
    """What cannot be read at all: where, what, and the way out."""

    def __init__(self, node: yaml.Node, path: Path, problem: str, way_out: str = "") -> None:
        super().__init__(problem)
        self.node, self.path, self.problem, self.way_out = node, path, problem, way_out


class _Named(io.StringIO):
    """A text that knows its file's name, so that the parser's marks do."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(text)
        self.name = name


def compose(files: Sequence[tuple[str, str]]) -> yaml.MappingNode:
    """(name, text) of each file → one mapping. Raises Wrong, or what the parser raises."""
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
    """Whatever comes after the end mark may be half of something."""
    for key, _ in root.value[:-1]:
        if key.value == END:
            raise Wrong(key, (END,), "says where the file ends, and more comes.", "Put it last.")


def _joined(roots: Sequence[yaml.MappingNode]) -> yaml.MappingNode:
    """Lists of the same name one after another, in the order of the files; other fields stand once."""
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
            child = yaml.SequenceNode(child.tag, list(child.value), child.start_mark)  # noqa: PLW2901 - its own list, to be added to
            lists[name] = child
        pairs.append((key, child))
    return yaml.MappingNode(roots[0].tag, pairs, roots[0].start_mark)


def _members(roots: Sequence[yaml.MappingNode]) -> Iterator[tuple[yaml.Node, yaml.Node]]:
    for root in roots:
        names = [key.value for key, _ in root.value]
        for at, (key, child) in enumerate(root.value):
            if key.value == END:
                continue
            # A list that stands twice in one file is a slip, in two files it is the point.
            if key.value in names[:at]:
                raise Wrong(key, (str(key.value),), "stands here twice.", "Keep one of them.")
            yield key, child


def plain(node: yaml.Node) -> Any:  # noqa: ANN401 - any YAML value
    """The tree as plain values. Raises Wrong for doubled keys, for what is no JSON and for too much."""
    return _Tree().value(node, ())


class _Tree:
    """Nodes to plain values; counts them, refuses doubled keys and what is no JSON."""

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
            return node.value  # dates are text here: the field that wants one reads it
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
        # The same name typed on two systems is one name: see `model.input.text`.
        return composed(value) if isinstance(value, str) else value


def node_at(node: yaml.Node, path: Path) -> yaml.Node:
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


def line_of(node: yaml.Node, path: Path = ()) -> int:
    """From 1. Within a text that stands as it is written (`|`), the line that the path ends with."""
    start = int(node.start_mark.line) + 1 if node.start_mark else 1
    inner = path[-1] if path else None
    literal = isinstance(node, yaml.ScalarNode) and node.style == "|"
    return start + inner if isinstance(inner, Within) and literal else start


def file_of(node: yaml.Node) -> str:
    """The name of the file that the node stands in."""
    return str(node.start_mark.name) if node.start_mark else ""


_ONE_OF = {
    "slots": "slot",
    "rules": "rule",
    "segments": "segment",
    "templates": "template",
    "variants": "variant",
}


def in_person(node: yaml.Node, path: Path) -> str:
    """As somebody says it who wrote the file: `slot hero, variant rain: when[0].value`.

    An entry that has no name of its own is counted, as in `spell`.
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
    """`slots[0].limit`; a line of a text is no field."""
    plain = [part for part in path if not isinstance(part, Within)]
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in plain)
    return text.removeprefix(".")
