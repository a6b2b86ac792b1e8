"""What the tests take from template.yaml, so that the tables they make cannot drift from it."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

TEMPLATE = Path(__file__).resolve().parents[2] / "template.yaml"


class _Loader(yaml.SafeLoader):
    """Reads `!Ref`, `!Sub` and their kin as what they stand before."""


def _untag(loader: yaml.SafeLoader, _suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    assert isinstance(node, yaml.ScalarNode)
    return loader.construct_scalar(node)


_Loader.add_multi_constructor("!", _untag)


@lru_cache(maxsize=1)
def resources() -> dict[str, dict[str, Any]]:
    """Logical id → resource, intrinsic functions untagged."""
    text = TEMPLATE.read_text()
    return dict(yaml.load(text, Loader=_Loader)["Resources"])  # a SafeLoader of our own


def table_definition() -> dict[str, Any]:
    """KeySchema and AttributeDefinitions of the stack's one table."""
    tables = [r for r in resources().values() if r["Type"] == "AWS::DynamoDB::Table"]
    assert len(tables) == 1, "the stack has one table"
    wanted = ("KeySchema", "AttributeDefinitions")
    return {name: tables[0]["Properties"][name] for name in wanted}


def parameters() -> dict[str, dict[str, Any]]:
    """Name → parameter of the stack."""
    return dict(yaml.load(TEMPLATE.read_text(), Loader=_Loader)["Parameters"])  # as above


def timeouts() -> dict[str, int]:
    """Function → seconds that Lambda gives it."""
    found = [r["Properties"] for r in resources().values() if r["Type"].endswith("::Function")]
    return {p["CodeUri"].rpartition("/")[2]: p["Timeout"] for p in found}
