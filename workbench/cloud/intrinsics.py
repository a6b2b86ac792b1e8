"""Parses CloudFormation YAML and resolves the few intrinsic functions that template.yaml uses.

Knows the language, not the resources: the caller says what a Ref to a resource resolves to.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import yaml

ABSENT = object()
"""What `!Ref AWS::NoValue` resolves to; it is dropped from the mapping or list that holds it."""

_PLACEHOLDER = re.compile(r"\$\{([^}!]+)\}")
_DYNAMIC = re.compile(r"\{\{resolve:secretsmanager:([^:}]+):SecretString\}\}")


class Names(NamedTuple):
    """The values that references resolve to on this machine."""

    values: Mapping[str, object]
    """Parameters, pseudo parameters and resources by name: what Ref gives."""
    attributes: Mapping[str, str]
    """`LogicalId.Attribute` → value: what GetAtt gives."""
    conditions: Mapping[str, object]
    """As written; resolved when an If asks."""
    secrets: dict[str, str]
    """Physical name of a secret → its text, for dynamic references."""


class _Loader(yaml.SafeLoader):
    """Safe YAML with CloudFormation's short tags."""


def _short_tag(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, object]:
    if isinstance(node, yaml.ScalarNode):
        value: object = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _short_tag)


def parse(text: str) -> dict[str, Any]:
    """A template as CloudFormation's JSON would have it. Raises yaml.YAMLError."""
    document: dict[str, Any] = yaml.load(text, _Loader)  # noqa: S506 - _Loader is a SafeLoader
    return document


def resolve(value: object, names: Names) -> Any:  # noqa: ANN401 - any YAML value
    """`value` with every intrinsic function applied. Raises KeyError on an unknown name."""
    if isinstance(value, dict):
        if len(value) == 1:
            ((key, argument),) = value.items()
            if key in _FUNCTIONS:
                return _FUNCTIONS[key](argument, names)
        pairs = ((key, resolve(item, names)) for key, item in value.items())
        return {key: item for key, item in pairs if item is not ABSENT}
    if isinstance(value, list):
        return [item for item in (resolve(v, names) for v in value) if item is not ABSENT]
    return value


def _ref(name: Any, names: Names) -> object:  # noqa: ANN401 - parsed YAML
    return ABSENT if name == "AWS::NoValue" else names.values[name]


def _sub(text: Any, names: Names) -> str:  # noqa: ANN401 - parsed YAML
    def one(match: re.Match[str]) -> str:
        name = match.group(1)
        return str(names.attributes[name] if "." in name else names.values[name])

    filled = _PLACEHOLDER.sub(one, text)
    return _DYNAMIC.sub(lambda match: names.secrets[match.group(1)], filled)


def _get_att(path: Any, names: Names) -> str:  # noqa: ANN401 - parsed YAML
    return names.attributes[".".join(path)]


def _if(parts: Any, names: Names) -> object:  # noqa: ANN401 - parsed YAML
    condition, yes, no = parts
    return resolve(yes if resolve(names.conditions[condition], names) else no, names)


def _equals(parts: Any, names: Names) -> bool:  # noqa: ANN401 - parsed YAML
    left, right = resolve(parts, names)
    return str(left) == str(right)


_FUNCTIONS: dict[str, Callable[[Any, Names], object]] = {
    "Ref": _ref,
    "Fn::Sub": _sub,
    "Fn::GetAtt": _get_att,
    "Fn::If": _if,
    "Fn::Join": lambda parts, names: parts[0].join(map(str, resolve(parts[1], names))),
    "Fn::Equals": _equals,
    "Fn::Not": lambda parts, names: not resolve(parts[0], names),
}
