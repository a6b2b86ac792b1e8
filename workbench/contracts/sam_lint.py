"""Expands the SAM template to plain CloudFormation, then lints the result.

`sam validate --lint` does not look inside Events, so a wrong route or response type passes it; the
expanded template has plain resources that cfn-lint does check. Runs in SAM's own environment
(aws-sam-translator and cfn-lint come with it) and imports nothing of the project.
usage: sam_lint.py template.yaml [region]; exit status 1 on any finding.
"""

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from cfnlint.api import ManualArgs, lint_file
from samtranslator.model.exceptions import InvalidDocumentException
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse


class ManagedPolicies:
    """Maps any managed policy's name to an ARN, so that the lint needs no AWS account."""

    def load(self) -> "ManagedPolicies":
        """The loader that SAM calls."""
        return self

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and not name.startswith("arn")

    def __getitem__(self, name: str) -> str:
        return f"arn:aws:iam::aws:policy/{name}"

    def get(self, name: str, default: str | None = None) -> str | None:
        """As `dict.get`, for every name."""
        return self[name] if name in self else default  # noqa: SIM401 - this is the definition of `get`


def expand(template: dict[str, Any], region: str) -> dict[str, Any]:
    """The CloudFormation template it becomes. Raises InvalidDocumentException."""
    for resource in template["Resources"].values():
        properties = resource.get("Properties") or {}
        for key in ("CodeUri", "ContentUri"):
            if isinstance(properties.get(key), str):
                # Expansion requires uploaded code; the lint does not look at it.
                properties[key] = "s3://bucket/key"
    expanded: dict[str, Any] = transform(template, {"AWS::Region": region}, ManagedPolicies())
    return expanded


def findings(path: Path, region: str) -> list[str]:
    """What is wrong with the template at `path`, as lines; empty when nothing is."""
    os.environ.setdefault("AWS_DEFAULT_REGION", region)
    try:
        expanded = expand(yaml_parse(path.read_text()), region)
    except InvalidDocumentException as error:
        return [f"SAM: {cause.message}" for cause in error.causes]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "expanded.json"
        out.write_text(json.dumps(expanded, indent=1))
        return [str(match) for match in lint_file(out, ManualArgs(regions=[region]))]


def main(path: str, region: str = "eu-west-1") -> int:
    """Print the findings; 1 when there are any."""
    found = findings(Path(path), region)
    print(*found, f"{path}: {len(found)} finding(s)", sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
